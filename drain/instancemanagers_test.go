package drain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// threeNodes returns three nodes with a running instance manager each, its pod, its budget and a replica of pvc-1, without those
// objects that a test brings itself.
func threeNodes(own ...client.Object) []client.Object {
	objects := own
	brought := map[string]bool{}
	for _, object := range own {
		brought[objectID(object)] = true
	}
	for _, node := range []string{"node-1", "node-2", "node-3"} {
		for _, object := range []client.Object{kubeNode(node), manager(node), managerPod(node), managerBudget(node), copyOf(node)} {
			if !brought[objectID(object)] {
				objects = append(objects, object)
			}
		}
	}
	return append(objects, longhornSetting("default-instance-manager-image", "im:2"))
}

func objectID(object client.Object) string {
	switch object.(type) {
	case *corev1.Node:
		return "node/" + object.GetName()
	case *lhv1.InstanceManager:
		return "manager/" + object.GetName()
	case *corev1.Pod:
		return "pod/" + object.GetName()
	case *lhv1.Replica:
		return "replica/" + object.GetName()
	}
	return "budget/" + object.GetName()
}

// leaveOut returns objects without the one of that kind and name.
func leaveOut(objects []client.Object, id string) []client.Object {
	var left []client.Object
	for _, object := range objects {
		if objectID(object) != id {
			left = append(left, object)
		}
	}
	return left
}

// holdsOf lists the kind and text of each hold on node-1.
func holdsOf(holds []drain.Hold) []string {
	var said []string
	for _, hold := range holds {
		said = append(said, string(hold.Kind)+": "+hold.Because)
	}
	return said
}

func policyOf(policy drain.DrainPolicy) drain.ManagerState {
	return drain.ManagerState{Rules: drain.LonghornRules{DrainPolicy: policy}}
}

