package oracle

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// hanging is how long a drain must make no progress to count as one that hangs. kubectl asks again every five seconds.
const hanging = "17s"

// A drain hangs on exactly the pods and budgets that the plan names, node by node. When what the plan names is repaired, the plan is
// clean, and every node is drained.
func TestADrainHangsWhereThePlanSaysAndNowhereElse(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	ledger := s.only("app=ledger")
	for _, node := range []struct {
		name string
		want []string // the budgets
	}{
		{"node-1", hangsOn(ledger, "node-1")}, {"node-2", hangsOn(ledger, "node-2")}, {"node-3", append([]string{"database"}, hangsOn(ledger, "node-3")...)},
	} {
		stops := s.stopsOf(node.name)
		var budgets []string
		for _, stop := range stops {
			budgets = append(budgets, stop.Object.GetName())
		}
		if diff := cmp.Diff(budgets, node.want); diff != "" {
			t.Fatalf("the plan for %s (-got +want):\n%s\n%+v", node.name, diff, stops)
		}
		s.drainHangsOn(node.name, stops)
	}

	// The repairs: a second ledger elsewhere, and a second node with a fast disk.
	s.kubectl("-n", "shop", "scale", "deployment", "ledger", "--replicas=2")
	s.kubectl("label", "node", "node-1", "disk=fast")
	s.waitReady()
	for _, node := range []string{"node-1", "node-2", "node-3"} {
		if stops := s.stopsOf(node); len(stops) > 0 {
			t.Fatalf("the plan for %s after the repairs: %+v", node, stops)
		}
	}
	for _, node := range []string{"node-1", "node-2", "node-3"} {
		if stderr, err := s.drain(node, "2m"); err != nil {
			t.Fatalf("the drain of %s after the repairs: %v\n%s", node, err, stderr)
		}
		s.back(node)
	}
}

func hangsOn(pod *corev1.Pod, node string) []string {
	if pod.Spec.NodeName == node {
		return []string{"ledger"}
	}
	return nil
}

// live reads the cluster as the gate does before it lets an upgrade begin. It asks no kubelets, for there are none.
type live struct{ *cluster.Live }

func (live) Probe(context.Context, cluster.Targets) cluster.Probed { return cluster.Probed{} }

// stopsOf returns where the plan of the upgrade hangs at a node.
func (s *shop) stopsOf(node string) []drain.Stop {
	s.t.Helper()
	reader, err := cluster.NewReader(s.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	source := live{cluster.NewLive(cluster.LiveOptions{Reader: reader, Now: time.Now})}
	plan := drain.Simulate(cluster.Load(s.t.Context(), source, time.Now()), "")
	if len(plan.Before)+len(plan.Unknown) > 0 {
		s.t.Fatalf("the plan before the nodes: %+v, unknown: %v", plan.Before, plan.Unknown)
	}
	place := slices.IndexFunc(plan.Nodes, func(n drain.NodePlan) bool { return n.Node == node })
	if place < 0 {
		s.t.Fatalf("the plan has no %s", node)
	}
	return plan.Nodes[place].Stops
}

// drain drains a node as Rancher does for Harvester, but for a timeout.
func (s *shop) drain(node, timeout string) (stderr string, err error) {
	_, stderr, err = s.Kubectl(s.t.Context(), nil, "drain", node, "--force", "--ignore-daemonsets", "--delete-emptydir-data", "--grace-period=0", "--timeout="+timeout)
	return stderr, err
}

// drainHangsOn drains a node, holds what it hangs on to the plan's stops, and gives the node back.
func (s *shop) drainHangsOn(node string, stops []drain.Stop) {
	s.t.Helper()
	timeout := hanging
	if len(stops) == 0 {
		timeout = "2m"
	}
	stderr, err := s.drain(node, timeout)
	if (err == nil) != (len(stops) == 0) {
		s.t.Fatalf("the drain of %s, with %d stops in the plan: %v\n%s", node, len(stops), err, stderr)
	}
	left, err := s.client.CoreV1().Pods("shop").List(s.t.Context(), metav1.ListOptions{LabelSelector: "app!=agent", FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(left.Items) != len(stops) {
		s.t.Errorf("%d pods are left on %s, want one for each of %d stops\n%s", len(left.Items), node, len(stops), stderr)
	}
	for i := range left.Items {
		s.isNamed(&left.Items[i], stops, stderr)
	}
	s.back(node)
}

// isNamed holds a pod that a drain has not got rid of to the plan: a stop is about its budget, and names it, or, where several pods of
// that budget are equal, another one of them. kubectl, too, must have said of this pod several times that its budget is in the way.
func (s *shop) isNamed(pod *corev1.Pod, stops []drain.Stop, stderr string) {
	s.t.Helper()
	app := pod.Labels["app"]
	place := slices.IndexFunc(stops, func(stop drain.Stop) bool { return stop.Object.GetName() == app })
	switch {
	case place < 0:
		s.t.Errorf("the drain hangs on %s, of which the plan says nothing", pod.Name)
	case app == "ledger" && !strings.Contains(stops[place].Because, pod.Name), !strings.Contains(stops[place].Because, "shop/"+app+"-"):
		s.t.Errorf("the drain hangs on %s, the plan says: %s", pod.Name, stops[place].Because)
	case strings.Count(stderr, pod.Name+`" -n "shop" (will retry after 5s)`) < 2:
		s.t.Errorf("kubectl was not refused %s again and again:\n%s", pod.Name, stderr)
	}
}

// back gives a node back, as the upgrade does after it has upgraded it, and waits until all is as before.
func (s *shop) back(node string) {
	s.t.Helper()
	s.kubectl("uncordon", node)
	s.waitReady()
}
