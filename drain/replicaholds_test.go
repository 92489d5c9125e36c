package drain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

const (
	onlyGood   = "last replica: replica pvc-1-r-node-1 on node-1 is the only good one of volume pvc-1"
	unguarded  = "last replica: replica pvc-1-r-node-1 on node-1: of the 2 good ones of volume pvc-1 no other is in a running instance manager of a node that is not cordoned"
	mustLeave  = "policy: replica pvc-1-r-node-1 of volume pvc-1 is on node-1, and Longhorn's node-drain-policy is block-for-eviction: every replica must be moved off first"
	failedHere = "last replica: replica pvc-1-r-node-1 on node-1 has failed, and volume pvc-1 has no good one in a protected instance manager of another node"
)

// twoNodes is threeNodes with replicas on the first two alone.
func twoNodes(own ...client.Object) []client.Object {
	return leaveOut(threeNodes(own...), "replica/pvc-1-r-node-3")
}

// lone is threeNodes with a replica on node-1 alone.
func lone(own ...client.Object) []client.Object {
	return leaveOut(twoNodes(own...), "replica/pvc-1-r-node-2")
}

func TestHoldsByPolicy(t *testing.T) {
	type policies map[drain.DrainPolicy][]string
	last := []string{onlyGood}
	cases := map[string]struct {
		objects []client.Object
		want    policies
	}{
		"a volume with replicas on other nodes": {threeNodes(), policies{
			drain.PolicyIfStopped: nil, drain.PolicyLastReplica: nil, drain.PolicyEvictionIfLast: nil, drain.PolicyAlways: nil, drain.PolicyEviction: {mustLeave},
		}},
		"the only replica of a volume, running": {lone(), policies{
			drain.PolicyIfStopped: last, drain.PolicyLastReplica: last, drain.PolicyEvictionIfLast: last, drain.PolicyAlways: nil, drain.PolicyEviction: {mustLeave}, "invented": last, "": last,
		}},
		"the only replica of a volume, stopped": {lone(copyOf("node-1", stopped)), policies{
			drain.PolicyIfStopped: nil, drain.PolicyLastReplica: last, drain.PolicyEvictionIfLast: last, drain.PolicyAlways: nil, drain.PolicyEviction: {mustLeave},
		}},
		"a replica that never ran": {lone(copyOf("node-1", unused)), policies{
			drain.PolicyIfStopped: nil, drain.PolicyLastReplica: nil, drain.PolicyEvictionIfLast: nil, drain.PolicyAlways: nil, drain.PolicyEviction: {mustLeave},
		}},
		"a node without a replica": {leaveOut(lone(), "replica/pvc-1-r-node-1"), policies{
			drain.PolicyIfStopped: nil, drain.PolicyLastReplica: nil, drain.PolicyEvictionIfLast: nil, drain.PolicyAlways: nil, drain.PolicyEviction: nil,
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := snapshotOfObjects(t, c.objects...)
			for policy, want := range c.want {
				if diff := cmp.Diff(holdsOf(drain.HoldsInstanceManager(s, "node-1", policyOf(policy))), want); diff != "" {
					t.Errorf("%s: %s", policy, diff)
				}
			}
		})
	}
}

