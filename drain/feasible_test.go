package drain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// feasibleCase asks where a pod could be bound. The reasons are those of the nodes where it could not.
type feasibleCase struct {
	name    string
	nodes   []*corev1.Node
	pods    []*corev1.Pod
	pod     *corev1.Pod
	nodesOK []string
	reasons map[string]drain.Reason
}

func runFeasible(t *testing.T, cases []feasibleCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := drain.NewRoom(c.nodes, c.pods).Feasible(c.pod)
			if c.nodesOK == nil {
				c.nodesOK = []string{}
			}
			if diff := cmp.Diff(drain.Feasibility{Nodes: c.nodesOK, Reasons: c.reasons}, got); diff != "" {
				t.Errorf("feasible (-want +got):\n%s", diff)
			}
		})
	}
}

func nodes(all ...*corev1.Node) []*corev1.Node { return all }

func pods(all ...*corev1.Pod) []*corev1.Pod { return all }

// notOn is the reason of one node.
func notOn(node string, class drain.ReasonClass, text string) map[string]drain.Reason {
	return map[string]drain.Reason{node: {Class: class, Text: text}}
}

const (
	unmatched = "node(s) didn't match Pod's node affinity/selector"
	noPort    = "node(s) didn't have free ports for the requested pod ports"
)

func TestFeasibleByTheNodesThemselves(t *testing.T) {
	drained := tainted("kubevirt.io/drain", "draining", corev1.TaintEffectNoSchedule)
	runFeasible(t, []feasibleCase{
		{name: "a pod that asks for nothing goes anywhere, sorted by name", nodes: nodes(newNode("b"), newNode("a")), pod: newPod("p"), nodesOK: []string{"a", "b"}},
		{name: "a cordoned node takes no pod", nodes: nodes(newNode("a", cordoned), newNode("b")), pod: newPod("p"), nodesOK: []string{"b"},
			reasons: notOn("a", drain.Unschedulable, "node(s) were unschedulable")},
		{name: "a pod that tolerates a cordon goes to a cordoned node", nodes: nodes(newNode("a", cordoned)), nodesOK: []string{"a"},
			pod: newPod("p", tolerating(corev1.Toleration{Key: corev1.TaintNodeUnschedulable, Operator: corev1.TolerationOpExists}))},
		{name: "of a cordon and a taint the cordon is met first", nodes: nodes(newNode("a", cordoned, drained)), pod: newPod("p"),
			reasons: notOn("a", drain.Unschedulable, "node(s) were unschedulable")},
		{name: "a taint keeps a pod away", nodes: nodes(newNode("a", drained)), pod: newPod("p"),
			reasons: notOn("a", drain.Taint, "node(s) had untolerated taint {kubevirt.io/drain: draining}")},
		{name: "a node that is not ready is tainted", pod: newPod("p"),
			nodes:   nodes(newNode("a", tainted("node.kubernetes.io/not-ready", "", corev1.TaintEffectNoExecute))),
			reasons: notOn("a", drain.Taint, "node(s) had untolerated taint {node.kubernetes.io/not-ready: }")},
		{name: "a taint that only makes a node less preferred is no obstacle", pod: newPod("p"), nodesOK: []string{"a"},
			nodes: nodes(newNode("a", tainted("slow", "true", corev1.TaintEffectPreferNoSchedule)))},
		{name: "a tolerated taint is no obstacle", nodes: nodes(newNode("a", drained)), nodesOK: []string{"a"},
			pod: newPod("p", tolerating(corev1.Toleration{Key: "kubevirt.io/drain", Value: "draining"}))},
		{name: "a toleration of another value does not help", nodes: nodes(newNode("a", drained)),
			pod:     newPod("p", tolerating(corev1.Toleration{Key: "kubevirt.io/drain", Value: "done"})),
			reasons: notOn("a", drain.Taint, "node(s) had untolerated taint {kubevirt.io/drain: draining}")},
		{name: "a node selector wants its label", nodes: nodes(newNode("a"), newNode("b", labelled("disk", "ssd"))),
			pod: newPod("p", selecting("disk", "ssd")), nodesOK: []string{"b"}, reasons: notOn("a", drain.NodeAffinity, unmatched)},
		{name: "a node selector wants the very value", nodes: nodes(newNode("a", labelled("disk", "hdd"))),
			pod: newPod("p", selecting("disk", "ssd")), reasons: notOn("a", drain.NodeAffinity, unmatched)},
		{name: "a selector for an empty value is not met by a node without the label", nodes: nodes(newNode("a")),
			pod: newPod("p", selecting("disk", "")), reasons: notOn("a", drain.NodeAffinity, unmatched)},
		{name: "required node affinity leaves nodes out", nodes: nodes(newNode("a"), newNode("b", labelled("network.harvesterhci.io/mgmt", "true"))), nodesOK: []string{"b"},
			pod: newPod("p", requiringNodes(corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
				{Key: "network.harvesterhci.io/mgmt", Operator: corev1.NodeSelectorOpIn, Values: []string{"true"}},
			}})), reasons: notOn("a", drain.NodeAffinity, unmatched)},
		{name: "a DaemonSet's pod goes only to its own node", nodes: nodes(newNode("a"), newNode("b")), nodesOK: []string{"b"},
			pod: newPod("p", requiringNodes(corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{
				{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{"b"}},
			}})), reasons: notOn("a", drain.NodeAffinity, unmatched)},
		{name: "a required term without requirements matches no node", nodes: nodes(newNode("a")),
			pod: newPod("p", requiringNodes(corev1.NodeSelectorTerm{})), reasons: notOn("a", drain.NodeAffinity, unmatched)},
		{name: "a taken host port keeps a pod away", nodes: nodes(newNode("a"), newNode("b")), nodesOK: []string{"b"},
			pods: pods(newPod("q", on("a"), port("", 9100, corev1.ProtocolTCP))), pod: newPod("p", port("10.0.0.1", 9100, "")),
			reasons: notOn("a", drain.HostPort, noPort)},
		{name: "the same port of another protocol or another address is free", nodes: nodes(newNode("a")), nodesOK: []string{"a"},
			pods: pods(newPod("q", on("a"), port("", 53, corev1.ProtocolUDP), port("10.0.0.1", 80, corev1.ProtocolTCP))),
			pod:  newPod("p", port("", 53, corev1.ProtocolTCP), port("10.0.0.2", 80, corev1.ProtocolTCP))},
	})
}