func TestHoldsByEngines(t *testing.T) {
	listedHold := []string{"engine listed: instance manager im-node-1 on node-1 lists engine pvc-1-e-0"}
	ofType := func(managerType lhv1.InstanceManagerType) func(*lhv1.InstanceManager) {
		return func(m *lhv1.InstanceManager) { m.Spec.Type = managerType }
	}
	named := func(name string) func(*lhv1.InstanceManager) { return func(m *lhv1.InstanceManager) { m.Name = name } }
	gone := policyOf(drain.PolicyIfStopped)
	gone.Gone = func(engine string) bool { return engine == "pvc-1-e-0" }
	cases := map[string]struct {
		objects []client.Object
		state   drain.ManagerState
		want    []string
	}{
		"a node without engines is let go":           {threeNodes(), policyOf(drain.PolicyIfStopped), nil},
		"an engine that is listed holds":             {threeNodes(manager("node-1", listingEngines("pvc-1-e-0"))), policyOf(drain.PolicyIfStopped), listedHold},
		"an engine that will have left does not":     {threeNodes(manager("node-1", listingEngines("pvc-1-e-0"))), gone, nil},
		"one engine of two that have left holds":     {threeNodes(manager("node-1", listingEngines("pvc-1-e-0", "pvc-2-e-0"))), gone, []string{"engine listed: instance manager im-node-1 on node-1 lists engine pvc-2-e-0"}},
		"an engine holds even if drains are allowed": {threeNodes(manager("node-1", listingEngines("pvc-1-e-0"))), policyOf(drain.PolicyAlways), listedHold},
		"an engine of another node does not hold":    {threeNodes(manager("node-2", listingEngines("pvc-1-e-0"))), policyOf(drain.PolicyIfStopped), nil},
		"an old Longhorn lists engines as instances": {threeNodes(manager("node-1", listingInstances("pvc-1-e-0"))), policyOf(drain.PolicyIfStopped), listedHold},
		"an instance manager of an older image counts": {threeNodes(manager("node-1", named("im-old"), listingEngines("pvc-1-e-0"), func(m *lhv1.InstanceManager) { m.Spec.Image = "im:1" })),
			policyOf(drain.PolicyIfStopped), []string{"engine listed: instance manager im-old on node-1 lists engine pvc-1-e-0"}},
		"an engine of the other data engine counts": {threeNodes(manager("node-1", named("im-v2"), listingEngines("pvc-1-e-0"), func(m *lhv1.InstanceManager) { m.Spec.DataEngine = lhv1.DataEngineTypeV2 })),
			policyOf(drain.PolicyIfStopped), []string{"engine listed: instance manager im-v2 on node-1 lists engine pvc-1-e-0"}},
		"what an instance manager for replicas lists does not count": {threeNodes(manager("node-1", ofType(lhv1.InstanceManagerTypeReplica), listingEngines("pvc-1-e-0"))), policyOf(drain.PolicyIfStopped), nil},
		"an instance manager for engines alone is not held by replicas": {
			leaveOut(leaveOut(threeNodes(manager("node-1", ofType(lhv1.InstanceManagerTypeEngine))), "replica/pvc-1-r-node-2"), "replica/pvc-1-r-node-3"), policyOf(drain.PolicyIfStopped), nil},
		"an instance manager for engines alone is held by engines": {threeNodes(manager("node-1", ofType(lhv1.InstanceManagerTypeEngine), listingEngines("pvc-1-e-0"))), policyOf(drain.PolicyIfStopped), listedHold},
		"without a budget nothing is held":                         {leaveOut(threeNodes(manager("node-1", listingEngines("pvc-1-e-0"))), "budget/im-node-1"), policyOf(drain.PolicyIfStopped), nil},
		"a node without instance managers is let go":               {leaveOut(threeNodes(), "manager/im-node-1"), policyOf(drain.PolicyEviction), nil},
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

func TestHoldsByInstanceManagersThatAreDown(t *testing.T) {
	down := func(state lhv1.InstanceManagerState) func(*lhv1.InstanceManager) {
		return func(m *lhv1.InstanceManager) { m.Status.CurrentState = state }
	}
	hold := "instance manager down: instance manager im-node-1 on node-1 is in state error, and Longhorn leaves the budget of such as it is"
	cases := map[string]struct {
		objects []client.Object
		want    []string
	}{
		"one that runs is not down":               {threeNodes(), nil},
		"one in error keeps its budget":           {threeNodes(manager("node-1", down(lhv1.InstanceManagerStateError))), []string{hold}},
		"one without a state keeps its budget":    {threeNodes(manager("node-1", down(""))), []string{"instance manager down: instance manager im-node-1 on node-1 is in no state, and Longhorn leaves the budget of such as it is"}},
		"one without a budget holds nothing":      {leaveOut(threeNodes(manager("node-1", down(lhv1.InstanceManagerStateError))), "budget/im-node-1"), nil},
		"one without a pod holds nothing":         {leaveOut(threeNodes(manager("node-1", down(lhv1.InstanceManagerStateError))), "pod/im-node-1"), nil},
		"one whose pod has failed holds nothing":  {threeNodes(manager("node-1", down(lhv1.InstanceManagerStateError)), managerPod("node-1", inPhase(corev1.PodFailed))), nil},
		"one whose pod has not started neither":   {threeNodes(manager("node-1", down(lhv1.InstanceManagerStateStarting)), managerPod("node-1", inPhase(corev1.PodPending))), nil},
		"one of another node does not hold it":    {threeNodes(manager("node-2", down(lhv1.InstanceManagerStateError))), nil},
		"its engines are not asked for as well":   {threeNodes(manager("node-1", down(lhv1.InstanceManagerStateError), listingEngines("pvc-1-e-0"))), []string{hold}},
		"a second one that runs is judged itself": {threeNodes(manager("node-1", down(lhv1.InstanceManagerStateError)), manager("node-1", func(m *lhv1.InstanceManager) { m.Name = "im-b" }, listingEngines("pvc-1-e-0")), budgetNamed("im-b")), []string{hold, "engine listed: instance manager im-b on node-1 lists engine pvc-1-e-0"}},
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

func budgetNamed(name string) client.Object {
	budget := managerBudget("node-1")
	budget.Name = name
	return budget
}
