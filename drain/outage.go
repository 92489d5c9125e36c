package drain

import (
	"fmt"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	"k8s.io/apimachinery/pkg/util/sets"

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
	stranded []*lhv1.Volume
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
	for _, replica := range m.ReplicasOn(m.here.Name) {
		volume := m.Volume(cluster.VolumeOf(replica.Spec.VolumeName, replica.Labels))
		if volume == nil {
			continue
		}
		used := volume.Status.State == lhv1.VolumeStateAttached
		if good(replica) && m.onlyHere(volume) {
			o.losses = append(o.losses, Loss{Volume: volume.Name, Used: used, Object: volume})
		}
		if !used || replica.Status.CurrentState != lhv1.InstanceStateRunning {
			continue
		}
		o.rebuilds++
		o.bytes += volume.Status.ActualSize
		if !m.canCatchUp(replica) && !m.hasOtherHome(volume) {
			o.stranded = append(o.stranded, volume)
		}
	}
	slices.SortFunc(o.losses, func(a, b Loss) int { return strings.Compare(a.Volume, b.Volume) })
	return o
}

// onlyHere tells whether all good replicas of a volume are on the node.
func (m *model) onlyHere(volume *lhv1.Volume) bool {
	for _, other := range m.ReplicasOf(volume.Name) {
		if good(other) && other.Spec.NodeID != m.here.Name {
			return false
		}
	}
	return true
}

// canCatchUp tells whether Longhorn uses a replica's disk again when its node is back: the node and the disk must take replicas
// (longhorn-manager, isFailedReplicaReusable).
func (m *model) canCatchUp(replica *lhv1.Replica) bool {
	node := m.LonghornNode(replica.Spec.NodeID)
	if node == nil || !takesReplicas(node) {
		return false
	}
	for name, disk := range node.Spec.Disks {
		if status := node.Status.DiskStatus[name]; status != nil && (status.DiskUUID == replica.Spec.DiskID || cluster.Text(replica.Spec.DiskID) == "") {
			return disk.AllowScheduling && isScheduled(status)
		}
	}
	return cluster.Text(replica.Spec.DiskID) == "" || len(node.Status.DiskStatus) == 0
}

// takesReplicas tells whether Longhorn puts replicas on a node once it is uncordoned. A cordon that is there already is not counted:
// nodes-unready reports it.
func takesReplicas(node *lhv1.Node) bool {
	ready := cluster.LonghornCondition(node.Status.Conditions, lhv1.NodeConditionTypeReady)
	return node.Spec.AllowScheduling && !node.Spec.EvictionRequested && (ready == nil || ready.Status == lhv1.ConditionStatusTrue)
}

func isScheduled(status *lhv1.DiskStatus) bool {
	schedulable := cluster.LonghornCondition(status.Conditions, lhv1.DiskConditionTypeSchedulable)
	return schedulable == nil || schedulable.Status == lhv1.ConditionStatusTrue
}

// hasOtherHome tells whether another node could take a new replica of a volume: one without a replica of it, with a disk that has room
// for all of it (longhorn-manager, IsSchedulableToDisk, without over-provisioning where the setting is unknown).
func (m *model) hasOtherHome(volume *lhv1.Volume) bool {
	taken := sets.New[string]()
	for _, replica := range m.ReplicasOf(volume.Name) {
		taken.Insert(replica.Spec.NodeID)
	}
	for _, node := range m.LonghornNodes() {
		if taken.Has(node.Name) || node.Name == m.here.Name || !takesReplicas(node) || !hasTags(node.Spec.Tags, volume.Spec.NodeSelector) {
			continue
		}
		for name, disk := range node.Spec.Disks {
			status := node.Status.DiskStatus[name]
			if status != nil && disk.AllowScheduling && !disk.EvictionRequested && isScheduled(status) && hasTags(disk.Tags, volume.Spec.DiskSelector) &&
				m.fits(volume, disk, status) {
				return true
			}
		}
	}
	return false
}

func hasTags(has, wanted []string) bool {
	for _, tag := range wanted {
		if !slices.Contains(has, tag) {
			return false
		}
	}
	return true
}

func (m *model) fits(volume *lhv1.Volume, disk lhv1.DiskSpec, status *lhv1.DiskStatus) bool {
	minimal, over := m.percentage("storage-minimal-available-percentage", 25), m.percentage("storage-over-provisioning-percentage", 100)
	return status.StorageAvailable-volume.Status.ActualSize > status.StorageMaximum*minimal/100 &&
		volume.Spec.Size+status.StorageScheduled <= (status.StorageMaximum-disk.StorageReserved)*over/100
}

func (m *model) percentage(setting string, fallback int64) int64 {
	value, _ := m.LonghornSetting(setting)
	var percent int64
	if _, err := fmt.Sscanf(value, "%d", &percent); err != nil {
		return fallback
	}
	return percent
}

// reportStranded notes the volumes that stay degraded after the node, and so hold the next one in Pre-draining.
func (m *model) reportStranded(stranded []*lhv1.Volume) {
	if m.storageNodes <= 2 {
		return // There the job counts usable replicas, and the other node's are enough.
	}
	limit, ok := m.LonghornSetting(settingRebuildLimit)
	switch {
	case ok && limit == "0" && m.plan.Rebuilds > 0:
		m.carry(Stop{State: PreDraining, Confidence: Certain, Object: m.LonghornSettingObject(settingRebuildLimit), Check: "longhorn-settings",
			Because:  fmt.Sprintf("Longhorn would rebuild none of the %d replicas of %s, and their volumes are waited for", m.plan.Rebuilds, m.here.Name),
			Evidence: []string{"Setting " + settingRebuildLimit}})
	case len(stranded) > 0:
		m.carry(Stop{State: PreDraining, Confidence: Likely, Object: first(stranded),
			Because: withOthers(fmt.Sprintf("volume %s would still be degraded after %s: the disk of its replica there takes none back, and no other node has room for one",
				first(stranded).Name, m.here.Name), len(stranded)),
			Remedy:   fmt.Sprintf("allow scheduling on %s and its disks, or on another node with room: kubectl -n longhorn-system get nodes.longhorn.io %s -o yaml.", m.here.Name, m.here.Name),
			Evidence: []string{"nodes.longhorn.io spec.allowScheduling, spec.disks, status.diskStatus"}})
	}
}
