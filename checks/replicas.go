package checks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// isGood tells whether a replica holds current data (longhorn-manager, IsAvailableHealthyReplica).
func isGood(replica *cluster.Replica) bool {
	return replica.DeletionTimestamp == nil && cluster.Text(replica.Spec.HealthyAt) != "" && cluster.Text(replica.Spec.FailedAt) == ""
}

// isBeingRebuilt tells whether a replica is wanted but has no data yet: Longhorn clears both times before it rebuilds one.
func isBeingRebuilt(replica *cluster.Replica) bool {
	return replica.DeletionTimestamp == nil && replica.Spec.DesireState == lhv1.InstanceStateRunning &&
		cluster.Text(replica.Spec.HealthyAt) == "" && cluster.Text(replica.Spec.FailedAt) == ""
}

// isBroken tells whether a replica counts as broken by what itself says, in a volume that is in use. spare is true where
// enough other replicas hold or are getting the data, so that a failed one is merely kept to be used again.
func isBroken(replica *cluster.Replica, spare bool) bool {
	state := cluster.Text(replica.Status.CurrentState)
	switch {
	case replica.DeletionTimestamp != nil:
		return false
	case state == lhv1.InstanceStateError:
		return true
	case cluster.Text(replica.Spec.FailedAt) != "":
		return !spare
	case replica.Spec.DesireState == lhv1.InstanceStateRunning && state != lhv1.InstanceStateRunning:
		return !isBeingRebuilt(replica)
	}
	return false
}

// isBadMode tells whether an engine cannot use a replica. A mode that is not known counts as bad.
func isBadMode(mode lhv1.ReplicaMode) bool {
	return mode != lhv1.ReplicaModeRW && mode != lhv1.ReplicaModeWO
}

// replicaModes counts what the engines say of their replicas.
type replicaModes struct {
	// readWrite replicas are in use.
	readWrite int
	// rebuilding replicas are written to, but not read from: WO, or to be added.
	rebuilding int
	// bad replicas are ERR, or in a mode that is not known.
	bad int
}

// modesOf counts the modes of an engine's replicas. The keys may name no replica at all (longhorn/longhorn#8587), so
// nothing is joined.
func modesOf(engine *cluster.Engine) replicaModes {
	var modes replicaModes
	for _, mode := range engine.Status.ReplicaModeMap.All() {
		switch {
		case mode == lhv1.ReplicaModeRW:
			modes.readWrite++
		case isBadMode(mode):
			modes.bad++
		default:
			modes.rebuilding++
		}
	}
	if len(engine.Spec.ReplicaAddressMap) > modes.readWrite {
		for name := range engine.Spec.ReplicaAddressMap.All() {
			if _, listed := engine.Status.ReplicaModeMap.Get(name); !listed {
				modes.rebuilding++
			}
		}
	}
	return modes
}

// hasBrokenReplicas tells whether faulted-replicas has something to say about a volume; degraded-volumes then keeps silent,
// for repairing one thing must remove one finding.
func hasBrokenReplicas(p *Pass, volume *cluster.Volume) bool {
	return anyBroken(volume, p.EnginesOf(volume.Name), p.ReplicasOf(volume.Name))
}

func anyBroken(volume *cluster.Volume, engines []*cluster.Engine, replicas []*cluster.Replica) bool {
	if volume.Status.Robustness == lhv1.VolumeRobustnessFaulted {
		return true
	}
	for _, engine := range judgedEngines(engines) {
		if engine.Status.CurrentState == lhv1.InstanceStateRunning && modesOf(engine).bad > 0 {
			return true
		}
	}
	if volume.Status.State != lhv1.VolumeStateAttached {
		return false
	}
	replicas = currentReplicas(replicas)
	spare := hasSpare(volume, replicas)
	for _, replica := range replicas {
		if isBroken(replica, spare) {
			return true
		}
	}
	return false
}

// currentReplicas leaves out the replicas that belong to a migration or to an engine's live upgrade: those are inactive
// until it is done. Where none is active, all count.
func currentReplicas(replicas []*cluster.Replica) []*cluster.Replica {
	active := 0
	for _, replica := range replicas {
		if replica.Spec.Active {
			active++
		}
	}
	if active == 0 || active == len(replicas) {
		return replicas
	}
	current := make([]*cluster.Replica, 0, active)
	for _, replica := range replicas {
		if replica.Spec.Active {
			current = append(current, replica)
		}
	}
	return current
}

// hasSpare tells whether enough replicas hold or are getting the volume's data.
func hasSpare(volume *cluster.Volume, replicas []*cluster.Replica) bool {
	enough := 0
	for _, replica := range replicas {
		if isGood(replica) || isBeingRebuilt(replica) {
			enough++
		}
	}
	return enough >= max(volume.Spec.NumberOfReplicas, 1)
}

// brokenReplica is one replica that an engine or Longhorn cannot use.
type brokenReplica struct {
	// name is the replica's, or what the engine calls it.
	name string
	// fact says what is wrong with it.
	fact string
	// exists is false where no Replica object has that name.
	exists bool
	// away is true where its node or instance manager does not answer, so that it may come back as it was.
	away bool
}

// brokenReplicas lists the broken replicas of a volume, by name, each once.
func brokenReplicas(p *Pass, volume *cluster.Volume) []brokenReplica {
	found := map[string]brokenReplica{}
	if volume.Status.State == lhv1.VolumeStateAttached {
		replicas := currentReplicas(p.ReplicasOf(volume.Name))
		spare := hasSpare(volume, replicas)
		for _, replica := range replicas {
			if isBroken(replica, spare) {
				found[replica.Name] = brokenReplica{
					name: replica.Name, exists: true, away: replica.Status.CurrentState == lhv1.InstanceStateUnknown,
					fact: brokenFact(replica),
				}
			}
		}
	}
	for _, engine := range judgedEngines(p.EnginesOf(volume.Name)) {
		if engine.Status.CurrentState != lhv1.InstanceStateRunning {
			continue
		}
		for name, mode := range engine.Status.ReplicaModeMap.All() {
			if isBadMode(mode) {
				replica := replicaNamed(p.ReplicasOf(volume.Name), name)
				found[name] = brokenReplica{
					name: name, exists: replica != nil,
					fact: fmt.Sprintf("%s%s is %s in engine %s", name, onNode(replica), modeName(mode), engine.Name),
				}
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b brokenReplica) int { return strings.Compare(a.name, b.name) })
}

func brokenFact(replica *cluster.Replica) string {
	who := replica.Name + onNode(replica)
	state := cluster.Text(replica.Status.CurrentState)
	switch {
	case state == lhv1.InstanceStateError:
		return who + " is in state error"
	case cluster.Text(replica.Spec.FailedAt) != "":
		return fmt.Sprintf("%s failed at %s", who, replica.Spec.FailedAt)
	case state == "":
		return who + " should run and reports no state"
	}
	return fmt.Sprintf("%s should run and is %s", who, state)
}

func modeName(mode lhv1.ReplicaMode) string {
	if mode == lhv1.ReplicaModeERR {
		return "ERR"
	}
	return fmt.Sprintf("in the unknown mode %q", string(mode))
}

func onNode(replica *cluster.Replica) string {
	if replica == nil || cluster.Text(replica.Spec.NodeID) == "" {
		return ""
	}
	return " on " + replica.Spec.NodeID
}

func replicaNamed(replicas []*cluster.Replica, name string) *cluster.Replica {
	for _, replica := range replicas {
		if replica.Name == name {
			return replica
		}
	}
	return nil
}
