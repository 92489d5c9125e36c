package drain_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const zone = "topology.kubernetes.io/zone"

// newNode returns a node with 8 CPUs, 32 GiB and room for 10 pods.
func newNode(name string, changes ...func(*corev1.Node)) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}}
	node.Status.Allocatable = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("32Gi"), corev1.ResourcePods: resource.MustParse("10"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"), "devices.kubevirt.io/kvm": resource.MustParse("1k"),
	}
	for _, change := range changes {
		change(node)
	}
	return node
}

func labelled(key, value string) func(*corev1.Node) {
	return func(node *corev1.Node) { node.Labels[key] = value }
}

func tainted(key, value string, effect corev1.TaintEffect) func(*corev1.Node) {
	return func(node *corev1.Node) {
		node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: key, Value: value, Effect: effect})
	}
}

func having(name corev1.ResourceName, quantity string) func(*corev1.Node) {
	return func(node *corev1.Node) { node.Status.Allocatable[name] = resource.MustParse(quantity) }
}

func cordoned(node *corev1.Node) {
	node.Spec.Unschedulable = true
	tainted(corev1.TaintNodeUnschedulable, "", corev1.TaintEffectNoSchedule)(node)
}

// newPod returns a pod of namespace team-a that asks for nothing.
func newPod(name string, changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "team-a", Labels: map[string]string{}}}
	pod.Spec.Containers = []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{}}}}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

func on(node string) func(*corev1.Pod) { return func(pod *corev1.Pod) { pod.Spec.NodeName = node } }

func in(namespace string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Namespace = namespace }
}

func phase(phase corev1.PodPhase) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Status.Phase = phase }
}

func terminating(pod *corev1.Pod) { pod.DeletionTimestamp = &metav1.Time{} }

func app(value string) func(*corev1.Pod) { return label("app", value) }

func label(key, value string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Labels[key] = value }
}

func requests(name corev1.ResourceName, quantity string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.Containers[0].Resources.Requests[name] = resource.MustParse(quantity) }
}

func memory(gibibytes int) func(*corev1.Pod) {
	return requests(corev1.ResourceMemory, fmt.Sprintf("%dGi", gibibytes))
}

func port(ip string, number int32, protocol corev1.Protocol) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		ports := &pod.Spec.Containers[0].Ports
		*ports = append(*ports, corev1.ContainerPort{HostIP: ip, HostPort: number, Protocol: protocol})
	}
}

func selecting(key, value string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{key: value} }
}

func tolerating(toleration corev1.Toleration) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.Tolerations = append(pod.Spec.Tolerations, toleration) }
}

func affinityOf(pod *corev1.Pod) *corev1.Affinity {
	if pod.Spec.Affinity == nil {
		pod.Spec.Affinity = &corev1.Affinity{}
	}
	return pod.Spec.Affinity
}

func requiringNodes(term corev1.NodeSelectorTerm) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		affinityOf(pod).NodeAffinity = &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}},
		}
	}
}

// apps selects pods with this value of the label app.
func apps(value string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": value}}
}

// term selects pods of an app, per node.
func term(value string, changes ...func(*corev1.PodAffinityTerm)) corev1.PodAffinityTerm {
	t := corev1.PodAffinityTerm{LabelSelector: apps(value), TopologyKey: corev1.LabelHostname}
	for _, change := range changes {
		change(&t)
	}
	return t
}

func per(key string) func(*corev1.PodAffinityTerm) {
	return func(t *corev1.PodAffinityTerm) { t.TopologyKey = key }
}

func inNamespaces(names ...string) func(*corev1.PodAffinityTerm) {
	return func(t *corev1.PodAffinityTerm) { t.Namespaces = names }
}

func inNamespacesLabelled(labels map[string]string) func(*corev1.PodAffinityTerm) {
	return func(t *corev1.PodAffinityTerm) { t.NamespaceSelector = &metav1.LabelSelector{MatchLabels: labels} }
}

func near(terms ...corev1.PodAffinityTerm) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		affinityOf(pod).PodAffinity = &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}
	}
}

func awayFrom(terms ...corev1.PodAffinityTerm) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		affinityOf(pod).PodAntiAffinity = &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}
	}
}

// spreading spreads the pods of an app over nodes with a skew of one.
func spreading(value string, changes ...func(*corev1.TopologySpreadConstraint)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		c := corev1.TopologySpreadConstraint{
			MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: apps(value),
		}
		for _, change := range changes {
			change(&c)
		}
		pod.Spec.TopologySpreadConstraints = append(pod.Spec.TopologySpreadConstraints, c)
	}
}
