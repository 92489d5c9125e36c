package drain

import (
	"fmt"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// replicaHolds is the second half of canDeleteInstanceManagerPDB: by node-drain-policy, no replica of the node may be the last good
// one of its volume, or be there at all.
func replicaHolds(s *cluster.Snapshot, node string, state ManagerState) []Hold {
	var holds []Hold
	g := guards{Snapshot: s, state: state, drained: node, nodes: map[string]nodeFact{}, managers: map[string]bool{}}
	judged := map[string]verdict{}
	for _, replica := range s.ReplicasOn(node) {
		now := state.Replica(replica)
		switch state.Rules.DrainPolicy {
		case PolicyAlways:
			return nil
		case PolicyEviction:
			holds = append(holds, policyHold(replica, node, state.Rules.DrainPolicy))
			continue
		case PolicyIfStopped:
			if now.Stopped {
				continue
			}
		case PolicyLastReplica, PolicyEvictionIfLast:
		}
		volume := cluster.VolumeOf(replica.Spec.VolumeName, replica.Labels)
		elsewhere, known := judged[volume]
		if !known {
			elsewhere = g.protects(volume)
			judged[volume] = elsewhere
		}
		switch {
		case elsewhere.hold != nil:
			if !known { // One replica spoils its volume for all others.
				holds = append(holds, *elsewhere.hold)
			}
		case !elsewhere.protected && !now.isUnused():
			holds = append(holds, lastReplicaHold(s, replica, node, volume, state))
		}
	}
	slices.SortFunc(holds, compareHolds)
	return holds
}

// verdict is what Longhorn finds of a volume on other nodes.
type verdict struct {
	// protected is true where a healthy replica is in an instance manager with a budget.
	protected bool
	// hold is set where Longhorn gives up instead.
	hold *Hold
}

// nodeFact is what counts of a node: whether Kubernetes knows it, and whether a replica there can protect a volume.
type nodeFact struct{ exists, protects bool }

// guards says which volumes are protected on nodes other than the drained one. It looks at each node and instance manager once.
type guards struct {
	*cluster.Snapshot
	state   ManagerState
	drained string

	nodes map[string]nodeFact
	// managers tells of each instance manager that was looked at whether it runs and has a budget.
	managers map[string]bool
}

// protects is ListVolumePDBProtectedHealthyReplicasRO of longhorn-manager, datastore/longhorn.go, for the nodes other than the
// drained one. A healthy replica that it cannot place is an error there, and the budget then stays for ever.
func (g *guards) protects(volume string) verdict {
	found := verdict{}
	for _, replica := range g.ReplicasOf(volume) {
		if !g.state.Replica(replica).isHealthy() {
			continue
		}
		on := cluster.Text(replica.Spec.NodeID)
		node := g.node(on)
		if !node.exists {
			found.hold = earlier(found.hold, &Hold{
				Object: replica, Kind: ReplicaWithoutNode, Volume: volume,
				Because:  fmt.Sprintf("replica %s of volume %s is on node %s, which does not exist, and Longhorn gives up there", replica.Name, volume, quoteNone(on)),
				Evidence: []string{fmt.Sprintf("Replica %s spec.nodeID", replica.Name)},
			})
		}
		if !node.protects {
			continue
		}
		manager, problem := g.managerOf(replica, on)
		if problem != "" {
			found.hold = earlier(found.hold, &Hold{
				Object: replica, Kind: ReplicaWithoutManager, Volume: volume,
				Because:  fmt.Sprintf("stopped replica %s of volume %s is on %s, which has %s, and Longhorn gives up there", replica.Name, volume, on, problem),
				Evidence: []string{fmt.Sprintf("Replica %s status.instanceManagerName", replica.Name)},
			})
			continue
		}
		found.protected = found.protected || g.manager(manager)
	}
	return found
}

func (g *guards) node(name string) nodeFact {
	fact, known := g.nodes[name]
	if !known {
		fact.exists = g.Node(name) != nil
		fact.protects = fact.exists && name != g.drained && !g.state.Cordoned(name)
		g.nodes[name] = fact
	}
	return fact
}

// manager tells whether an instance manager of that name runs and has its budget.
func (g *guards) manager(name string) bool {
	protects, known := g.managers[name]
	if !known {
		manager := g.InstanceManager(name)
		protects = manager != nil && manager.Status.CurrentState == lhv1.InstanceManagerStateRunning && isBudgeted(g.Snapshot, manager, g.state)
		g.managers[name] = protects
	}
	return protects
}

func earlier(a, b *Hold) *Hold {
	if a == nil || compareHolds(*b, *a) < 0 {
		return b
	}
	return a
}

// managerOf names the instance manager of a replica: the one in its status, and for one that has none, because it is stopped, the only
// one of the current image on its node. problem says why Longhorn cannot tell that one
// (longhorn-manager, datastore/longhorn.go, getRunningReplicaInstanceManagerRO and filterInstanceManagers).
func (g *guards) managerOf(replica *cluster.Replica, node string) (name, problem string) {
	if name := cluster.Text(replica.Status.InstanceManagerName); name != "" {
		return name, ""
	}
	image, _ := g.LonghornSetting(settingManagerImage)
	engine := dataEngineOf(replica.Spec.DataEngine)
	var found []*cluster.InstanceManager
	for _, manager := range g.InstanceManagersOn(node) {
		if manager.Spec.Type == lhv1.InstanceManagerTypeEngine || dataEngineOf(manager.Spec.DataEngine) != engine {
			continue
		}
		if engine == lhv1.DataEngineTypeV1 && image != "" && manager.Spec.Image != image {
			continue
		}
		found = append(found, manager)
	}
	if len(found) > 1 && engine == lhv1.DataEngineTypeV2 {
		found = slices.DeleteFunc(found, func(m *cluster.InstanceManager) bool {
			return m.Status.CurrentState != lhv1.InstanceManagerStateRunning
		})
	}
	switch len(found) {
	case 1:
		return found[0].Name, ""
	case 0:
		return "", "no instance manager of the current image"
	}
	return "", fmt.Sprintf("%d instance managers of the current image", len(found))
}

// dataEngineOf returns a data engine; Longhorn up to 1.4 has only v1 and does not say so.
func dataEngineOf(engine lhv1.DataEngineType) lhv1.DataEngineType {
	if engine = cluster.Text(engine); engine != "" {
		return engine
	}
	return lhv1.DataEngineTypeV1
}

func policyHold(replica *cluster.Replica, node string, policy DrainPolicy) Hold {
	volume := cluster.VolumeOf(replica.Spec.VolumeName, replica.Labels)
	return Hold{
		Object: replica, Kind: Policy, Volume: volume,
		Because:  fmt.Sprintf("replica %s of volume %s is on %s, and Longhorn's %s is %s: every replica must be moved off first", replica.Name, volume, node, settingDrainPolicy, policy),
		Evidence: []string{fmt.Sprintf("Setting %s value", settingDrainPolicy), fmt.Sprintf("Replica %s spec.nodeID", replica.Name)},
	}
}

func lastReplicaHold(s *cluster.Snapshot, replica *cluster.Replica, node, volume string, state ManagerState) Hold {
	healthy := 0
	for _, other := range s.ReplicasOf(volume) {
		if state.Replica(other).isHealthy() {
			healthy++
		}
	}
	because := fmt.Sprintf("replica %s on %s is the only good one of volume %s", replica.Name, node, volume)
	switch now := state.Replica(replica); {
	case !now.isHealthy():
		because = fmt.Sprintf("replica %s on %s has failed, and volume %s has no good one in a protected instance manager of another node", replica.Name, node, volume)
	case healthy > 1:
		because = fmt.Sprintf("replica %s on %s: of the %d good ones of volume %s no other is in a running instance manager of a node that is not cordoned", replica.Name, node, healthy, volume)
	}
	return Hold{
		Object: replica, Kind: LastReplica, Volume: volume, Because: because,
		Evidence: []string{fmt.Sprintf("Replicas of volume %s spec.healthyAt, spec.failedAt, spec.nodeID", volume), fmt.Sprintf("Setting %s value", settingDrainPolicy)},
	}
}

func compareHolds(a, b Hold) int {
	if c := strings.Compare(a.Engine, b.Engine); c != 0 {
		return c
	}
	return strings.Compare(a.Object.GetName(), b.Object.GetName())
}

func quoteNone(node string) string {
	if node == "" {
		return `""`
	}
	return node
}
