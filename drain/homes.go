package drain

import (
	"fmt"
	"maps"
	"slices"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// homes are the disks that may take the replicas of a node when it has been down, with what was promised of them to others.
type homes struct {
	*cluster.Snapshot
	// down is the node.
	down string
	// minimal and over are Longhorn's percentages: of a disk, what must stay free, and how much may be promised.
	minimal, over int64
	promised      map[disk]int64
}

// disk names a disk of a node.
type disk struct{ node, name string }

func newHomes(s *cluster.Snapshot, down string) homes {
	return homes{
		Snapshot: s, down: down, promised: map[disk]int64{},
		minimal: percentage(s, "storage-minimal-available-percentage", 25), over: percentage(s, "storage-over-provisioning-percentage", 100),
	}
}

func percentage(s *cluster.Snapshot, setting string, fallback int64) int64 {
	value, _ := s.LonghornSetting(setting)
	var percent int64
	if _, err := fmt.Sscanf(value, "%d", &percent); err != nil {
		return fallback
	}
	return percent
}

// takesBack tells whether Longhorn uses a replica's disk again when its node is back: the node and the disk must take replicas
// (longhorn-manager, scheduler/replica_scheduler.go, isFailedReplicaReusable). A disk without a status is taken to be as its spec says:
// longhorn-unsettled reports it.
func (h homes) takesBack(replica *cluster.Replica) bool {
	node := h.LonghornNode(replica.Spec.NodeID)
	if node == nil || !takesReplicas(node) {
		return false
	}
	for name, spec := range node.Spec.Disks {
		status := node.Status.DiskStatus[name]
		if status == nil || cluster.Text(replica.Spec.DiskID) == "" || status.DiskUUID == replica.Spec.DiskID {
			if spec.AllowScheduling && !spec.EvictionRequested && (status == nil || isScheduled(status)) {
				return true
			}
		}
	}
	return false
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

// take finds a disk that takes a new replica of a volume, and promises it the volume's size: on a node without a good replica of it, which
// may be the node itself (longhorn-manager, scheduler/replica_scheduler.go, getNodeCandidates), unless two may be on one node.
func (h homes) take(volume *cluster.Volume) bool {
	soft, _ := h.LonghornSetting("replica-soft-anti-affinity")
	taken := map[string]bool{}
	for _, replica := range h.ReplicasOf(volume.Name) {
		if soft != "true" && replica.DeletionTimestamp == nil && cluster.Text(replica.Spec.FailedAt) == "" && replica.Spec.NodeID != h.down {
			taken[replica.Spec.NodeID] = true
		}
	}
	for _, node := range h.LonghornNodes() {
		if taken[node.Name] || !takesReplicas(node) || !hasTags(node.Spec.Tags, volume.Spec.NodeSelector) {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(node.Spec.Disks)) {
			if h.fits(volume, node, name) {
				h.promised[disk{node.Name, name}] += volume.Spec.Size
				return true
			}
		}
	}
	return false
}

func hasTags(has, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(tag string) bool { return !slices.Contains(has, tag) })
}

// fits tells whether a disk has room for all of a volume (longhorn-manager, scheduler/replica_scheduler.go, IsSchedulableToDisk).
func (h homes) fits(volume *cluster.Volume, node *lhv1.Node, name string) bool {
	spec, status := node.Spec.Disks[name], node.Status.DiskStatus[name]
	if status == nil || !spec.AllowScheduling || spec.EvictionRequested || !isScheduled(status) || !hasTags(spec.Tags, volume.Spec.DiskSelector) {
		return false
	}
	return status.StorageAvailable-volume.Status.ActualSize > status.StorageMaximum*h.minimal/100 &&
		volume.Spec.Size+status.StorageScheduled+h.promised[disk{node.Name, name}] <= (status.StorageMaximum-spec.StorageReserved)*h.over/100
}
