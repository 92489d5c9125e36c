package drain_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

const (
	etcdRole         = "node-role.kubernetes.io/etcd"
	controlPlaneRole = "node-role.kubernetes.io/control-plane"
)

// harvesterNode is a node for VMs and storage with the roles of its labels, and Longhorn on it.
func harvesterNode(name string, changes ...func(*corev1.Node)) *corev1.Node {
	return newNode(name, append([]func(*corev1.Node){labelled(cluster.LabelManaged, "true"), readyNode}, changes...)...)
}

func readyNode(node *corev1.Node) {
	node.Status.Conditions = append(node.Status.Conditions, corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue})
}

func machine(name, node string, roles ...string) *cluster.Machine {
	m := &cluster.Machine{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.FleetLocalNamespace, Name: name, Labels: map[string]string{}}}
	for _, role := range roles {
		m.Labels["rke.cattle.io/"+role+"-role"] = "true"
	}
	if node != "" {
		m.Status.NodeRef = &cluster.NodeReference{Name: node}
	}
	return m
}

func initPlan(machine string) *cluster.Secret {
	return &cluster.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: cluster.FleetLocalNamespace, Name: machine + cluster.MachinePlanSuffix, Labels: map[string]string{
			"rke.cattle.io/init-node": "true", "rke.cattle.io/machine-name": machine,
		}},
		Type: "rke.cattle.io/machine-plan",
	}
}

// plannedSource serves machine plans too, whose type is no scheme's.
type plannedSource struct {
	objectSource
	plan *cluster.Secret
}

func (s plannedSource) List(ctx context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	if resource.Kind == cluster.Secrets {
		return []client.Object{s.plan}, cluster.Evidence{State: cluster.Read}
	}
	return s.objectSource.List(ctx, resource)
}

func TestTheOrderOfNodes(t *testing.T) {
	nodes := func(more ...client.Object) []client.Object {
		return append([]client.Object{harvesterNode("a"), harvesterNode("b"), harvesterNode("c")}, more...)
	}
	for name, c := range map[string]struct {
		objects []client.Object
		want    []string
		orders  int
	}{
		"nodes of one tier come by the names of their machines, not by their own": {
			nodes(machine("m3", "a", "etcd"), machine("m2", "b", "etcd"), machine("m1", "c", "etcd")), []string{"c etcd", "b etcd", "a etcd"}, 3,
		},
		"etcd comes before the control plane, and that before workers": {
			nodes(machine("m1", "a", "worker"), machine("m2", "b", "control-plane"), machine("m3", "c", "etcd", "control-plane")),
			[]string{"c etcd", "b control plane", "a worker"}, 1,
		},
		"a machine without roles has those of its node": {
			[]client.Object{harvesterNode("a"), harvesterNode("b", labelled(controlPlaneRole, "true")), harvesterNode("c", labelled(etcdRole, "true")), machine("m1", "a"), machine("m2", "b"), machine("m3", "c")},
			[]string{"c etcd", "b control plane", "a worker"}, 1,
		},
		"a node without a machine comes by its own name": {
			nodes(machine("m1", "b", "worker")), []string{"a worker", "c worker", "b worker"}, 1,
		},
		"workers alone have one order": {
			nodes(machine("m1", "a", "worker"), machine("m2", "b", "worker"), machine("m3", "c", "worker")), []string{"a worker", "b worker", "c worker"}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan := drain.Simulate(snapshotOfObjects(t, c.objects...), "v1.8.0")
			var got []string
			for _, node := range plan.Nodes {
				got = append(got, node.Node+" "+node.Tier)
			}
			if diff := cmp.Diff(got, c.want); diff != "" {
				t.Errorf("order (-got +want):\n%s", diff)
			}
			if plan.Orders != c.orders {
				t.Errorf("%d orders, want %d", plan.Orders, c.orders)
			}
		})
	}
}

func TestTheMachinePlanTellsWhichEtcdNodeComesFirst(t *testing.T) {
	objects := []client.Object{
		harvesterNode("a"), harvesterNode("b"), harvesterNode("c"),
		machine("m1", "a", "etcd"), machine("m2", "b", "etcd"), machine("m3", "c", "worker"),
	}
	for name, c := range map[string]struct {
		init   string
		first  string
		orders int
	}{
		"the one that a machine plan names":                   {"m2", "b", 1},
		"any, where it names a machine that is there no more": {"m9", "a", 2},
		"any, where it names a worker":                        {"m3", "a", 2},
	} {
		t.Run(name, func(t *testing.T) {
			source := plannedSource{objectSource{t: t, objects: objects}, initPlan(c.init)}
			plan := drain.Simulate(cluster.Load(context.Background(), source, evictionTime()), "v1.8.0")
			if plan.Nodes[0].Node != c.first || plan.Orders != c.orders {
				t.Errorf("first %s, %d orders; want %s, %d", plan.Nodes[0].Node, plan.Orders, c.first, c.orders)
			}
		})
	}
}

func TestWithoutTheMachinePlanANodeHasSeveralPlaces(t *testing.T) {
	plan := drain.Simulate(snapshotOfObjects(t, harvesterNode("a"), harvesterNode("b"), harvesterNode("c"),
		machine("m1", "a", "etcd"), machine("m2", "b", "etcd"), machine("m3", "c", "worker")), "v1.8.0")
	var got [][2]int
	for _, node := range plan.Nodes {
		got = append(got, [2]int{node.Earliest, node.Latest})
	}
	if diff := cmp.Diff(got, [][2]int{{1, 2}, {1, 2}, {3, 3}}); diff != "" {
		t.Errorf("places (-got +want):\n%s", diff)
	}
}

func TestNodesAndMachinesThatDoNotPairHoldTheUpgrade(t *testing.T) {
	plan := drain.Simulate(snapshotOfObjects(t, harvesterNode("a"), harvesterNode("b"), machine("m2", "gone"), machine("m1", "")), "v1.8.0")
	var got []string
	for _, stop := range plan.Before {
		if stop.Check == "machines-mismatched" {
			got = append(got, stop.Because)
		}
	}
	want := []string{"machine m1 has no node", "machine m2 has no node", "node a has no machine", "node b has no machine"}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("problems (-got +want):\n%s", diff)
	}
}
