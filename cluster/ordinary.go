package cluster

import (
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
)

// OrdinarySnapshots is how many snapshots an ordinary volume has at most, and OrdinaryLimit how many it may have at least.
const (
	OrdinarySnapshots = 16
	OrdinaryLimit     = 64
)

// IsOrdinary tells whether a volume is in use and nothing about it is out of the way, as nearly every volume is: attached to one node
// and healthy; one active engine that runs there and does nothing but serve it; as many replicas as wanted, each running, never
// failed and in use by the engine; a short chain of snapshots without a limit on their size; one ticket of the CSI driver with its
// Kubernetes VolumeAttachment; and a running workload. It is computed once, so that checks need not look again at four objects for
// each of thousands of volumes. What it says no to is merely worth a look.
func (s *Snapshot) IsOrdinary(volume *Volume) bool {
	return s.unusual != nil && !s.unusual[volume]
}

// WithoutShortcuts returns the same Snapshot in which no volume is ordinary and no instance manager lists only its own processes. A check must say the same on both.
func (s *Snapshot) WithoutShortcuts() *Snapshot {
	again := *s
	again.unusual, again.tidy = nil, nil
	return &again
}

func (s *Snapshot) indexUnusual() {
	s.unusual = map[*Volume]bool{}
	for _, volume := range s.volumes.items {
		if !s.looksOrdinary(volume) {
			s.unusual[volume] = true
		}
	}
}

func (s *Snapshot) looksOrdinary(volume *Volume) bool {
	if !isAtRest(volume) {
		return false
	}
	engines := s.enginesOfVolume.of(volume.Name)
	return len(engines) == 1 && servesOrdinarily(engines[0], volume) &&
		areOrdinary(s.replicasOfVolume.of(volume.Name), volume) && s.isAttachedOrdinarily(volume)
}

// isAtRest tells whether a volume's own fields show nothing but use.
func isAtRest(volume *Volume) bool {
	spec, status := &volume.Spec, &volume.Status
	if volume.DeletionTimestamp != nil || status.State != lhv1.VolumeStateAttached || status.Robustness != lhv1.VolumeRobustnessHealthy ||
		Text(spec.NodeID) == "" || spec.NodeID != status.CurrentNodeID || Text(spec.MigrationNodeID) != "" || Text(status.CurrentMigrationNodeID) != "" {
		return false
	}
	if status.ExpansionRequired || status.RestoreRequired || Text(status.CloneStatus.State) != "" || spec.SnapshotMaxSize > 0 ||
		spec.SnapshotMaxCount > 0 && spec.SnapshotMaxCount < OrdinaryLimit || spec.Image != status.CurrentImage {
		return false
	}
	for i := range status.Conditions {
		wanted := lhv1.ConditionStatusFalse
		if strings.EqualFold(status.Conditions[i].Type, lhv1.VolumeConditionTypeScheduled) { // Old releases wrote it in lower case.
			wanted = lhv1.ConditionStatusTrue
		}
		if status.Conditions[i].Status != wanted {
			return false
		}
	}
	return Text(status.KubernetesStatus.LastPodRefAt) == "" && hasRunningPod(status.KubernetesStatus.WorkloadsStatus)
}

func hasRunningPod(workloads []WorkloadStatus) bool {
	for i := range workloads {
		if workloads[i].PodStatus == string(corev1.PodRunning) {
			return true
		}
	}
	return false
}

func servesOrdinarily(engine *Engine, volume *Volume) bool {
	spec, status := &engine.Spec, &engine.Status
	if engine.DeletionTimestamp != nil || !spec.Active || spec.NodeID != volume.Status.CurrentNodeID ||
		status.CurrentState != lhv1.InstanceStateRunning || spec.DesireState != lhv1.InstanceStateRunning ||
		len(status.ReplicaModeMap) != volume.Spec.NumberOfReplicas || len(spec.ReplicaAddressMap) > len(status.ReplicaModeMap) {
		return false
	}
	if len(status.RebuildStatus)+len(status.PurgeStatus)+len(status.RestoreStatus)+len(status.CloneStatus) > 0 || status.IsExpanding ||
		Text(status.SnapshotsError) != "" || Text(status.LastExpansionError) != "" || status.CurrentSize > volume.Spec.Size ||
		status.Snapshots == nil || len(status.Snapshots) > OrdinarySnapshots {
		return false
	}
	for name, mode := range status.ReplicaModeMap.All() {
		if mode != lhv1.ReplicaModeRW {
			return false
		}
		if _, addressed := spec.ReplicaAddressMap.Get(name); !addressed && len(spec.ReplicaAddressMap) > 0 {
			return false
		}
	}
	return true
}

func areOrdinary(replicas []*Replica, volume *Volume) bool {
	if len(replicas) == 0 || len(replicas) != volume.Spec.NumberOfReplicas {
		return false
	}
	for _, replica := range replicas {
		spec := &replica.Spec
		if replica.DeletionTimestamp != nil || replica.Status.CurrentState != lhv1.InstanceStateRunning || spec.DesireState != lhv1.InstanceStateRunning ||
			!spec.Active || Text(spec.HealthyAt) == "" || Text(spec.FailedAt) != "" || spec.EvictionRequested {
			return false
		}
	}
	return true
}

// isAttachedOrdinarily tells whether a volume is attached by its workload's one CSI ticket, and by nobody else.
func (s *Snapshot) isAttachedOrdinarily(volume *Volume) bool {
	attachment := s.attachmentOfVolume[volume.Name]
	if attachment == nil || attachment.DeletionTimestamp != nil || len(attachment.Spec.AttachmentTickets) != 1 {
		return false
	}
	for id, ticket := range attachment.Spec.AttachmentTickets.All() {
		if ticket == nil || ticket.Type != lhv1.AttacherTypeCSIAttacher || ticket.NodeID != volume.Status.CurrentNodeID {
			return false
		}
		if status, _ := attachment.Status.AttachmentTicketStatuses.Get(id); status == nil || !status.Satisfied {
			return false
		}
	}
	name := Text(volume.Status.KubernetesStatus.PVName)
	if name == "" {
		name = volume.Name
	}
	kubernetes := s.attachmentsOfPV.of(name)
	return len(kubernetes) == 1 && kubernetes[0].DeletionTimestamp == nil && kubernetes[0].Spec.NodeName == volume.Status.CurrentNodeID
}
