package cluster

import (
	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func longhorn(kind string) schema.GroupVersionKind { return lhv1.SchemeGroupVersion.WithKind(kind) }

// inLonghorn is the namespace of all of Longhorn's objects: its manager looks into no other.
func inLonghorn() []string { return []string{"longhorn-system"} }

// longhornKinds are the rows of Longhorn's kinds; its own Go types, pinned.
func longhornKinds() []Resource {
	return []Resource{
		row(Resource{Kind: Volumes, GVK: longhorn("Volume"), Plural: "volumes", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.VolumeList{} }, keepVolume,
			func(s *Snapshot, items []*lhv1.Volume) { s.volumes = indexByName(items) }),
		row(Resource{Kind: Engines, GVK: longhorn("Engine"), Plural: "engines", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.EngineList{} }, keepEngine,
			func(s *Snapshot, items []*lhv1.Engine) { s.engines = indexByName(items) }),
		row(Resource{Kind: Replicas, GVK: longhorn("Replica"), Plural: "replicas", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.ReplicaList{} }, keepReplica,
			func(s *Snapshot, items []*lhv1.Replica) { s.replicas = items }),
		row(Resource{Kind: InstanceManagers, GVK: longhorn("InstanceManager"), Plural: "instancemanagers", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.InstanceManagerList{} }, keepInstanceManager,
			func(s *Snapshot, items []*lhv1.InstanceManager) { s.instanceManagers = indexByName(items) }),
		row(Resource{Kind: Attachments, GVK: longhorn("VolumeAttachment"), Plural: "volumeattachments", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.VolumeAttachmentList{} }, keepAttachment,
			func(s *Snapshot, items []*lhv1.VolumeAttachment) { s.attachments = items }),
		row(Resource{Kind: LonghornSnapshots, GVK: longhorn("Snapshot"), Plural: "snapshots", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.SnapshotList{} }, keepLonghornSnapshot,
			func(s *Snapshot, items []*lhv1.Snapshot) { s.longhornSnapshots = items }),
		row(Resource{Kind: LonghornSettings, GVK: longhorn("Setting"), Plural: "settings", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.SettingList{} }, keepLonghornSetting,
			func(s *Snapshot, items []*lhv1.Setting) { s.longhornSettings = indexByName(items) }),
		row(Resource{Kind: LonghornNodes, GVK: longhorn("Node"), Plural: "nodes", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.NodeList{} }, keepLonghornNode,
			func(s *Snapshot, items []*lhv1.Node) { s.longhornNodes = indexByName(items) }),
		row(Resource{Kind: Orphans, GVK: longhorn("Orphan"), Plural: "orphans", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.OrphanList{} }, keepOrphan,
			func(s *Snapshot, items []*lhv1.Orphan) { s.orphans = items }),
		row(Resource{Kind: EngineImages, GVK: longhorn("EngineImage"), Plural: "engineimages", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.EngineImageList{} }, keepEngineImage,
			func(s *Snapshot, items []*lhv1.EngineImage) { s.engineImages = items }),
		row(Resource{Kind: BackingImages, GVK: longhorn("BackingImage"), Plural: "backingimages", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.BackingImageList{} }, keepBackingImage,
			func(s *Snapshot, items []*lhv1.BackingImage) { s.backingImages = indexByName(items) }),
		row(Resource{Kind: Backups, GVK: longhorn("Backup"), Plural: "backups", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.BackupList{} }, keepBackup,
			func(s *Snapshot, items []*lhv1.Backup) { s.backups = items }),
		row(Resource{Kind: RecurringJobs, GVK: longhorn("RecurringJob"), Plural: "recurringjobs", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.RecurringJobList{} }, keepRecurringJob,
			func(s *Snapshot, items []*lhv1.RecurringJob) { s.recurringJobs = items }),
	}
}

// keepVolume keeps the labels, which say what recurring jobs the volume has.
func keepVolume(from, to *lhv1.Volume) {
	to.UID, to.OwnerReferences = "", nil
	to.Spec.Size = from.Spec.Size
	to.Spec.NodeID = from.Spec.NodeID
	to.Spec.MigrationNodeID = from.Spec.MigrationNodeID
	to.Spec.AccessMode = from.Spec.AccessMode
	to.Spec.Migratable = from.Spec.Migratable
	to.Spec.DataLocality = from.Spec.DataLocality
	to.Spec.NumberOfReplicas = from.Spec.NumberOfReplicas
	to.Spec.ReplicaSoftAntiAffinity = from.Spec.ReplicaSoftAntiAffinity
	to.Spec.SnapshotMaxCount = from.Spec.SnapshotMaxCount
	to.Spec.SnapshotMaxSize = from.Spec.SnapshotMaxSize
	to.Status.State = from.Status.State
	to.Status.Robustness = from.Status.Robustness
	to.Status.CurrentNodeID = from.Status.CurrentNodeID
	to.Status.CurrentMigrationNodeID = from.Status.CurrentMigrationNodeID
	to.Status.Conditions = from.Status.Conditions
	to.Status.ExpansionRequired = from.Status.ExpansionRequired
	to.Status.LastDegradedAt = from.Status.LastDegradedAt
	to.Status.KubernetesStatus.PVName = from.Status.KubernetesStatus.PVName
	to.Status.KubernetesStatus.Namespace = from.Status.KubernetesStatus.Namespace
	to.Status.KubernetesStatus.PVCName = from.Status.KubernetesStatus.PVCName
	for _, workload := range from.Status.KubernetesStatus.WorkloadsStatus {
		to.Status.KubernetesStatus.WorkloadsStatus = append(to.Status.KubernetesStatus.WorkloadsStatus,
			lhv1.WorkloadStatus{PodName: workload.PodName, PodStatus: workload.PodStatus})
	}
	to.Status.KubernetesStatus.LastPodRefAt = from.Status.KubernetesStatus.LastPodRefAt
	to.Spec.Image = from.Spec.Image
	to.Spec.BackingImage = from.Spec.BackingImage
	to.Spec.DiskSelector = from.Spec.DiskSelector
	to.Spec.NodeSelector = from.Spec.NodeSelector
	to.Spec.StaleReplicaTimeout = from.Spec.StaleReplicaTimeout
	to.Status.ActualSize = from.Status.ActualSize
	to.Spec.DataEngine = from.Spec.DataEngine
	to.Status.CurrentImage = from.Status.CurrentImage
	to.Status.RestoreRequired = from.Status.RestoreRequired
	to.Status.CloneStatus.State = from.Status.CloneStatus.State
	to.Status.CloneStatus.SourceVolume = from.Status.CloneStatus.SourceVolume
	to.Status.ShareState = from.Status.ShareState
	to.Status.IsStandby = from.Status.IsStandby
}

// keepVolumeName keeps of an engine's or a replica's labels the one with its volume's name, where its specification names none.
func keepVolumeName(to client.Object, specified string) {
	labels := to.GetLabels()
	dropMarks(to)
	if Text(specified) == "" {
		to.SetLabels(only(labels, []string{LabelVolume}))
	}
}

func keepEngine(from, to *lhv1.Engine) {
	keepVolumeName(to, from.Spec.VolumeName)
	to.Spec.VolumeName = from.Spec.VolumeName
	to.Spec.NodeID = from.Spec.NodeID
	to.Spec.DesireState = from.Spec.DesireState
	to.Spec.Active = from.Spec.Active
	if !isRoutine(from) {
		to.Spec.ReplicaAddressMap = from.Spec.ReplicaAddressMap
	}
	to.Spec.Image = from.Spec.Image
	to.Status.CurrentState = from.Status.CurrentState
	to.Status.InstanceManagerName = from.Status.InstanceManagerName
	to.Status.CurrentSize = from.Status.CurrentSize
	to.Status.ReplicaModeMap = from.Status.ReplicaModeMap
	to.Status.PurgeStatus = from.Status.PurgeStatus
	to.Status.RebuildStatus = from.Status.RebuildStatus
	to.Status.RestoreStatus = from.Status.RestoreStatus
	to.Status.CloneStatus = from.Status.CloneStatus
	to.Status.SnapshotsError = from.Status.SnapshotsError
	to.Status.IsExpanding = from.Status.IsExpanding
	to.Status.LastExpansionError = from.Status.LastExpansionError
	to.Status.Snapshots = keepEach(from.Status.Snapshots, func(info *lhv1.SnapshotInfo) *lhv1.SnapshotInfo {
		return &lhv1.SnapshotInfo{Removed: info.Removed, Size: info.Size}
	})
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

func keepReplica(from, to *lhv1.Replica) {
	keepVolumeName(to, from.Spec.VolumeName)
	to.Spec.VolumeName = from.Spec.VolumeName
	to.Spec.NodeID = from.Spec.NodeID
	to.Spec.DesireState = from.Spec.DesireState
	to.Spec.EngineName = from.Spec.EngineName
	to.Spec.HealthyAt = from.Spec.HealthyAt
	to.Spec.FailedAt = from.Spec.FailedAt
	to.Spec.Active = from.Spec.Active
	to.Spec.LastFailedAt = from.Spec.LastFailedAt
	to.Spec.DiskID = from.Spec.DiskID
	to.Spec.RebuildRetryCount = from.Spec.RebuildRetryCount
	to.Spec.EvictionRequested = from.Spec.EvictionRequested
	to.Spec.Image = from.Spec.Image
	to.Spec.DataEngine = from.Spec.DataEngine
	to.Status.CurrentState = from.Status.CurrentState
	to.Status.InstanceManagerName = from.Status.InstanceManagerName
}

func keepInstanceManager(from, to *lhv1.InstanceManager) {
	to.Spec.NodeID = from.Spec.NodeID
	to.Spec.Type = from.Spec.Type
	to.Spec.Image = from.Spec.Image
	to.Spec.DataEngine = from.Spec.DataEngine
	to.Status.CurrentState = from.Status.CurrentState
	to.Status.InstanceEngines = keepProcesses(from.Status.InstanceEngines)
	to.Status.InstanceReplicas = keepProcesses(from.Status.InstanceReplicas)
	//lint:ignore SA1019 Longhorn up to 1.4 lists engines only here
	to.Status.Instances = keepProcesses(from.Status.Instances)
}

func keepProcesses(from map[string]lhv1.InstanceProcess) map[string]lhv1.InstanceProcess {
	if from == nil {
		return nil
	}
	to := make(map[string]lhv1.InstanceProcess, len(from))
	for name, process := range from {
		to[name] = lhv1.InstanceProcess{Status: lhv1.InstanceProcessStatus{State: process.Status.State, Type: process.Status.Type}}
	}
	return to
}

// keepAttachment keeps of each ticket who holds the volume where, and since when.
func keepAttachment(from, to *lhv1.VolumeAttachment) {
	dropMarks(to)
	to.Spec.Volume = from.Spec.Volume
	to.Spec.AttachmentTickets = keepEach(from.Spec.AttachmentTickets, func(ticket *lhv1.AttachmentTicket) *lhv1.AttachmentTicket {
		return &lhv1.AttachmentTicket{Type: ticket.Type, NodeID: ticket.NodeID}
	})
	to.Status.AttachmentTicketStatuses = keepEach(from.Status.AttachmentTicketStatuses, func(status *lhv1.AttachmentTicketStatus) *lhv1.AttachmentTicketStatus {
		return &lhv1.AttachmentTicketStatus{Satisfied: status.Satisfied, Conditions: status.Conditions}
	})
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

func keepLonghornSnapshot(from, to *lhv1.Snapshot) {
	dropMarks(to)
	to.Spec.Volume = from.Spec.Volume
	to.Status.OwnerID = from.Status.OwnerID
	to.Status.MarkRemoved = from.Status.MarkRemoved
	to.Status.Error = from.Status.Error
	to.Status.ReadyToUse = from.Status.ReadyToUse
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
