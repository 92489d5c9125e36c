package cluster

import (
	"fmt"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The functions below copy the fields that checks read, so that the watch cache holds nothing else. A check that reads
// a field not kept here behaves differently on the cache than on a live read; a test runs every fixture both ways.

// keptAnnotations are the only annotations that checks read.
func keptAnnotations() []string {
	return []string{
		AnnotationMigrationUID, AnnotationMigrationState, AnnotationMachine, AnnotationNTPService,
	}
}

// keepIdentity copies what names an object and dates it. Managed fields, the last applied configuration and every
// other annotation stay behind.
func keepIdentity(from, to client.Object) {
	to.SetName(from.GetName())
	to.SetNamespace(from.GetNamespace())
	to.SetUID(from.GetUID())
	to.SetResourceVersion(from.GetResourceVersion())
	to.SetGeneration(from.GetGeneration())
	to.SetCreationTimestamp(from.GetCreationTimestamp())
	to.SetDeletionTimestamp(from.GetDeletionTimestamp())
	to.SetLabels(from.GetLabels())
	to.SetOwnerReferences(from.GetOwnerReferences())
	var kept map[string]string
	for _, name := range keptAnnotations() {
		if value, ok := from.GetAnnotations()[name]; ok {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[name] = value
		}
	}
	to.SetAnnotations(kept)
}

// Trim removes from an object every field that no check reads. It is the watch cache's transform.
func (r Resource) Trim(object any) (any, error) {
	o, ok := object.(client.Object)
	if !ok {
		return object, nil
	}
	if o.GetName() == "" && o.GetResourceVersion() == "" {
		return nil, fmt.Errorf("trim %s: an object without a name", r.Kind)
	}
	r.trim(o)
	return o, nil
}

func keepNode(from, to *corev1.Node) {
	to.Spec.Unschedulable = from.Spec.Unschedulable
	to.Spec.Taints = from.Spec.Taints
	to.Status.Conditions = from.Status.Conditions
	to.Status.Addresses = from.Status.Addresses
	to.Status.DaemonEndpoints = from.Status.DaemonEndpoints
	to.Status.NodeInfo.KubeletVersion = from.Status.NodeInfo.KubeletVersion
}

func keepLauncherPod(from, to *corev1.Pod) {
	to.Spec.NodeName = from.Spec.NodeName
	to.Status.Phase = from.Status.Phase
}

func keepEvent(from, to *corev1.Event) {
	to.InvolvedObject = from.InvolvedObject
	to.Reason = from.Reason
	to.Type = from.Type
	to.Message = from.Message
	to.Count = from.Count
	to.FirstTimestamp = from.FirstTimestamp
	to.LastTimestamp = from.LastTimestamp
	to.EventTime = from.EventTime
	to.Series = from.Series
}

func keepDisruptionBudget(_, _ *policyv1.PodDisruptionBudget) {}

func keepVolumeAttachment(from, to *storagev1.VolumeAttachment) {
	to.Spec.NodeName = from.Spec.NodeName
	to.Spec.Attacher = from.Spec.Attacher
	to.Spec.Source.PersistentVolumeName = from.Spec.Source.PersistentVolumeName
	to.Status.Attached = from.Status.Attached
}

func keepVMI(from, to *kubevirtv1.VirtualMachineInstance) {
	for _, volume := range from.Spec.Volumes {
		if claimOf(volume) != "" {
			to.Spec.Volumes = append(to.Spec.Volumes, volume)
		}
	}
	to.Status.NodeName = from.Status.NodeName
	to.Status.Phase = from.Status.Phase
	to.Status.Conditions = from.Status.Conditions
	to.Status.MigrationState = from.Status.MigrationState
	to.Status.EvacuationNodeName = from.Status.EvacuationNodeName
	to.Status.ActivePods = from.Status.ActivePods
}

func keepMigration(from, to *kubevirtv1.VirtualMachineInstanceMigration) {
	to.Spec.VMIName = from.Spec.VMIName
	to.Status.Phase = from.Status.Phase
	to.Status.PhaseTransitionTimestamps = from.Status.PhaseTransitionTimestamps
}

func keepVolume(from, to *lhv1.Volume) {
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
}

func keepEngine(from, to *lhv1.Engine) {
	to.Spec.VolumeName = from.Spec.VolumeName
	to.Spec.NodeID = from.Spec.NodeID
	to.Spec.DesireState = from.Spec.DesireState
	to.Spec.Active = from.Spec.Active
	to.Spec.ReplicaAddressMap = from.Spec.ReplicaAddressMap
	to.Status.CurrentState = from.Status.CurrentState
	to.Status.InstanceManagerName = from.Status.InstanceManagerName
	to.Status.CurrentSize = from.Status.CurrentSize
	to.Status.ReplicaModeMap = from.Status.ReplicaModeMap
	to.Status.PurgeStatus = from.Status.PurgeStatus
	to.Status.RebuildStatus = from.Status.RebuildStatus
	to.Status.SnapshotsError = from.Status.SnapshotsError
	to.Status.IsExpanding = from.Status.IsExpanding
	to.Status.LastExpansionError = from.Status.LastExpansionError
	if from.Status.Snapshots == nil {
		return
	}
	to.Status.Snapshots = make(map[string]*lhv1.SnapshotInfo, len(from.Status.Snapshots))
	for name, info := range from.Status.Snapshots {
		if info == nil {
			to.Status.Snapshots[name] = nil
			continue
		}
		to.Status.Snapshots[name] = &lhv1.SnapshotInfo{Removed: info.Removed, Size: info.Size}
	}
}

func keepReplica(from, to *lhv1.Replica) {
	to.Spec.VolumeName = from.Spec.VolumeName
	to.Spec.NodeID = from.Spec.NodeID
	to.Spec.DesireState = from.Spec.DesireState
	to.Spec.EngineName = from.Spec.EngineName
	to.Spec.HealthyAt = from.Spec.HealthyAt
	to.Spec.FailedAt = from.Spec.FailedAt
	to.Spec.Active = from.Spec.Active
	to.Status.CurrentState = from.Status.CurrentState
	to.Status.InstanceManagerName = from.Status.InstanceManagerName
}

func keepInstanceManager(from, to *lhv1.InstanceManager) {
	to.Spec.NodeID = from.Spec.NodeID
	to.Spec.Type = from.Spec.Type
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

func keepAttachment(from, to *lhv1.VolumeAttachment) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepLonghornSnapshot(from, to *lhv1.Snapshot) {
	to.Spec.Volume = from.Spec.Volume
	to.Status.OwnerID = from.Status.OwnerID
	to.Status.MarkRemoved = from.Status.MarkRemoved
	to.Status.Error = from.Status.Error
	to.Status.ReadyToUse = from.Status.ReadyToUse
}

func keepLonghornSetting(from, to *lhv1.Setting) { to.Value = from.Value }

func keepLonghornNode(from, to *lhv1.Node) {
	to.Spec.AllowScheduling = from.Spec.AllowScheduling
	to.Spec.Disks = from.Spec.Disks
	to.Status.Conditions = from.Status.Conditions
	for name, disk := range from.Status.DiskStatus {
		if to.Status.DiskStatus == nil {
			to.Status.DiskStatus = make(map[string]*lhv1.DiskStatus, len(from.Status.DiskStatus))
		}
		if disk == nil {
			to.Status.DiskStatus[name] = nil
			continue
		}
		slim := *disk
		slim.ScheduledReplica, slim.ScheduledBackingImage = nil, nil
		to.Status.DiskStatus[name] = &slim
	}
}

func keepOrphan(from, to *lhv1.Orphan) {
	to.Spec = from.Spec
	to.Status.Conditions = from.Status.Conditions
}

func keepUpgrade(from, to *Upgrade) {
	to.Spec = from.Spec
	to.Status = from.Status
	to.Annotations = from.Annotations
	delete(to.Annotations, "kubectl.kubernetes.io/last-applied-configuration")
}

func keepVersion(from, to *Version) { to.Spec = from.Spec }

func keepSetting(from, to *Setting) {
	to.Value = from.Value
	to.Default = from.Default
}

func keepVirtualMachineImage(from, to *VirtualMachineImage) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepUpgradePlan(from, to *UpgradePlan) {
	to.Spec = from.Spec
	to.Status = from.Status
}
