package cluster

// HarvesterNamespace is where Upgrade and Version objects live.
const HarvesterNamespace = "harvester-system"

// Labels of an Upgrade that Harvester's controller writes.
const (
	// LabelUpgradeState holds the state; Succeeded and Failed are final.
	LabelUpgradeState = "harvesterhci.io/upgradeState"
	// LabelUpgradeCleanup is Pending while an upgrade's leftovers are being removed.
	LabelUpgradeCleanup = "harvesterhci.io/upgradeCleanup"
)

// LabelUpgrade names the Upgrade that an object was made for, on jobs, plans, the upgrade-repo VM and more.
const LabelUpgrade = "harvesterhci.io/upgrade"

// Upgrades returns every Upgrade.
func (s *Snapshot) Upgrades() []*Upgrade { return s.upgrades }

// UpgradePlans returns every UpgradePlan.
func (s *Snapshot) UpgradePlans() []*UpgradePlan { return s.upgradePlans }

// Version returns the Version object of that name, or nil.
func (s *Snapshot) Version(namespace, name string) *Version { return s.versions.get(namespace, name) }

// Versions returns every Version.
func (s *Snapshot) Versions() []*Version { return s.versions.items }

// Image returns the VirtualMachineImage of that name, or nil.
func (s *Snapshot) Image(namespace, name string) *VirtualMachineImage {
	return s.images.get(namespace, name)
}

// Images returns every VirtualMachineImage.
func (s *Snapshot) Images() []*VirtualMachineImage { return s.images.items }

// VMBackups returns every backup and snapshot of a virtual machine that Harvester made.
func (s *Snapshot) VMBackups() []*VirtualMachineBackup { return s.vmBackups }

// VMRestores returns every restore of a virtual machine.
func (s *Snapshot) VMRestores() []*VirtualMachineRestore { return s.vmRestores }

// VMBackupSchedules returns every schedule by which Harvester backs up a virtual machine.
func (s *Snapshot) VMBackupSchedules() []*ScheduleVMBackup { return s.vmBackupSchedules }

// Addons returns every add-on, those that are switched off included.
func (s *Snapshot) Addons() []*Addon { return s.addons }

// SettingObject returns the Harvester setting of that name, or nil.
func (s *Snapshot) SettingObject(name string) *Setting { return s.settings.get("", name) }

// Setting returns the value of a Harvester setting, its default where the value is empty; false where the setting does
// not exist.
func (s *Snapshot) Setting(name string) (string, bool) {
	setting := s.settings.get("", name)
	if setting == nil {
		return "", false
	}
	if value := Text(setting.Value); value != "" {
		return value, true
	}
	return Text(setting.Default), true
}

// RunningVersion returns Harvester's running version, "v1.4.1", from the setting server-version; empty where it is not
// known.
func (s *Snapshot) RunningVersion() string {
	version, _ := s.Setting("server-version")
	return version
}

// Condition returns the condition of that type, or nil.
func Condition(conditions []StatusCondition, conditionType string) *StatusCondition {
	for i := range conditions {
		if conditions[i].Type == conditionType {
			return &conditions[i]
		}
	}
	return nil
}
