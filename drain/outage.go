package drain

import (
	"fmt"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// settingRebuildLimit is how many replicas Longhorn rebuilds on a node at once; with 0 it rebuilds none.
const settingRebuildLimit = "concurrent-replica-rebuild-per-node-limit"

// outage is what the time costs in which a node is down.
type outage struct {
	losses   []Loss
	rebuilds int
	bytes    int64
	// stranded are the volumes of which a replica can come back neither on the node nor elsewhere.
	stranded []*cluster.Volume
}

// loseReplicas simulates what the node's replicas go through while it is down: their volumes do without them, and when the node is back
// they catch up before the next node may be drained, on the same disk where Longhorn may use it again, elsewhere where there is room.
func (m *model) loseReplicas() {
	facts := m.factsOf(m.here.Name)
	if facts.outage == nil {
		facts.outage = m.outageOfNode()
	}
	m.plan.Losses, m.plan.Rebuilds, m.plan.RebuildBytes = facts.outage.losses, facts.outage.rebuilds, facts.outage.bytes
	if m.plan.Position < m.plan.Of {
		m.reportStranded(facts.outage.stranded)
	}
}

func (m *model) outageOfNode() *outage {
	o := &outage{}
	homes := newHomes(m.Snapshot, m.here.Name)
	for _, replica := range sortedReplicas(m.ReplicasOn(m.here.Name)) {
		volume := m.Volume(cluster.VolumeOf(replica.Spec.VolumeName, replica.Labels))
		if volume == nil {
			continue
		}
		used := volume.Status.State == lhv1.VolumeStateAttached
		if good(replica) && m.onlyHere(volume) {
			loss := Loss{Volume: volume.Name, Used: used, Object: volume}
			if volume.Spec.NumberOfReplicas == 1 {
				loss.Check = "single-replica-volumes"
			}
			o.losses = append(o.losses, loss)
		}
		if !used || replica.Status.CurrentState != lhv1.InstanceStateRunning {
			continue
		}
		o.rebuilds++
		o.bytes += volume.Status.ActualSize
		if !m.doesWithout(volume) && !homes.takesBack(replica) && !homes.take(volume) {
			o.stranded = append(o.stranded, volume)
		}
	}
	slices.SortFunc(o.losses, func(a, b Loss) int { return strings.Compare(a.Volume, b.Volume) })
	o.losses = slices.CompactFunc(o.losses, func(a, b Loss) bool { return a.Volume == b.Volume })
	return o
}

// onlyHere tells whether all good replicas of a volume are on the node.
func (m *model) onlyHere(volume *cluster.Volume) bool {
	for _, other := range m.ReplicasOf(volume.Name) {
		if good(other) && other.Spec.NodeID != m.here.Name {
			return false
		}
	}
	return true
}

// doesWithout tells whether the next node does not wait for a volume to get its replica back: where there are two nodes for storage, usable
// replicas are counted, and enough of them may be elsewhere.
func (m *model) doesWithout(volume *cluster.Volume) bool {
	if m.storageNodes > 2 {
		return false
	}
	elsewhere := 0
	for _, other := range m.ReplicasOf(volume.Name) {
		if good(other) && other.Spec.NodeID != m.here.Name && other.Status.CurrentState == lhv1.InstanceStateRunning {
			elsewhere++
		}
	}
	return elsewhere >= wantedReplicas(volume)
}

func sortedReplicas(replicas []*cluster.Replica) []*cluster.Replica {
	sorted := slices.Clone(replicas)
	slices.SortFunc(sorted, func(a, b *cluster.Replica) int { return strings.Compare(a.Name, b.Name) })
	return sorted
}

// reportStranded notes the volumes that stay degraded after the node, and so hold the next one in Pre-draining.
func (m *model) reportStranded(stranded []*cluster.Volume) {
	limit, ok := m.LonghornSetting(settingRebuildLimit)
	switch {
	case ok && limit == "0" && m.plan.Rebuilds > 0 && m.storageNodes > 1:
		if m.told[settingRebuildLimit] {
			return
		}
		m.told[settingRebuildLimit] = true
		m.carry(Stop{State: PreDraining, Confidence: Certain, Object: m.LonghornSettingObject(settingRebuildLimit), Check: "longhorn-settings",
			Because:  fmt.Sprintf("Longhorn would rebuild nothing after %s, where it has %s in use, and the upgrade waits for their volumes", m.here.Name, many(m.plan.Rebuilds, "replica")),
			Evidence: []string{"Setting " + settingRebuildLimit}})
	case len(stranded) > 0:
		m.carry(Stop{State: PreDraining, Confidence: Likely, Object: first(stranded),
			Because: withOthers(fmt.Sprintf("volume %s would still be without its replica of %s: the disk there takes none back, and no other has room for one",
				first(stranded).Name, m.here.Name), len(stranded)),
			Remedy: fmt.Sprintf("allow scheduling on %[1]s and its disks, or on another node with room: kubectl -n longhorn-system get nodes.longhorn.io %[1]s -o yaml.",
				m.here.Name),
			Evidence: []string{"nodes.longhorn.io spec.allowScheduling, spec.disks, status.diskStatus"}})
	}
}
