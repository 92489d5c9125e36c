package cluster

import (
	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
)

// Longhorn's kinds of which a cluster has thousands, with the fields that checks read. They are decoded into Longhorn's own types and then
// copied into these, which take a third of the memory; a field has the name and the place that it has there. See decision 8.

// Volume is volumes.longhorn.io.
//
// +kubebuilder:object:root=true
type Volume struct {
	Identity `json:"metadata"`
	Spec     VolumeSpec   `json:"spec"`
	Status   VolumeStatus `json:"status"`
}

// VolumeSpec is the wanted volume. Sizes are bytes.
//
// +kubebuilder:object:generate=true
type VolumeSpec struct {
	NodeID                  string                       `json:"nodeID"`
	MigrationNodeID         string                       `json:"migrationNodeID"`
	AccessMode              lhv1.AccessMode              `json:"accessMode"`
	DataLocality            lhv1.DataLocality            `json:"dataLocality"`
	ReplicaSoftAntiAffinity lhv1.ReplicaSoftAntiAffinity `json:"replicaSoftAntiAffinity"`
	Image                   string                       `json:"image"`
	BackingImage            string                       `json:"backingImage"`
	DataEngine              lhv1.DataEngineType          `json:"dataEngine"`
	DiskSelector            []string                     `json:"diskSelector"`
	NodeSelector            []string                     `json:"nodeSelector"`
	Size                    int64                        `json:"size,string"`
	NumberOfReplicas        int                          `json:"numberOfReplicas"`
	// StaleReplicaTimeout is in minutes.
	StaleReplicaTimeout int `json:"staleReplicaTimeout"`
	// SnapshotMaxCount and SnapshotMaxSize are 0 where there is no limit.
	SnapshotMaxCount int   `json:"snapshotMaxCount"`
	SnapshotMaxSize  int64 `json:"snapshotMaxSize,string"`
	Migratable       bool  `json:"migratable"`
}

// VolumeStatus is what Longhorn has made of the volume.
//
// +kubebuilder:object:generate=true
type VolumeStatus struct {
	State                  lhv1.VolumeState       `json:"state"`
	Robustness             lhv1.VolumeRobustness  `json:"robustness"`
	CurrentNodeID          string                 `json:"currentNodeID"`
	CurrentMigrationNodeID string                 `json:"currentMigrationNodeID"`
	CurrentImage           string                 `json:"currentImage"`
	LastDegradedAt         string                 `json:"lastDegradedAt"`
	ShareState             lhv1.ShareManagerState `json:"shareState"`
	KubernetesStatus       KubernetesStatus       `json:"kubernetesStatus"`
	CloneStatus            CloneStatus            `json:"cloneStatus"`
	Conditions             []lhv1.Condition       `json:"conditions"`
	// ActualSize is what the snapshots and the head take on a disk, in bytes.
	ActualSize        int64 `json:"actualSize"`
	ExpansionRequired bool  `json:"expansionRequired"`
	RestoreRequired   bool  `json:"restoreRequired"`
	IsStandby         bool  `json:"isStandby"`
}

// KubernetesStatus names the claim and the pods that use a volume.
//
// +kubebuilder:object:generate=true
type KubernetesStatus struct {
	PVName          string           `json:"pvName"`
	Namespace       string           `json:"namespace"`
	PVCName         string           `json:"pvcName"`
	LastPodRefAt    string           `json:"lastPodRefAt"`
	WorkloadsStatus []WorkloadStatus `json:"workloadsStatus"`
}

// WorkloadStatus is a pod that uses a volume, and its phase.
//
// +kubebuilder:object:generate=true
type WorkloadStatus struct {
	PodName   string `json:"podName"`
	PodStatus string `json:"podStatus"`
}

// CloneStatus tells how far a clone is, and of what.
//
// +kubebuilder:object:generate=true
type CloneStatus struct {
	SourceVolume string                `json:"sourceVolume"`
	State        lhv1.VolumeCloneState `json:"state"`
}

// InstanceSpec is what an engine and a replica have in common of what is wanted.
//
// +kubebuilder:object:generate=true
type InstanceSpec struct {
	VolumeName  string              `json:"volumeName"`
	NodeID      string              `json:"nodeID"`
	Image       string              `json:"image"`
	DesireState lhv1.InstanceState  `json:"desireState"`
	DataEngine  lhv1.DataEngineType `json:"dataEngine"`
}

// InstanceStatus is what an engine and a replica have in common of what there is.
//
// +kubebuilder:object:generate=true
type InstanceStatus struct {
	InstanceManagerName string             `json:"instanceManagerName"`
	CurrentState        lhv1.InstanceState `json:"currentState"`
}

// Engine is engines.longhorn.io.
//
// +kubebuilder:object:root=true
type Engine struct {
	Identity `json:"metadata"`
	Spec     EngineSpec   `json:"spec"`
	Status   EngineStatus `json:"status"`
}

// EngineSpec is the wanted engine. ReplicaAddressMap holds addresses by the names of replicas; it is nil where it says nothing that
// ReplicaModeMap does not.
//
// +kubebuilder:object:generate=true
type EngineSpec struct {
	InstanceSpec      `json:",inline"`
	ReplicaAddressMap Table[string] `json:"replicaAddressMap"`
	Active            bool          `json:"active"`
}

