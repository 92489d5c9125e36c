package cluster

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func kubevirt(kind string) schema.GroupVersionKind { return kubevirtv1.GroupVersion.WithKind(kind) }

// kubevirtKinds are the rows of KubeVirt's kinds, its own Go types, pinned; and of CDI's, which is KubeVirt's image importer.
func kubevirtKinds() []Resource {
	return []Resource{
		row(Resource{Kind: VirtualMachines, GVK: kubevirt("VirtualMachine"), Plural: "virtualmachines", Namespaced: true},
			func() client.ObjectList { return &kubevirtv1.VirtualMachineList{} }, keepVirtualMachine,
			func(s *Snapshot, items []*kubevirtv1.VirtualMachine) { s.virtualMachines = indexByName(items) }),
		row(Resource{Kind: VMIs, GVK: kubevirt("VirtualMachineInstance"), Plural: "virtualmachineinstances", Namespaced: true},
			func() client.ObjectList { return &kubevirtv1.VirtualMachineInstanceList{} }, keepVMI,
			func(s *Snapshot, items []*kubevirtv1.VirtualMachineInstance) { s.vmis = indexByName(items) }),
		row(Resource{Kind: Migrations, GVK: kubevirt("VirtualMachineInstanceMigration"), Plural: "virtualmachineinstancemigrations", Namespaced: true},
			func() client.ObjectList { return &kubevirtv1.VirtualMachineInstanceMigrationList{} }, keepMigration,
			func(s *Snapshot, items []*kubevirtv1.VirtualMachineInstanceMigration) { s.migrations = items }),
		row(Resource{Kind: KubeVirts, GVK: kubevirt("KubeVirt"), Plural: "kubevirts", Namespaced: true, Home: []string{HarvesterNamespace}},
			func() client.ObjectList { return &kubevirtv1.KubeVirtList{} }, keepKubeVirt,
			func(s *Snapshot, items []*kubevirtv1.KubeVirt) { s.kubevirts = items }),
		row(Resource{Kind: CDIs, GVK: cdi("CDI"), Plural: "cdis", Optional: "CDI, KubeVirt's image importer,"},
			func() client.ObjectList { return &CDIList{} }, keepCDI,
			func(s *Snapshot, items []*CDI) { s.cdis = items }),
	}
}

// keepVirtualMachine leaves out nearly all of the template, which is as large as the VMI itself.
func keepVirtualMachine(from, to *kubevirtv1.VirtualMachine) {
	onlyLabels(to, LabelUpgrade)
	to.Spec.RunStrategy = from.Spec.RunStrategy
	to.Spec.Running = from.Spec.Running
	to.Status.PrintableStatus = from.Status.PrintableStatus
	to.Status.Created = from.Status.Created
	to.Status.Ready = from.Status.Ready
	to.Status.VolumeRequests = from.Status.VolumeRequests
	if from.Spec.Template == nil {
		return
	}
	to.Spec.Template = &kubevirtv1.VirtualMachineInstanceTemplateSpec{}
	to.Spec.Template.Spec.NodeSelector = from.Spec.Template.Spec.NodeSelector
	to.Spec.Template.Spec.EvictionStrategy = from.Spec.Template.Spec.EvictionStrategy
	for _, volume := range from.Spec.Template.Spec.Volumes {
		to.Spec.Template.Spec.Volumes = append(to.Spec.Template.Spec.Volumes, kubevirtv1.Volume{Name: volume.Name})
	}
}

