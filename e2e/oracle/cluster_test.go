package oracle

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// clusterLabel is on everything of a generated cluster, with its name. Every pod selects the nodes of its own cluster by it, so that
// many clusters can share one API server and one scheduler without mixing.
const clusterLabel = "oracle"

// finalizer keeps a pod that is being deleted.
const finalizer = "oracle.upgradegate.io/stays"

// resources that a device plugin or the kernel would bring.
const (
	device    = corev1.ResourceName("devices.kubevirt.io/kvm")
	hugePages = corev1.ResourceName("hugepages-2Mi")
)

// generated is a cluster that the oracle makes up.
type generated struct {
	number int
	name   string
	// theme is what most of its pods ask for. With the theme room they ask for anything, and lack room most of the time; with the others
	// there is room, so that the filters that come after it have their say.
	theme string
	nodes []*corev1.Node
	// bound are the pods that are on the nodes from the beginning; doomed are those of them that are being deleted.
	bound  []*corev1.Pod
	doomed map[string]bool
	// arriving are the pods that the scheduler gets, one after the other.
	arriving []*corev1.Pod
	// leaves tells which of the arriving pods are deleted again, and before which later pod.
	leaves map[int]int
}

// The themes.
const (
	themeRoom     = "room"
	themeSpread   = "spread"
	themeAffinity = "affinity"
)

// often is how many times in a hundred a pod asks for something: more often where that is the cluster's theme.
func (g *generated) often(theme string, percent, inTheme int) int {
	switch g.theme {
	case theme:
		return inTheme
	case themeRoom:
		return percent
	}
	return percent / 4
}

// namespaces of a cluster. Nothing in them has the name of another cluster's.
func (g *generated) namespaces() []string { return []string{g.name + "-a", g.name + "-b"} }

// key returns a node label of this cluster alone. Zones and racks are the topology keys.
func (g *generated) key(label string) string { return g.name + "/" + label }

// generate makes up the cluster of that number, always the same.
func generate(number int) *generated {
	d := newDice(number)
	g := &generated{number: number, name: named("c%d", number), doomed: map[string]bool{}, leaves: map[int]int{}, theme: pick(d, themeRoom, themeRoom, themeSpread, themeAffinity)}
	for i := range d.between(2, 6) {
		g.nodes = append(g.nodes, g.node(d, i))
	}
	for i := range d.between(0, 5) {
		pod := g.pod(d, named("bound-%d", i))
		pod.Spec.NodeName = pick(d, g.nodes...).Name
		pod.Annotations[fate] = pick(d, ready, ready, grown, unready, succeeded, failed, "none")
		if d.chance(15) {
			pod.Finalizers = []string{finalizer}
			g.doomed[pod.Namespace+"/"+pod.Name] = true
		}
		g.bound = append(g.bound, pod)
	}
	for i := range d.between(8, 12) {
		pod := g.pod(d, named("pod-%d", i))
		if i > 0 && d.chance(15) {
			g.leaves[i] = d.IntN(i)
		} else if d.chance(10) {
			pod.Finalizers = []string{finalizer} // so that it is there for a while after it is deleted
		}
		g.arriving = append(g.arriving, pod)
	}
	return g
}

func (g *generated) node(d dice, number int) *corev1.Node {
	name := named("%s-node-%d", g.name, number)
	labels := map[string]string{clusterLabel: g.name, corev1.LabelHostname: name, "disk": pick(d, "ssd", "hdd"), "generation": named("%d", d.between(1, 9))}
	if d.chance(85) {
		labels[g.key("zone")] = pick(d, "a", "b", "c")
	}
	if d.chance(70) {
		labels[g.key("rack")] = pick(d, "1", "2")
	}
	if d.chance(10) {
		labels["generation"] = "unknown"
	}
	room := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(pick(d, "1500m", "2", "4", "8")),
		corev1.ResourceMemory: resource.MustParse(pick(d, "3Gi", "4Gi", "8Gi", "16Gi")),
		corev1.ResourcePods:   resource.MustParse(named("%d", d.between(2, 9))),
	}
	if g.theme != themeRoom {
		room[corev1.ResourceCPU], room[corev1.ResourceMemory], room[corev1.ResourcePods] = resource.MustParse("32"), resource.MustParse("64Gi"), resource.MustParse("40")
	}
	if d.chance(60) {
		room[corev1.ResourceEphemeralStorage] = resource.MustParse("10Gi")
	}
	if d.chance(50) {
		room[device] = resource.MustParse(pick(d, "1", "2", "1k"))
	}
	if d.chance(40) {
		room[hugePages] = resource.MustParse(pick(d, "64Mi", "256Mi"))
	}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Status: corev1.NodeStatus{
			Capacity: room, Allocatable: maps.Clone(room),
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
		},
	}
	for _, key := range []string{"dedicated", "gpu"} {
		if d.chance(15) {
			effect := pick(d, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute, corev1.TaintEffectPreferNoSchedule)
			node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: key, Value: pick(d, "", "a", "b"), Effect: effect})
		}
	}
	if d.chance(12) { // kubectl cordon, and what the node lifecycle controller does then
		node.Spec.Unschedulable = true
		node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
	}
	return node
}

func (g *generated) String() string { return fmt.Sprintf("cluster %d", g.number) }
