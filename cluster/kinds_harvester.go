package cluster

import "sigs.k8s.io/controller-runtime/pkg/client"

// harvesterKinds are the rows of Harvester's own kinds.
func harvesterKinds() []Resource {
	return []Resource{
		row(Resource{Kind: Upgrades, GVK: harvester("Upgrade"), Plural: "upgrades", Namespaced: true, Home: []string{HarvesterNamespace}},
			func() client.ObjectList { return &UpgradeList{} }, keepUpgrade,
			func(s *Snapshot, items []*Upgrade) { s.upgrades = items }),
		row(Resource{Kind: Versions, GVK: harvester("Version"), Plural: "versions", Namespaced: true, Home: []string{HarvesterNamespace}},
			func() client.ObjectList { return &VersionList{} }, keepVersion,
			func(s *Snapshot, items []*Version) { s.versions = indexByName(items) }),
		row(Resource{Kind: HarvesterSettings, GVK: harvester("Setting"), Plural: "settings"},
			func() client.ObjectList { return &SettingList{} }, keepSetting,
			func(s *Snapshot, items []*Setting) { s.settings = indexByName(items) }),
		row(Resource{Kind: VirtualMachineImages, GVK: harvester("VirtualMachineImage"), Plural: "virtualmachineimages", Namespaced: true},
			func() client.ObjectList { return &VirtualMachineImageList{} }, keepVirtualMachineImage,
			func(s *Snapshot, items []*VirtualMachineImage) { s.images = indexByName(items) }),
		row(Resource{Kind: UpgradePlans, GVK: UpgradePlanGVK(), Plural: "upgradeplans", Optional: "the upgrade manager add-on"},
			func() client.ObjectList { return &UpgradePlanList{} }, keepUpgradePlan,
			func(s *Snapshot, items []*UpgradePlan) { s.upgradePlans = items }),
		row(Resource{Kind: VMBackups, GVK: harvester("VirtualMachineBackup"), Plural: "virtualmachinebackups", Namespaced: true},
			func() client.ObjectList { return &VirtualMachineBackupList{} }, keepVMBackup,
			func(s *Snapshot, items []*VirtualMachineBackup) { s.vmBackups = items }),
		row(Resource{Kind: VMRestores, GVK: harvester("VirtualMachineRestore"), Plural: "virtualmachinerestores", Namespaced: true},
			func() client.ObjectList { return &VirtualMachineRestoreList{} }, keepVMRestore,
			func(s *Snapshot, items []*VirtualMachineRestore) { s.vmRestores = items }),
		row(Resource{Kind: VMBackupSchedules, GVK: harvester("ScheduleVMBackup"), Plural: "schedulevmbackups", Namespaced: true, Optional: "backup schedules, which Harvester has since v1.4,"},
			func() client.ObjectList { return &ScheduleVMBackupList{} }, keepVMBackupSchedule,
			func(s *Snapshot, items []*ScheduleVMBackup) { s.vmBackupSchedules = items }),
		row(Resource{Kind: Addons, GVK: harvester("Addon"), Plural: "addons", Namespaced: true},
			func() client.ObjectList { return &AddonList{} }, keepAddon,
			func(s *Snapshot, items []*Addon) { s.addons = items }),
	}
}

func keepUpgrade(from, to *Upgrade) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepVersion(from, to *Version) { to.Spec = from.Spec }

func keepVirtualMachineImage(from, to *VirtualMachineImage) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepUpgradePlan(from, to *UpgradePlan) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepVMBackup(from, to *VirtualMachineBackup) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepVMRestore(from, to *VirtualMachineRestore) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepVMBackupSchedule(from, to *ScheduleVMBackup) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepAddon(from, to *Addon) {
	to.Spec = from.Spec
	to.Status = from.Status
}
