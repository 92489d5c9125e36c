package drain

import (
	"fmt"
	"slices"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// labelLonghornComponent tells what a pod of Longhorn is.
const labelLonghornComponent = "longhorn.io/component"

// ManagerState is what has changed since the Snapshot when Longhorn decides about a node. The zero value is the Snapshot itself.
type ManagerState struct {
	// Cordoned tells whether a node is unschedulable; nil asks the Snapshot. The node that is drained always is.
	Cordoned func(node string) bool
	// Gone tells whether an engine will have left the node; nil means that none will. See LeavesNode.
	Gone func(engine string) bool
	// Replica returns a replica's state; nil asks the Snapshot.
	Replica func(replica *cluster.Replica) ReplicaState
	// Rules are Longhorn's settings at that time; see LonghornRulesFor.
	Rules LonghornRules
}

// HoldKind says by which rule Longhorn keeps an instance manager.
type HoldKind string

// The kinds of holds.
const (
	// EngineListed is an engine that an instance manager of the node still lists; Hold.Engine names it.
	EngineListed HoldKind = "engine listed"
	// LastReplica is a replica without a healthy one in a protected instance manager of another node.
	LastReplica HoldKind = "last replica"
	// Policy is a replica that must leave the node before, by node-drain-policy. Longhorn moves it by itself, where another node may
	// take it.
	Policy HoldKind = "policy"
	// ManagerDown is an instance manager that does not run, whose budget Longhorn leaves as it is.
	ManagerDown HoldKind = "instance manager down"
	// ReplicaWithoutNode is a healthy replica on a node that Kubernetes does not know, at which Longhorn gives up.
	ReplicaWithoutNode HoldKind = "replica without node"
	// ReplicaWithoutManager is a stopped replica on a node without an instance manager of the current image, or with several, at which
	// Longhorn gives up.
	ReplicaWithoutManager HoldKind = "replica without instance manager"
)

// Hold is one reason for which Longhorn does not delete the budget of a node's instance managers.
type Hold struct {
	// Object is what it hangs on: the instance manager, or a replica.
	Object client.Object
	// Kind is the rule.
	Kind HoldKind
	// Because states the fact: "replica pvc-1-r-0 on node-2 is the only good one of volume pvc-1".
	Because string
	// Evidence is what it rests on, field by field.
	Evidence []string
	// Engine names the engine of an EngineListed; empty for other kinds.
	Engine string
	// Volume names the volume of a replica's hold; empty for other kinds.
	Volume string
}

// IsInstanceManager tells whether a pod is one of Longhorn's instance managers; it has the name of its InstanceManager object, as has
// its budget.
func IsInstanceManager(pod *corev1.Pod) bool {
	return pod.Namespace == cluster.LonghornNamespace && pod.Labels[labelLonghornComponent] == "instance-manager"
}

// HoldsInstanceManager says why Longhorn keeps the budgets of a node's instance managers, so that their pods are not evicted; empty
// where it deletes them, and where there are none. The rule is that of longhorn-manager, controller/instance_manager_controller.go,
// syncInstanceManagerPDB and canDeleteInstanceManagerPDB. Longhorn stops at the first reason; here are all, because the next holds
// when the first is gone: first the instance managers that are down, then engines, then replicas, each by name.
func HoldsInstanceManager(s *cluster.Snapshot, node string, state ManagerState) []Hold {
	state = state.withDefaults(s)
	managers := s.InstanceManagersOn(node)
	holds := downManagers(s, node, managers)
	budgeted, holdsReplicas := false, false
	for _, manager := range managers {
		if manager.Status.CurrentState == lhv1.InstanceManagerStateRunning && isBudgeted(s, manager, state) {
			budgeted = true
			holdsReplicas = holdsReplicas || manager.Spec.Type != lhv1.InstanceManagerTypeEngine
		}
	}
	if budgeted {
		holds = append(holds, listedEngines(managers, state)...)
	}
	if holdsReplicas {
		holds = append(holds, replicaHolds(s, node, state)...)
	}
	return holds
}

func (state ManagerState) withDefaults(s *cluster.Snapshot) ManagerState {
	if state.Cordoned == nil {
		state.Cordoned = func(node string) bool { return isUnschedulable(s, node) }
	}
	if state.Gone == nil {
		state.Gone = func(string) bool { return false }
	}
	if state.Replica == nil {
		state.Replica = ReplicaStateOf
	}
	return state
}

func isUnschedulable(s *cluster.Snapshot, node string) bool {
	object := s.Node(node)
	return object != nil && object.Spec.Unschedulable
}

// isBudgeted tells whether the budget of an instance manager is there. Longhorn deletes it while the node is cordoned, and makes it
// again when the node is not any more.
func isBudgeted(s *cluster.Snapshot, manager *cluster.InstanceManager, state ManagerState) bool {
	if s.DisruptionBudget(cluster.LonghornNamespace, manager.Name) != nil {
		return true
	}
	return isUnschedulable(s, manager.Spec.NodeID) && !state.Cordoned(manager.Spec.NodeID)
}

// downManagers finds instance managers that do not run while their budget holds a pod: Longhorn does not look at those.
func downManagers(s *cluster.Snapshot, node string, managers []*cluster.InstanceManager) []Hold {
	var holds []Hold
	for _, manager := range managers {
		state := cluster.Text(manager.Status.CurrentState)
		if state == lhv1.InstanceManagerStateRunning || s.DisruptionBudget(cluster.LonghornNamespace, manager.Name) == nil {
			continue
		}
		if pod := s.Pod(cluster.LonghornNamespace, manager.Name); pod == nil || ignoresBudgets(pod) {
			continue // Nothing that the budget could hold.
		}
		holds = append(holds, Hold{
			Object: manager, Kind: ManagerDown,
			Because: fmt.Sprintf("instance manager %s on %s is %s, and Longhorn leaves the budget of such as it is", manager.Name, node, stateInWords(string(state))),
			Evidence: []string{
				fmt.Sprintf("InstanceManager %s status.currentState", manager.Name),
				fmt.Sprintf("PodDisruptionBudget %s/%s", cluster.LonghornNamespace, manager.Name),
			},
		})
	}
	return holds
}

func stateInWords(state string) string {
	if state == "" {
		return "in no state"
	}
	return "in state " + state
}

// listedEngines is areAllInstanceRemovedFromNodeByType: every process counts that an instance manager for engines lists, whether or
// not there is an engine of that name (harvester/harvester#7366).
func listedEngines(managers []*cluster.InstanceManager, state ManagerState) []Hold {
	var holds []Hold
	for _, manager := range managers {
		if manager.Spec.Type != lhv1.InstanceManagerTypeEngine && manager.Spec.Type != lhv1.InstanceManagerTypeAllInOne {
			continue
		}
		holds = appendListed(holds, manager, "status.instanceEngines", manager.Status.InstanceEngines, state)
		holds = appendListed(holds, manager, "status.instances", manager.Status.Instances, state)
	}
	slices.SortStableFunc(holds, compareHolds)
	return holds
}

func appendListed(holds []Hold, manager *cluster.InstanceManager, field string, listed cluster.Table[cluster.InstanceProcess], state ManagerState) []Hold {
	for name := range listed.All() {
		if state.Gone(name) {
			continue
		}
		holds = append(holds, Hold{
			Object: manager, Kind: EngineListed, Engine: name,
			Because:  fmt.Sprintf("instance manager %s on %s lists engine %s", manager.Name, manager.Spec.NodeID, name),
			Evidence: []string{fmt.Sprintf("InstanceManager %s %s", manager.Name, field)},
		})
	}
	return holds
}

// listing returns the node's instance manager that lists an engine, and the field; nil where none does.
func listing(s *cluster.Snapshot, node, engine string) (manager *cluster.InstanceManager, field string) {
	for _, manager := range s.InstanceManagersOn(node) {
		if _, ok := manager.Status.InstanceEngines.Get(engine); ok {
			return manager, "status.instanceEngines"
		}
		if _, ok := manager.Status.Instances.Get(engine); ok {
			return manager, "status.instances"
		}
	}
	return nil, ""
}