func TestHoldsByReplicas(t *testing.T) {
	nowhere := []string{"replica without node: replica pvc-1-r-node-9 of volume pvc-1 is on node node-9, which does not exist, and Longhorn gives up there"}
	hold := func(text string) []string { return []string{text} }
	notRunning := func(m *lhv1.InstanceManager) { m.Status.CurrentState = lhv1.InstanceManagerStateError }
	older := func(m *lhv1.InstanceManager) { m.Spec.Image = "im:1" }
	cases := map[string]struct {
		objects []client.Object
		want    []string
	}{
		"a good replica on another node is enough":                   {twoNodes(), nil},
		"a replica that is only stopping counts as running":          {lone(copyOf("node-1", func(r *lhv1.Replica) { r.Spec.DesireState = lhv1.InstanceStateStopped })), hold(onlyGood)},
		"a stopped replica that is to run counts as running":         {lone(copyOf("node-1", func(r *lhv1.Replica) { r.Status.CurrentState = lhv1.InstanceStateStopped })), hold(onlyGood)},
		"the other replica has failed":                               {twoNodes(copyOf("node-2", failed)), hold(onlyGood)},
		"the other replica was never healthy":                        {twoNodes(copyOf("node-2", unused)), hold(onlyGood)},
		"the other replica's node is cordoned":                       {twoNodes(kubeNode("node-2", unschedulable)), hold(unguarded)},
		"the other replica's instance manager does not run":          {twoNodes(manager("node-2", notRunning)), hold(unguarded)},
		"the other replica's instance manager does not exist":        {leaveOut(twoNodes(), "manager/im-node-2"), hold(unguarded)},
		"the other replica's instance manager has no budget":         {leaveOut(twoNodes(), "budget/im-node-2"), hold(unguarded)},
		"the other replica is on the same node":                      {lone(copyOf("node-1", func(r *lhv1.Replica) { r.Name = "pvc-1-r-b" })), []string{"last replica: replica pvc-1-r-b on node-1: of the 2 good ones of volume pvc-1 no other is in a running instance manager of a node that is not cordoned", unguarded}},
		"a failed replica holds when no other is good":               {lone(copyOf("node-1", failed)), hold(failedHere)},
		"a failed replica does not hold beside a good one":           {twoNodes(copyOf("node-1", failed)), nil},
		"a failed replica whose process still runs holds":            {twoNodes(copyOf("node-1", failed), copyOf("node-2", failed)), hold(failedHere)},
		"a healthy replica on a node that is gone spoils it":         {threeNodes(copyOf("node-9")), nowhere},
		"a healthy replica without a node spoils it":                 {threeNodes(copyOf("", func(r *lhv1.Replica) { r.Name = "pvc-1-r-x" })), hold(`replica without node: replica pvc-1-r-x of volume pvc-1 is on node "", which does not exist, and Longhorn gives up there`)},
		"a failed replica on a node that is gone does not":           {threeNodes(copyOf("node-9", failed)), nil},
		"a replica of another volume on a node that is gone neither": {threeNodes(copyOf("node-9", func(r *lhv1.Replica) { r.Spec.VolumeName = "pvc-9" })), nil},
		"a node that is gone spoils an unused replica as well":       {lone(copyOf("node-1", unused), copyOf("node-9")), nowhere},
		"a node that is gone does not matter to a stopped one":       {lone(copyOf("node-1", stopped), copyOf("node-9")), nil},
		"a stopped replica elsewhere counts by its node's manager":   {twoNodes(copyOf("node-2", stopped)), nil},
		"a stopped replica on a node of old managers spoils it":      {twoNodes(copyOf("node-2", stopped), manager("node-2", older)), hold("replica without instance manager: stopped replica pvc-1-r-node-2 of volume pvc-1 is on node-2, which has no instance manager of the current image, and Longhorn gives up there")},
		"a stopped replica on a node of two managers spoils it":      {twoNodes(copyOf("node-2", stopped), manager("node-2"), manager("node-2", func(m *lhv1.InstanceManager) { m.Name = "im-b" })), hold("replica without instance manager: stopped replica pvc-1-r-node-2 of volume pvc-1 is on node-2, which has 2 instance managers of the current image, and Longhorn gives up there")},
		"a stopped replica on a cordoned node is not looked at":      {threeNodes(copyOf("node-2", stopped), manager("node-2", older), kubeNode("node-2", unschedulable)), nil},
		"an old manager beside the current one is passed over":       {twoNodes(copyOf("node-2", stopped), manager("node-2"), manager("node-2", older, func(m *lhv1.InstanceManager) { m.Name = "im-b" })), nil},
		"an instance manager of v2 is not that of a v1 replica": {twoNodes(copyOf("node-2", stopped), manager("node-2"), manager("node-2", func(m *lhv1.InstanceManager) {
			m.Name, m.Spec.DataEngine = "im-b", lhv1.DataEngineTypeV2
		})), nil},
		"a replica of v2 is in the one that runs": {twoNodes(
			copyOf("node-2", stopped, func(r *lhv1.Replica) { r.Spec.DataEngine = lhv1.DataEngineTypeV2 }), budgetNamed("im-b"), manager("node-2"),
			manager("node-2", func(m *lhv1.InstanceManager) { m.Name, m.Spec.DataEngine = "im-a", lhv1.DataEngineTypeV2 }, notRunning),
			manager("node-2", func(m *lhv1.InstanceManager) { m.Name, m.Spec.DataEngine = "im-b", lhv1.DataEngineTypeV2 })), nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := snapshotOfObjects(t, c.objects...)
			if diff := cmp.Diff(holdsOf(drain.HoldsInstanceManager(s, "node-1", policyOf(drain.PolicyIfStopped))), c.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHoldsInALaterState(t *testing.T) {
	state := func(change func(*drain.ManagerState)) drain.ManagerState {
		s := policyOf(drain.PolicyIfStopped)
		change(&s)
		return s
	}
	cordonedNodes := func(names ...string) drain.ManagerState {
		return state(func(s *drain.ManagerState) {
			s.Cordoned = func(node string) bool {
				for _, name := range names {
					if name == node {
						return true
					}
				}
				return false
			}
		})
	}
	replicaIs := func(name string, now drain.ReplicaState) drain.ManagerState {
		return state(func(s *drain.ManagerState) {
			s.Replica = func(r *cluster.Replica) drain.ReplicaState {
				if r.Name == name {
					return now
				}
				return drain.ReplicaStateOf(r)
			}
		})
	}
	uncordonedAgain := func(node *corev1.Node) { unschedulable(node) }
	cases := map[string]struct {
		objects []client.Object
		state   drain.ManagerState
		want    []string
	}{
		"a node that is cordoned by then protects nothing":            {twoNodes(), cordonedNodes("node-2"), []string{unguarded}},
		"a node that is uncordoned by then protects":                  {twoNodes(kubeNode("node-2", uncordonedAgain)), cordonedNodes(), nil},
		"its budget is made again":                                    {leaveOut(twoNodes(kubeNode("node-2", uncordonedAgain)), "budget/im-node-2"), cordonedNodes(), nil},
		"the drained node is cordoned whatever is said":               {lone(), cordonedNodes(), []string{onlyGood}},
		"a replica that is stopped by then does not hold":             {lone(), replicaIs("pvc-1-r-node-1", drain.ReplicaState{Stopped: true, WasHealthy: true}), nil},
		"a replica elsewhere that has failed by then protects nobody": {twoNodes(), replicaIs("pvc-1-r-node-2", drain.ReplicaState{WasHealthy: true, Failed: true}), []string{onlyGood}},
		"a replica elsewhere that is rebuilt by then protects":        {twoNodes(copyOf("node-2", failed)), replicaIs("pvc-1-r-node-2", drain.ReplicaState{WasHealthy: true}), nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := snapshotOfObjects(t, c.objects...)
			if diff := cmp.Diff(holdsOf(drain.HoldsInstanceManager(s, "node-1", c.state)), c.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}