func TestFeasibleByResources(t *testing.T) {
	const gpu = "nvidia.com/GA102GL_A10"
	full := newPod("q", on("a"), memory(30), requests(corev1.ResourceCPU, "7"))
	runFeasible(t, []feasibleCase{
		{name: "what fits exactly fits", nodes: nodes(newNode("a")), pods: pods(full), nodesOK: []string{"a"},
			pod: newPod("p", memory(2), requests(corev1.ResourceCPU, "1"))},
		{name: "a byte too much does not fit", nodes: nodes(newNode("a")), pods: pods(full), pod: newPod("p", requests(corev1.ResourceMemory, "2147483649")),
			reasons: notOn("a", drain.Resources, "Insufficient memory")},
		{name: "a thousandth of a CPU too much does not fit", nodes: nodes(newNode("a")), pods: pods(full), pod: newPod("p", requests(corev1.ResourceCPU, "1001m")),
			reasons: notOn("a", drain.Resources, "Insufficient cpu")},
		{name: "all that is too little is told", nodes: nodes(newNode("a")),
			pod: newPod("p", memory(33), requests(corev1.ResourceCPU, "9"), requests(corev1.ResourceEphemeralStorage, "1Ti"), requests(gpu, "1"), requests("hugepages-2Mi", "2Mi")),
			reasons: notOn("a", drain.Resources,
				"Insufficient cpu, Insufficient memory, Insufficient ephemeral-storage, Insufficient hugepages-2Mi, Insufficient nvidia.com/GA102GL_A10")},
		{name: "a node takes only so many pods", nodes: nodes(newNode("a", having(corev1.ResourcePods, "1"))), pods: pods(newPod("q", on("a"))), pod: newPod("p"),
			reasons: notOn("a", drain.Resources, "Too many pods")},
		{name: "a device that is used is not there for another", nodes: nodes(newNode("a", having(gpu, "1"))),
			pods: pods(newPod("q", on("a"), requests(gpu, "1"))), pod: newPod("p", requests(gpu, "1")),
			reasons: notOn("a", drain.Resources, "Insufficient nvidia.com/GA102GL_A10")},
		{name: "devices that a node has are enough", nodes: nodes(newNode("a")), pod: newPod("p", requests("devices.kubevirt.io/kvm", "1")), nodesOK: []string{"a"}},
		{name: "a node whose device plugin is gone has no devices", nodes: nodes(newNode("a", having("devices.kubevirt.io/kvm", "0"))),
			pod: newPod("p", requests("devices.kubevirt.io/kvm", "1")), reasons: notOn("a", drain.Resources, "Insufficient devices.kubevirt.io/kvm")},
		{name: "huge pages are their own resource", nodes: nodes(newNode("a", having("hugepages-1Gi", "4Gi"))), pod: newPod("p", requests("hugepages-1Gi", "4Gi")), nodesOK: []string{"a"}},
		{name: "an overcommitted node still takes what asks for nothing of it", nodes: nodes(newNode("a")), pods: pods(newPod("q", on("a"), memory(40))),
			pod: newPod("p", requests(corev1.ResourceCPU, "1")), nodesOK: []string{"a"}},
		{name: "a pod that is being deleted still takes room", nodes: nodes(newNode("a")), pods: pods(newPod("q", on("a"), memory(30), terminating)), pod: newPod("p", memory(4)),
			reasons: notOn("a", drain.Resources, "Insufficient memory")},
		{name: "a pod that has ended takes none", nodes: nodes(newNode("a")), nodesOK: []string{"a"}, pod: newPod("p", memory(32)),
			pods: pods(newPod("q", on("a"), memory(30), phase(corev1.PodSucceeded)), newPod("r", on("a"), memory(30), phase(corev1.PodFailed)))},
		{name: "a pod that is not bound takes none, nor one of a node that is gone", nodes: nodes(newNode("a")), nodesOK: []string{"a"},
			pods: pods(newPod("q", memory(30)), newPod("r", on("gone"), memory(30))), pod: newPod("p", memory(32))},
		{name: "of a taken port and too little memory the port is met first", nodes: nodes(newNode("a")),
			pods: pods(newPod("q", on("a"), memory(30), port("", 80, ""))), pod: newPod("p", memory(30), port("", 80, "")), reasons: notOn("a", drain.HostPort, noPort)},
		{name: "of too little memory and anti-affinity the memory is met first", nodes: nodes(newNode("a")), pods: pods(newPod("q", on("a"), app("db"), memory(30))),
			pod: newPod("p", memory(30), awayFrom(term("db"))), reasons: notOn("a", drain.Resources, "Insufficient memory")},
	})
}

