package cluster

import lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

// keepVolume keeps the labels, which say what recurring jobs the volume has.
func keepVolume(from *lhv1.Volume) *Volume {
	to := &Volume{Identity: identityOf(from)}
	to.Labels = from.Labels
	spec, status := &from.Spec, &from.Status
	to.Spec = VolumeSpec{
		NodeID: spec.NodeID, MigrationNodeID: spec.MigrationNodeID, AccessMode: spec.AccessMode, DataLocality: spec.DataLocality,
		ReplicaSoftAntiAffinity: spec.ReplicaSoftAntiAffinity, Image: spec.Image, BackingImage: spec.BackingImage, DataEngine: spec.DataEngine,
		DiskSelector: spec.DiskSelector, NodeSelector: spec.NodeSelector, Size: spec.Size, NumberOfReplicas: spec.NumberOfReplicas,
		StaleReplicaTimeout: spec.StaleReplicaTimeout, SnapshotMaxCount: spec.SnapshotMaxCount, SnapshotMaxSize: spec.SnapshotMaxSize,
		Migratable: spec.Migratable,
	}
	to.Status = VolumeStatus{
		State: status.State, Robustness: status.Robustness, CurrentNodeID: status.CurrentNodeID,
		CurrentMigrationNodeID: status.CurrentMigrationNodeID, CurrentImage: status.CurrentImage, LastDegradedAt: status.LastDegradedAt,
		ShareState: status.ShareState, KubernetesStatus: keepKubernetesStatus(&status.KubernetesStatus),
		CloneStatus: CloneStatus{SourceVolume: status.CloneStatus.SourceVolume, State: status.CloneStatus.State},
		Conditions:  status.Conditions, ActualSize: status.ActualSize, ExpansionRequired: status.ExpansionRequired,
		RestoreRequired: status.RestoreRequired, IsStandby: status.IsStandby,
	}
	return to
}

func keepKubernetesStatus(from *lhv1.KubernetesStatus) KubernetesStatus {
	to := KubernetesStatus{PVName: from.PVName, Namespace: from.Namespace, PVCName: from.PVCName, LastPodRefAt: from.LastPodRefAt}
	for _, workload := range from.WorkloadsStatus {
		to.WorkloadsStatus = append(to.WorkloadsStatus, WorkloadStatus{PodName: workload.PodName, PodStatus: workload.PodStatus})
	}
	return to
}

// volumeLabel returns of an engine's or a replica's labels the one with its volume's name, where its specification names none.
func volumeLabel(labels map[string]string, specified string) map[string]string {
	if Text(specified) != "" {
		return nil
	}
	return only(labels, []string{LabelVolume})
}

func keepInstanceSpec(from *lhv1.InstanceSpec) InstanceSpec {
	return InstanceSpec{VolumeName: from.VolumeName, NodeID: from.NodeID, Image: from.Image, DesireState: from.DesireState, DataEngine: from.DataEngine}
}

func keepInstanceStatus(from *lhv1.InstanceStatus) InstanceStatus {
	return InstanceStatus{InstanceManagerName: from.InstanceManagerName, CurrentState: from.CurrentState}
}

func keepEngine(from *lhv1.Engine) *Engine {
	to := &Engine{Identity: identityOf(from)}
	to.Labels = volumeLabel(from.Labels, from.Spec.VolumeName)
	to.Spec = EngineSpec{InstanceSpec: keepInstanceSpec(&from.Spec.InstanceSpec), Active: from.Spec.Active}
	if !isRoutine(from) {
		to.Spec.ReplicaAddressMap = tableOf(from.Spec.ReplicaAddressMap, asIs)
	}
	status := &from.Status
	to.Status = EngineStatus{
		InstanceStatus: keepInstanceStatus(&status.InstanceStatus),
		ReplicaModeMap: tableOf(status.ReplicaModeMap, asIs), Snapshots: tableOf(status.Snapshots, ifSet(keepSnapshotInfo)),
		PurgeStatus: status.PurgeStatus, RebuildStatus: status.RebuildStatus, RestoreStatus: status.RestoreStatus, CloneStatus: status.CloneStatus,
		SnapshotsError: status.SnapshotsError, LastExpansionError: status.LastExpansionError,
		CurrentSize: status.CurrentSize, IsExpanding: status.IsExpanding,
	}
	return to
}

func keepSnapshotInfo(from *lhv1.SnapshotInfo) *SnapshotInfo {
	return &SnapshotInfo{Size: from.Size, Removed: from.Removed}
}

// isRoutine tells whether an engine's map of addresses says nothing that its map of modes does not: it has the same replicas, and
// nothing else refers to one by its address.
func isRoutine(engine *lhv1.Engine) bool {
	status := &engine.Status
	if len(engine.Spec.ReplicaAddressMap) != len(status.ReplicaModeMap) ||
		len(status.RebuildStatus)+len(status.PurgeStatus)+len(status.RestoreStatus)+len(status.CloneStatus) > 0 {
		return false
	}
	for name := range engine.Spec.ReplicaAddressMap {
		if _, listed := status.ReplicaModeMap[name]; !listed {
			return false
		}
	}
	return true
}

func keepReplica(from *lhv1.Replica) *Replica {
	to := &Replica{Identity: identityOf(from)}
	to.Labels = volumeLabel(from.Labels, from.Spec.VolumeName)
	spec := &from.Spec
	to.Spec = ReplicaSpec{
		InstanceSpec: keepInstanceSpec(&spec.InstanceSpec), EngineName: spec.EngineName,
		HealthyAt: spec.HealthyAt, FailedAt: spec.FailedAt, LastFailedAt: spec.LastFailedAt, DiskID: spec.DiskID,
		RebuildRetryCount: spec.RebuildRetryCount, Active: spec.Active, EvictionRequested: spec.EvictionRequested,
	}
	to.Status = ReplicaStatus{keepInstanceStatus(&from.Status.InstanceStatus)}
	return to
}