// EngineStatus is what the engine reports. ReplicaModeMap holds modes by the names of replicas. What an engine does with its replicas is by
// their addresses.
//
// +kubebuilder:object:generate=true
type EngineStatus struct {
	InstanceStatus     `json:",inline"`
	ReplicaModeMap     Table[lhv1.ReplicaMode]              `json:"replicaModeMap"`
	Snapshots          Table[*SnapshotInfo]                 `json:"snapshots"`
	PurgeStatus        map[string]*lhv1.PurgeStatus         `json:"purgeStatus"`
	RebuildStatus      map[string]*lhv1.RebuildStatus       `json:"rebuildStatus"`
	RestoreStatus      map[string]*lhv1.RestoreStatus       `json:"restoreStatus"`
	CloneStatus        map[string]*lhv1.SnapshotCloneStatus `json:"cloneStatus"`
	SnapshotsError     string                               `json:"snapshotsError"`
	LastExpansionError string                               `json:"lastExpansionError"`
	CurrentSize        int64                                `json:"currentSize,string"`
	IsExpanding        bool                                 `json:"isExpanding"`
}

// SnapshotInfo is a snapshot in an engine's chain. Size is a number of bytes as text.
//
// +kubebuilder:object:generate=true
type SnapshotInfo struct {
	Size    string `json:"size"`
	Removed bool   `json:"removed"`
}

// Replica is replicas.longhorn.io.
//
// +kubebuilder:object:root=true
type Replica struct {
	Identity `json:"metadata"`
	Spec     ReplicaSpec   `json:"spec"`
	Status   ReplicaStatus `json:"status"`
}

// ReplicaSpec is the wanted replica. Times are text, empty where the thing has not happened.
//
// +kubebuilder:object:generate=true
type ReplicaSpec struct {
	InstanceSpec      `json:",inline"`
	EngineName        string `json:"engineName"`
	HealthyAt         string `json:"healthyAt"`
	FailedAt          string `json:"failedAt"`
	LastFailedAt      string `json:"lastFailedAt"`
	DiskID            string `json:"diskID"`
	RebuildRetryCount int    `json:"rebuildRetryCount"`
	Active            bool   `json:"active"`
	EvictionRequested bool   `json:"evictionRequested"`
}

// ReplicaStatus is what Longhorn has made of the replica.
//
// +kubebuilder:object:generate=true
type ReplicaStatus struct {
	InstanceStatus `json:",inline"`
}

// InstanceManager is instancemanagers.longhorn.io.
//
// +kubebuilder:object:root=true
type InstanceManager struct {
	Identity `json:"metadata"`
	Spec     InstanceManagerSpec   `json:"spec"`
	Status   InstanceManagerStatus `json:"status"`
}

// InstanceManagerSpec tells where an instance manager runs what.
//
// +kubebuilder:object:generate=true
type InstanceManagerSpec struct {
	Image      string                   `json:"image"`
	NodeID     string                   `json:"nodeID"`
	Type       lhv1.InstanceManagerType `json:"type"`
	DataEngine lhv1.DataEngineType      `json:"dataEngine"`
}

// InstanceManagerStatus lists the processes by the names of their engines and replicas. Longhorn up to 1.4 lists both in Instances.
//
// +kubebuilder:object:generate=true
type InstanceManagerStatus struct {
	CurrentState     lhv1.InstanceManagerState `json:"currentState"`
	InstanceEngines  Table[InstanceProcess]    `json:"instanceEngines"`
	InstanceReplicas Table[InstanceProcess]    `json:"instanceReplicas"`
	Instances        Table[InstanceProcess]    `json:"instances"`
}

// InstanceProcess is a process of an instance manager.
//
// +kubebuilder:object:generate=true
type InstanceProcess struct {
	Status InstanceProcessStatus `json:"status"`
}

// InstanceProcessStatus tells whether the process runs, and whose it is.
//
// +kubebuilder:object:generate=true
type InstanceProcessStatus struct {
	State lhv1.InstanceState `json:"state"`
	Type  lhv1.InstanceType  `json:"type"`
}

// Attachment is volumeattachments.longhorn.io: who wants a volume to be attached where.
//
// +kubebuilder:object:root=true
type Attachment struct {
	Identity `json:"metadata"`
	Spec     AttachmentSpec   `json:"spec"`
	Status   AttachmentStatus `json:"status"`
}

// AttachmentSpec holds the tickets by their names.
//
// +kubebuilder:object:generate=true
type AttachmentSpec struct {
	Volume            string                        `json:"volume"`
	AttachmentTickets Table[*lhv1.AttachmentTicket] `json:"attachmentTickets"`
}

// AttachmentStatus tells of each ticket whether it is satisfied.
//
// +kubebuilder:object:generate=true
type AttachmentStatus struct {
	AttachmentTicketStatuses Table[*lhv1.AttachmentTicketStatus] `json:"attachmentTicketStatuses"`
}

// LonghornSnapshot is snapshots.longhorn.io.
//
// +kubebuilder:object:root=true
type LonghornSnapshot struct {
	Identity `json:"metadata"`
	Spec     LonghornSnapshotSpec   `json:"spec"`
	Status   LonghornSnapshotStatus `json:"status"`
}

// LonghornSnapshotSpec names the volume.
//
// +kubebuilder:object:generate=true
type LonghornSnapshotSpec struct {
	Volume string `json:"volume"`
}

// LonghornSnapshotStatus tells whether the snapshot can be used.
//
// +kubebuilder:object:generate=true
type LonghornSnapshotStatus struct {
	OwnerID     string `json:"ownerID"`
	Error       string `json:"error"`
	MarkRemoved bool   `json:"markRemoved"`
	ReadyToUse  bool   `json:"readyToUse"`
}