func TestFeasibleByTopologySpread(t *testing.T) {
	const uneven = "node(s) didn't match pod topology spread constraints"
	two, three := int32(2), int32(3)
	honour, ignore := corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore
	onA := newPod("web-1", on("a"), app("web"))
	drained := tainted("kubevirt.io/drain", "draining", corev1.TaintEffectNoSchedule)
	runFeasible(t, []feasibleCase{
		{name: "the second pod does not go where the first is", nodes: nodes(newNode("a"), newNode("b")), pods: pods(onA), pod: newPod("p", app("web"), spreading("web")),
			nodesOK: []string{"b"}, reasons: notOn("a", drain.TopologySpread, uneven)},
		{name: "a wish that may be broken is no obstacle", nodes: nodes(newNode("a"), newNode("b")), pods: pods(onA), nodesOK: []string{"a", "b"},
			pod: newPod("p", app("web"), spreading("web", func(c *corev1.TopologySpreadConstraint) { c.WhenUnsatisfiable = corev1.ScheduleAnyway }))},
		{name: "a greater skew allows it", nodes: nodes(newNode("a"), newNode("b")), pods: pods(onA), nodesOK: []string{"a", "b"},
			pod: newPod("p", app("web"), spreading("web", func(c *corev1.TopologySpreadConstraint) { c.MaxSkew = 2 }))},
		{name: "a pod that is being deleted does not count", nodes: nodes(newNode("a"), newNode("b")), pods: pods(newPod("q", on("a"), app("web"), terminating)),
			pod: newPod("p", app("web"), spreading("web")), nodesOK: []string{"a", "b"}},
		{name: "pods of another namespace do not count", nodes: nodes(newNode("a"), newNode("b")), pods: pods(newPod("q", on("a"), app("web"), in("team-b"))),
			pod: newPod("p", app("web"), spreading("web")), nodesOK: []string{"a", "b"}},
		{name: "a node without the label is left out", nodes: nodes(newNode("a", labelled(zone, "z1")), newNode("b")), nodesOK: []string{"a"},
			pod:     newPod("p", app("web"), spreading("web", func(c *corev1.TopologySpreadConstraint) { c.TopologyKey = zone })),
			reasons: notOn("b", drain.TopologySpread, uneven+" (missing required label)")},
		{name: "with too few domains the emptiest has none", nodes: nodes(newNode("a"), newNode("b")), pods: pods(onA, newPod("web-2", on("b"), app("web"))),
			pod: newPod("p", app("web"), spreading("web", func(c *corev1.TopologySpreadConstraint) { c.MinDomains = &three })),
			reasons: map[string]drain.Reason{
				"a": {Class: drain.TopologySpread, Text: uneven}, "b": {Class: drain.TopologySpread, Text: uneven},
			}},
		{name: "with enough domains it has what it has", nodes: nodes(newNode("a"), newNode("b")), pods: pods(onA, newPod("web-2", on("b"), app("web"))), nodesOK: []string{"a", "b"},
			pod: newPod("p", app("web"), spreading("web", func(c *corev1.TopologySpreadConstraint) { c.MinDomains = &two }))},
		{name: "an empty node that the pod cannot go to does not count", nodes: nodes(newNode("a", labelled("disk", "ssd")), newNode("b")), pods: pods(onA), nodesOK: []string{"a"},
			pod: newPod("p", app("web"), selecting("disk", "ssd"), spreading("web")), reasons: notOn("b", drain.NodeAffinity, unmatched)},
		{name: "unless the constraint ignores node affinity", nodes: nodes(newNode("a", labelled("disk", "ssd")), newNode("b")), pods: pods(onA),
			pod: newPod("p", app("web"), selecting("disk", "ssd"), spreading("web", func(c *corev1.TopologySpreadConstraint) { c.NodeAffinityPolicy = &ignore })),
			reasons: map[string]drain.Reason{
				"a": {Class: drain.TopologySpread, Text: uneven}, "b": {Class: drain.NodeAffinity, Text: unmatched},
			}},
		{name: "an empty node that is cordoned counts, so that a drain can leave a pod without a node", nodes: nodes(newNode("a"), newNode("b", cordoned)), pods: pods(onA),
			pod: newPod("p", app("web"), spreading("web")), reasons: map[string]drain.Reason{
				"a": {Class: drain.TopologySpread, Text: uneven}, "b": {Class: drain.Unschedulable, Text: "node(s) were unschedulable"},
			}},
		{name: "unless the constraint honours taints", nodes: nodes(newNode("a"), newNode("b", cordoned), newNode("c", drained)), pods: pods(onA), nodesOK: []string{"a"},
			pod: newPod("p", app("web"), spreading("web", func(c *corev1.TopologySpreadConstraint) { c.NodeTaintsPolicy = &honour })),
			reasons: map[string]drain.Reason{
				"b": {Class: drain.Unschedulable, Text: "node(s) were unschedulable"},
				"c": {Class: drain.Taint, Text: "node(s) had untolerated taint {kubevirt.io/drain: draining}"},
			}},
		{name: "pods of an older revision do not count with matchLabelKeys", nodes: nodes(newNode("a"), newNode("b")), nodesOK: []string{"a", "b"},
			pods: pods(newPod("q", on("a"), app("web"), label("pod-template-hash", "old"))),
			pod: newPod("p", app("web"), label("pod-template-hash", "new"), spreading("web", func(c *corev1.TopologySpreadConstraint) {
				c.MatchLabelKeys = []string{"pod-template-hash", "absent"}
			}))},
		{name: "a selector of everything counts nothing but the pod itself", nodes: nodes(newNode("a"), newNode("b")), pods: pods(onA), nodesOK: []string{"a", "b"},
			pod: newPod("p", app("web"), spreading("web", func(c *corev1.TopologySpreadConstraint) { c.LabelSelector = &metav1.LabelSelector{} }))},
		{name: "of spread and affinity spread is met first", nodes: nodes(newNode("a"), newNode("b")), pods: pods(onA),
			pod: newPod("p", app("web"), spreading("web"), near(term("db"))), reasons: map[string]drain.Reason{
				"a": {Class: drain.TopologySpread, Text: uneven}, "b": {Class: drain.PodAffinity, Text: "node(s) didn't match pod affinity rules"},
			}},
	})
}
