package drain

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// model is the cluster as the upgrade has left it so far. It refers to the Snapshot's objects and holds only what changes: where VMs
// and pods are, what room nodes and budgets have left.
type model struct {
	*cluster.Snapshot
	rules
	room    *Room
	budgets *Budgets

	// guests are the VMIs on each node, by name; a VMI that was shut down is on none.
	guests map[string][]*kubevirtv1.VirtualMachineInstance
	// launchers are the pods of the VMIs that moved, as they are now.
	launchers map[*kubevirtv1.VirtualMachineInstance]*corev1.Pod
	// moved are the pods that were evicted from a node and found room on another; gone are those that left their node for good.
	moved map[string][]*corev1.Pod
	gone  map[*corev1.Pod]bool
	// pending are the replacements of evicted pods that found no room, so that what a budget allows is no longer what it said.
	pending []replacement
	// returning are the pods that start on the node again when it is back.
	returning []*corev1.Pod
	// told are the causes that were reported for an earlier node, and are taken as repaired.
	told map[string]bool

	// here is the node that is being upgraded, and plan what has been found out about it.
	here    *corev1.Node
	plan    NodePlan
	unknown []Unknown
	// readVolumes is true once the volumes were looked at, of which every node waits for all.
	readVolumes bool
	// carried are what the node before leaves behind that holds the next one.
	carried []Stop
	// moving is how many GiB of memory the VMs have that leave the node.
	moving int64
}

func newModel(s *cluster.Snapshot, r rules) *model {
	m := &model{
		Snapshot: s, rules: r, room: NewRoom(s.Nodes(), s.Pods()), budgets: NewBudgets(s.DisruptionBudgets(), s.Pods()),
		guests: map[string][]*kubevirtv1.VirtualMachineInstance{}, launchers: map[*kubevirtv1.VirtualMachineInstance]*corev1.Pod{},
		moved: map[string][]*corev1.Pod{}, gone: map[*corev1.Pod]bool{}, told: map[string]bool{},
	}
	for _, node := range r.silent {
		m.cannotTell(node, "does not report what it has for pods, so whether there is room elsewhere is not known")
	}
	for _, vmi := range s.VMIs() {
		// The pre-drain job goes by the label, which KubeVirt keeps equal to the status.
		if node := nodeOf(vmi); node != "" && vmi.Status.Phase != kubevirtv1.Succeeded {
			m.guests[node] = append(m.guests[node], vmi)
		}
	}
	for _, guests := range m.guests {
		sortByVM(guests, func(vmi *kubevirtv1.VirtualMachineInstance) (string, string) { return vmi.Namespace, vmi.Name })
	}
	return m
}

func nodeOf(vmi *kubevirtv1.VirtualMachineInstance) string {
	if node := cluster.Text(vmi.Labels[kubevirtv1.NodeNameLabel]); node != "" {
		return node
	}
	return cluster.Text(vmi.Status.NodeName)
}

// begin turns to the next node.
func (m *model) begin(t turn, position, of int) {
	m.here, m.moving = t.node, 0
	m.plan = NodePlan{Node: t.node.Name, Position: position, Earliest: position, Latest: position, Of: of, Tier: t.tier, Witness: cluster.IsWitness(t.node)}
	if m.plan.Witness {
		return // It waits for no volume.
	}
	for _, stop := range m.carried {
		m.stop(stop)
	}
	m.carried = nil
}

// carry notes what the next node would hang on because of this one.
func (m *model) carry(s Stop) { m.carried = append(m.carried, s) }

// stop notes what the node would hang on, once: what an earlier node hung on is taken as repaired.
func (m *model) stop(s Stop) {
	key := string(s.State) + "|" + objectKey(s.Object) + "|" + s.Because
	if m.told[key] {
		return
	}
	m.told[key] = true
	m.plan.Stops = append(m.plan.Stops, s)
}

// cannotTell notes what could not be simulated of an object; the reason reads on from its name.
func (m *model) cannotTell(object client.Object, because string) {
	m.unknown = append(m.unknown, Unknown{Object: object, Because: because})
}

// launcherOf returns the pod that runs a VMI now; nil where there is none that has not ended.
func (m *model) launcherOf(vmi *kubevirtv1.VirtualMachineInstance) *corev1.Pod {
	if pod := m.launchers[vmi]; pod != nil {
		return pod
	}
	for _, pod := range m.LauncherPodsOf(vmi) {
		if !cluster.IsEnded(pod) && pod.Spec.NodeName == nodeOf(vmi) {
			return pod
		}
	}
	return m.launcherByName(vmi)
}

// launcherByName finds the pod by the name of its VMI, as KubeVirt's eviction interceptor does, where it was made for another object of that
// name: of a cluster that was restored from a backup.
func (m *model) launcherByName(vmi *kubevirtv1.VirtualMachineInstance) *corev1.Pod {
	for _, pod := range m.PodsOn(nodeOf(vmi)) {
		if pod.Namespace == vmi.Namespace && pod.Annotations[cluster.AnnotationVMIDomain] == vmi.Name && cluster.IsLauncher(pod) && !cluster.IsEnded(pod) {
			return pod
		}
	}
	return nil
}

// rulesOf reads the settings that decide how nodes are emptied.
func rulesOf(s *cluster.Snapshot, text string) rules {
	target := cluster.ParseVersion(text)
	r := rules{target: target, fates: NewFates(s, target), longhorn: LonghornRulesFor(s, text), storageNodes: len(s.ManagedNodes()), slots: 2, secondsPerGiB: 150, found: map[string]*nodeFacts{}, dead: DeadInterceptors(s)}
	for _, kubevirt := range s.KubeVirts() {
		limits := kubevirt.Spec.Configuration.MigrationConfiguration
		if limits == nil {
			continue
		}
		if limits.ParallelOutboundMigrationsPerNode != nil {
			r.slots = int(*limits.ParallelOutboundMigrationsPerNode)
		}
		if limits.ParallelMigrationsPerCluster != nil {
			r.slots = min(r.slots, int(*limits.ParallelMigrationsPerCluster))
		}
		if limits.CompletionTimeoutPerGiB != nil {
			r.secondsPerGiB = *limits.CompletionTimeoutPerGiB
		}
	}
	r.slots = max(r.slots, 1)
	for _, node := range s.Nodes() {
		allocatable := node.Status.Allocatable
		if allocatable.Cpu().IsZero() || allocatable.Memory().IsZero() || allocatable.Pods().IsZero() {
			r.silent = append(r.silent, node)
		}
		r.describesCPUs = r.describesCPUs || describesCPU(node)
	}
	return r
}

func sortByVM[T any](items []T, name func(T) (namespace, name string)) {
	slices.SortFunc(items, func(a, b T) int {
		aNamespace, aName := name(a)
		bNamespace, bName := name(b)
		return strings.Compare(aNamespace+"/"+aName, bNamespace+"/"+bName)
	})
}