func keepInstanceManager(from *lhv1.InstanceManager) *InstanceManager {
	to := &InstanceManager{Identity: identityOf(from)}
	to.Spec = InstanceManagerSpec{Image: from.Spec.Image, NodeID: from.Spec.NodeID, Type: from.Spec.Type, DataEngine: from.Spec.DataEngine}
	to.Status = InstanceManagerStatus{
		CurrentState:    from.Status.CurrentState,
		InstanceEngines: keepProcesses(from.Status.InstanceEngines), InstanceReplicas: keepProcesses(from.Status.InstanceReplicas),
		//lint:ignore SA1019 Longhorn up to 1.4 lists engines only here
		Instances: keepProcesses(from.Status.Instances),
	}
	return to
}

func keepProcesses(from map[string]lhv1.InstanceProcess) Table[InstanceProcess] {
	return tableOf(from, func(process lhv1.InstanceProcess) InstanceProcess {
		return InstanceProcess{InstanceProcessStatus{State: process.Status.State, Type: process.Status.Type}}
	})
}

// keepAttachment keeps of each ticket who holds the volume where, and since when.
func keepAttachment(from *lhv1.VolumeAttachment) *Attachment {
	return &Attachment{
		Identity: identityOf(from),
		Spec:     AttachmentSpec{Volume: from.Spec.Volume, AttachmentTickets: tableOf(from.Spec.AttachmentTickets, ifSet(keepTicket))},
		Status:   AttachmentStatus{AttachmentTicketStatuses: tableOf(from.Status.AttachmentTicketStatuses, ifSet(keepTicketStatus))},
	}
}

func keepTicket(from *lhv1.AttachmentTicket) *lhv1.AttachmentTicket {
	return &lhv1.AttachmentTicket{Type: from.Type, NodeID: from.NodeID}
}

func keepTicketStatus(from *lhv1.AttachmentTicketStatus) *lhv1.AttachmentTicketStatus {
	return &lhv1.AttachmentTicketStatus{Satisfied: from.Satisfied, Conditions: from.Conditions}
}

func keepLonghornSnapshot(from *lhv1.Snapshot) *LonghornSnapshot {
	status := &from.Status
	return &LonghornSnapshot{
		Identity: identityOf(from), Spec: LonghornSnapshotSpec{Volume: from.Spec.Volume},
		Status: LonghornSnapshotStatus{OwnerID: status.OwnerID, Error: status.Error, MarkRemoved: status.MarkRemoved, ReadyToUse: status.ReadyToUse},
	}
}

// keepEach returns the map with a slimmer value in the place of each that is set.
func keepEach[T any](from map[string]*T, keep func(*T) *T) map[string]*T {
	if from == nil {
		return nil
	}
	to := make(map[string]*T, len(from))
	for name, value := range from {
		if value != nil {
			value = keep(value)
		}
		to[name] = value
	}
	return to
}

func keepLonghornSetting(from, to *lhv1.Setting) { to.Value = from.Value }

func keepLonghornNode(from, to *lhv1.Node) {
	to.Spec.AllowScheduling = from.Spec.AllowScheduling
	to.Spec.Tags = from.Spec.Tags
	to.Spec.InstanceManagerCPURequest = from.Spec.InstanceManagerCPURequest
	to.Spec.EvictionRequested = from.Spec.EvictionRequested
	to.Spec.Disks = from.Spec.Disks
	to.Status.Conditions = from.Status.Conditions
	to.Status.DiskStatus = keepEach(from.Status.DiskStatus, func(disk *lhv1.DiskStatus) *lhv1.DiskStatus {
		slim := *disk
		slim.ScheduledReplica, slim.ScheduledBackingImage = nil, nil
		return &slim
	})
}

func keepOrphan(from, to *lhv1.Orphan) {
	to.Spec = from.Spec
	to.Status.Conditions = from.Status.Conditions
}

func keepEngineImage(from, to *lhv1.EngineImage) {
	to.Spec.Image = from.Spec.Image
	to.Status.State = from.Status.State
	to.Status.RefCount = from.Status.RefCount
	to.Status.Incompatible = from.Status.Incompatible
	to.Status.NodeDeploymentMap = from.Status.NodeDeploymentMap
}

func keepBackingImage(from, to *lhv1.BackingImage) {
	to.Spec.DiskFileSpecMap = from.Spec.DiskFileSpecMap
	to.Spec.MinNumberOfCopies = from.Spec.MinNumberOfCopies
	to.Spec.DataEngine = from.Spec.DataEngine
	to.Status.DiskFileStatusMap = from.Status.DiskFileStatusMap
}

func keepBackup(from, to *lhv1.Backup) {
	to.Spec.SnapshotName = from.Spec.SnapshotName
	to.Status.State = from.Status.State
	to.Status.Progress = from.Status.Progress
	to.Status.VolumeName = from.Status.VolumeName
	to.Status.Error = from.Status.Error
}

func keepRecurringJob(from, to *lhv1.RecurringJob) {
	to.Spec.Name = from.Spec.Name
	to.Spec.Groups = from.Spec.Groups
	to.Spec.Task = from.Spec.Task
	to.Spec.Cron = from.Spec.Cron
}
