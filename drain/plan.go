// Package drain says beforehand what a rolling upgrade of Harvester will do: it walks over a Snapshot node by node, in the order
// in which Rancher will, and tells what moves where, what is shut down, and where it would hang and on what. It is pure: a Snapshot
// and a target version in, a Plan out.
//
// Read simulate.go first. The rules are those of the target version, because its scripts and controllers run by the time that
// a node is drained (harvester/harvester, applyNodeJob).
package drain

import (
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// State is where an upgrade can hang: the state in which Harvester shows the node, or the phase of the upgrade before any node
// is drained.
type State string

// The states, in the order in which an upgrade passes through them.
const (
	// SystemServices is the phase in which Rancher, Harvester, Longhorn and KubeVirt themselves are upgraded.
	SystemServices State = "Upgrading System Services"
	// ImagesPreloaded is a node that waits for its turn.
	ImagesPreloaded State = "Images preloaded"
	// PreDraining waits for healthy volumes, and for the node's VMs to be gone.
	PreDraining State = "Pre-draining"
	// PreDrained evicts the node's pods.
	PreDrained State = "Pre-drained"
	// PostDraining upgrades the node's operating system.
	PostDraining State = "Post-draining"
	// Upgrading is what a single node shows from beginning to end.
	Upgrading State = "Upgrading"
)

// Confidence is how sure a prediction is.
type Confidence string

// The confidences.
const (
	// Certain means that the rule that will decide, and all that it looks at, are known.
	Certain Confidence = "certain"
	// Likely means that it will be so unless something changes in time, or is done in a lucky order.
	Likely Confidence = "likely"
	// Possible means that it can go either way: what decides it is not known before.
	Possible Confidence = "possible"
)

// Plan is what a rolling upgrade will do, as far as that can be told beforehand.
type Plan struct {
	// Target is the version to upgrade to, "v1.8.0"; empty where it is not known. The rules are then those of the newest release
	// that is known here.
	Target string
	// RulesOf is the release whose rules were taken, the last up to the target that changed any; see Rules. Empty for a target before the
	// first of them.
	RulesOf string
	// SingleNode is true for a cluster of one node, which is not drained: its VMs are shut down.
	SingleNode bool
	// Before is what would hold the upgrade before the first node is drained, sorted; empty where nothing would.
	Before []Stop
	// Nodes are the nodes in the order in which they are upgraded; of several possible orders, the one that begins with the first
	// by machine name.
	Nodes []NodePlan
	// Orders is how many orders are possible and were simulated: which etcd node comes first is only known with rights that the
	// gate does not ask for.
	Orders int
	// Unknown is what could not be simulated, and why, sorted and without duplicates. Where it is not empty, the plan may be too good.
	Unknown []Unknown
	// Time is how long the whole upgrade of the nodes takes.
	Time Range
	// Until is when the first thing in the plan changes by itself, as when something has been hanging for long enough. A cluster that has
	// not changed gives the same plan until then; zero means for ever.
	Until time.Time
}

// NodePlan is what happens while one node is upgraded. It begins with the cluster as the nodes before have left it, as if everything
// that they would have hung on had been repaired.
type NodePlan struct {
	// Node is the node's name.
	Node string
	// Position is its place in the order, from 1; Of is how many nodes there are.
	Position, Of int
	// Earliest and Latest are its places in the orders in which it comes first and last; both are Position where there is only one order.
	Earliest, Latest int
	// Tier is why it comes at this place: "etcd", "control plane" or "worker".
	Tier string
	// Witness is true for a node without VMs and volumes.
	Witness bool
	// Stops are where the node would hang, in the order in which it would; the first is what people see. Empty where it would not.
	Stops []Stop
	// Moves are the VMs that migrate to another node, by namespace and name.
	Moves []Move
	// ShutDowns are the VMs that are stopped for the upgrade, by namespace and name.
	ShutDowns []ShutDown
	// Losses are the volumes that cannot be used while the node is down, by name.
	Losses []Loss
	// Rebuilds are how many replicas must catch up when the node is back, and RebuildBytes how large their volumes' data is.
	Rebuilds     int
	RebuildBytes int64
	// Evictions is how many pods the drain evicts.
	Evictions int
	// Time is how long the node takes.
	Time Range
}

// Stop is one reason for which an upgrade would hang.
type Stop struct {
	// State is where it would hang.
	State State
	// Confidence is how sure that is.
	Confidence Confidence
	// Object is what it would hang on.
	Object client.Object
	// Because states the fact, with its numbers: "engine pvc-1-e-0 is still listed on node-2 and has no Engine object".
	Because string
	// Remedy says what to do, as a sentence; empty where Check's own remedy is the one.
	Remedy string
	// Evidence is what the prediction rests on, field by field: "InstanceManager instance-manager-2 status.instanceEngines".
	Evidence []string
	// Check is the name of the check that reports the cause; empty where only the simulation sees it.
	Check string
	// Transient is true for a cause that ends by itself in normal life.
	Transient bool
	// OrderDependent is true where it happens in some of the possible orders only.
	OrderDependent bool
}

// Move is a VM that migrates while its node is drained.
type Move struct {
	// Namespace and Name are the VM's.
	Namespace, Name string
	// To is a node that has room for it: the one that the simulation chose. Kubernetes may choose another.
	To string
}

// ShutDown is a VM that is stopped for the upgrade.
type ShutDown struct {
	// Namespace and Name are the VM's.
	Namespace, Name string
	// Because says why it is not moved.
	Because string
	// Confidence is how sure that is.
	Confidence Confidence
	// Check is the name of the check that warns of it; empty where only the simulation sees it.
	Check string
	// Object is the VirtualMachineInstance.
	Object client.Object
}

// Loss is a volume that cannot be used while a node is down, because all its good replicas are there.
type Loss struct {
	// Volume is the volume's name.
	Volume string
	// Used is true for a volume that is attached.
	Used bool
	// Check is the name of the check that reports it too; empty for a volume that should have more good replicas than it has.
	Check string
	// Object is the volume.
	Object client.Object
}

// Range is a duration that is only known to lie between two.
type Range struct {
	Low, High time.Duration
}

// Stuck tells whether any node would hang, or the upgrade before.
func (p Plan) Stuck() bool {
	if len(p.Before) > 0 {
		return true
	}
	return slices.ContainsFunc(p.Nodes, func(node NodePlan) bool { return len(node.Stops) > 0 })
}
