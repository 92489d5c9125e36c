package cluster

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The kinds of Harvester's backups and add-ons with the fields that checks read; the source is harvester/harvester,
// pkg/apis/harvesterhci.io/v1beta1 (backup.go, schedulebackup.go, addon.go).

// VirtualMachineBackup is virtualmachinebackups.harvesterhci.io: a backup or a snapshot of a virtual machine. Status is nil until the controller has seen it.
//
// +kubebuilder:object:root=true
type VirtualMachineBackup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              VirtualMachineBackupSpec    `json:"spec,omitempty"`
	Status            *VirtualMachineBackupStatus `json:"status,omitempty"`
}

// VirtualMachineBackupSpec names the virtual machine; Type is "backup" or "snapshot".
//
// +kubebuilder:object:generate=true
type VirtualMachineBackupSpec struct {
	Source ObjectReference `json:"source"`
	Type   string          `json:"type,omitempty"`
}

// ObjectReference names an object of the same namespace.
//
// +kubebuilder:object:generate=true
type ObjectReference struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// VirtualMachineBackupStatus tells whether the backup is complete. Progress is a percentage; Error is the last one, nil for none.
//
// +kubebuilder:object:generate=true
type VirtualMachineBackupStatus struct {
	VolumeBackups []VolumeBackup    `json:"volumeBackups,omitempty"`
	ReadyToUse    *bool             `json:"readyToUse,omitempty"`
	Progress      int               `json:"progress,omitempty"`
	Error         *BackupError      `json:"error,omitempty"`
	Conditions    []StatusCondition `json:"conditions,omitempty"`
}

// VolumeBackup is the part of a backup that is of one volume. LonghornBackupName is empty for a snapshot, and until Longhorn has begun.
//
// +kubebuilder:object:generate=true
type VolumeBackup struct {
	VolumeName         string `json:"volumeName"`
	LonghornBackupName string `json:"longhornBackupName,omitempty"`
}

// BackupError is the last error of a backup.
//
// +kubebuilder:object:generate=true
type BackupError struct {
	Message *string `json:"message,omitempty"`
}

// VirtualMachineBackupList is a list of VirtualMachineBackups.
//
// +kubebuilder:object:root=true
type VirtualMachineBackupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachineBackup `json:"items"`
}

// VirtualMachineRestore is virtualmachinerestores.harvesterhci.io: the wish to restore a virtual machine. Status is nil until the controller has seen it.
//
// +kubebuilder:object:root=true
type VirtualMachineRestore struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              VirtualMachineRestoreSpec    `json:"spec,omitempty"`
	Status            *VirtualMachineRestoreStatus `json:"status,omitempty"`
}

// VirtualMachineRestoreSpec names the virtual machine and the backup that it is restored from.
//
// +kubebuilder:object:generate=true
type VirtualMachineRestoreSpec struct {
	Target                   ObjectReference `json:"target"`
	VirtualMachineBackupName string          `json:"virtualMachineBackupName"`
}

// VirtualMachineRestoreStatus tells whether the restore is complete; Progress is a percentage.
//
// +kubebuilder:object:generate=true
type VirtualMachineRestoreStatus struct {
	VolumeRestores []VolumeRestore   `json:"restores,omitempty"`
	Complete       *bool             `json:"complete,omitempty"`
	Progress       int               `json:"progress,omitempty"`
	Conditions     []StatusCondition `json:"conditions,omitempty"`
}

// VolumeRestore is the part of a restore that makes one claim.
//
// +kubebuilder:object:generate=true
type VolumeRestore struct {
	PersistentVolumeClaim RestoredClaim `json:"persistentVolumeClaimSpec,omitempty"`
}

// RestoredClaim names a claim that a restore makes.
//
// +kubebuilder:object:generate=true
type RestoredClaim struct {
	Metadata ClaimName `json:"metadata,omitempty"`
}

// ClaimName is a claim's namespace and name.
//
// +kubebuilder:object:generate=true
type ClaimName struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// VirtualMachineRestoreList is a list of VirtualMachineRestores.
//
// +kubebuilder:object:root=true
type VirtualMachineRestoreList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachineRestore `json:"items"`
}

// ScheduleVMBackup is schedulevmbackups.harvesterhci.io: backups of a virtual machine by a cron schedule.
//
// +kubebuilder:object:root=true
type ScheduleVMBackup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ScheduleVMBackupSpec   `json:"spec,omitempty"`
	Status            ScheduleVMBackupStatus `json:"status,omitempty"`
}

// ScheduleVMBackupSpec holds the schedule. Suspend is the wish to stop it.
//
// +kubebuilder:object:generate=true
type ScheduleVMBackupSpec struct {
	Cron     string                   `json:"cron"`
	Suspend  bool                     `json:"suspend"`
	VMBackup VirtualMachineBackupSpec `json:"vmbackup"`
}

// ScheduleVMBackupStatus tells whether the schedule is stopped, by wish or after too many failures.
//
// +kubebuilder:object:generate=true
type ScheduleVMBackupStatus struct {
	Suspended  bool              `json:"suspended,omitempty"`
	Failure    int               `json:"failure,omitempty"`
	Conditions []StatusCondition `json:"conditions,omitempty"`
}

// ScheduleVMBackupList is a list of ScheduleVMBackups.
//
// +kubebuilder:object:root=true
type ScheduleVMBackupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ScheduleVMBackup `json:"items"`
}

// Addon is addons.harvesterhci.io: a part of Harvester that can be switched on and off.
//
// +kubebuilder:object:root=true
type Addon struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              AddonSpec   `json:"spec,omitempty"`
	Status            AddonStatus `json:"status,omitempty"`
}

// AddonSpec tells whether the add-on shall run.
//
// +kubebuilder:object:generate=true
type AddonSpec struct {
	Enabled bool   `json:"enabled"`
	Chart   string `json:"chart,omitempty"`
	Version string `json:"version,omitempty"`
}

// AddonStatus holds the state: AddonDeploySuccessful, AddonDisabled, empty, or one that is between states.
//
// +kubebuilder:object:generate=true
type AddonStatus struct {
	Status     string            `json:"status,omitempty"`
	Conditions []StatusCondition `json:"conditions,omitempty"`
}

// AddonList is a list of Addons.
//
// +kubebuilder:object:root=true
type AddonList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Addon `json:"items"`
}