func keepVMI(from, to *kubevirtv1.VirtualMachineInstance) {
	onlyLabels(to, LabelUpgrade, kubevirtv1.NodeNameLabel)
	for _, volume := range from.Spec.Volumes {
		if kept, ok := keepVMVolume(volume); ok {
			to.Spec.Volumes = append(to.Spec.Volumes, kept)
		}
	}
	for _, disk := range from.Spec.Domain.Devices.Disks {
		if disk.CDRom != nil {
			to.Spec.Domain.Devices.Disks = append(to.Spec.Domain.Devices.Disks, kubevirtv1.Disk{Name: disk.Name, DiskDevice: kubevirtv1.DiskDevice{CDRom: disk.CDRom}})
		}
	}
	if cpu := from.Spec.Domain.CPU; cpu != nil {
		to.Spec.Domain.CPU = &kubevirtv1.CPU{Model: cpu.Model, DedicatedCPUPlacement: cpu.DedicatedCPUPlacement}
	}
	if memory := from.Spec.Domain.Memory; memory != nil {
		to.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: memory.Guest}
	}
	to.Spec.Domain.Resources.Requests = from.Spec.Domain.Resources.Requests
	to.Spec.Domain.Devices.HostDevices = from.Spec.Domain.Devices.HostDevices
	to.Spec.Domain.Devices.GPUs = from.Spec.Domain.Devices.GPUs
	to.Spec.NodeSelector = from.Spec.NodeSelector
	to.Spec.Affinity = from.Spec.Affinity
	to.Spec.Tolerations = from.Spec.Tolerations
	to.Spec.EvictionStrategy = from.Spec.EvictionStrategy
	to.Spec.TerminationGracePeriodSeconds = from.Spec.TerminationGracePeriodSeconds
	to.Status.NodeName = from.Status.NodeName
	to.Status.Phase = from.Status.Phase
	to.Status.Conditions = from.Status.Conditions
	to.Status.MigrationState = from.Status.MigrationState
	to.Status.EvacuationNodeName = from.Status.EvacuationNodeName
	to.Status.ActivePods = from.Status.ActivePods
	for _, transition := range from.Status.PhaseTransitionTimestamps {
		if transition.Phase == from.Status.Phase && transition.Phase != kubevirtv1.Running {
			to.Status.PhaseTransitionTimestamps = append(to.Status.PhaseTransitionTimestamps, transition)
		}
	}
	for _, status := range from.Status.VolumeStatus {
		if status.HotplugVolume != nil {
			to.Status.VolumeStatus = append(to.Status.VolumeStatus, kubevirtv1.VolumeStatus{
				Name: status.Name, Phase: status.Phase, Reason: status.Reason, Message: status.Message, HotplugVolume: status.HotplugVolume,
			})
		}
	}
}

func keepMigration(from, to *kubevirtv1.VirtualMachineInstanceMigration) {
	to.Spec.VMIName = from.Spec.VMIName
	to.Status.Phase = from.Status.Phase
	to.Status.PhaseTransitionTimestamps = from.Status.PhaseTransitionTimestamps
}

// keepVMVolume keeps where a VM's disk comes from, and of a guest's own data, such as cloud-init, nothing.
func keepVMVolume(volume kubevirtv1.Volume) (kubevirtv1.Volume, bool) {
	kept := kubevirtv1.Volume{Name: volume.Name}
	switch {
	case claimOf(volume) != "":
		kept.VolumeSource = volume.VolumeSource
	case volume.ContainerDisk != nil:
		kept.ContainerDisk = &kubevirtv1.ContainerDiskSource{Image: volume.ContainerDisk.Image}
	case volume.HostDisk != nil:
		kept.HostDisk = volume.HostDisk
	default:
		return kept, false
	}
	return kept, true
}

func keepKubeVirt(from, to *kubevirtv1.KubeVirt) {
	to.Spec.Configuration.EvictionStrategy = from.Spec.Configuration.EvictionStrategy
	to.Spec.Configuration.MigrationConfiguration = from.Spec.Configuration.MigrationConfiguration
	to.Spec.WorkloadUpdateStrategy = from.Spec.WorkloadUpdateStrategy
	to.Status.Phase = from.Status.Phase
	to.Status.Conditions = from.Status.Conditions
	to.Status.ObservedKubeVirtVersion = from.Status.ObservedKubeVirtVersion
	to.Status.TargetKubeVirtVersion = from.Status.TargetKubeVirtVersion
	to.Status.OutdatedVirtualMachineInstanceWorkloads = from.Status.OutdatedVirtualMachineInstanceWorkloads
}

func keepCDI(from, to *CDI) {
	to.Spec = from.Spec
	to.Status = from.Status
}
