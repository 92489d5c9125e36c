package cluster

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// HarvesterGV is the group and version of Harvester's own kinds. Harvester's Go module cannot be required without
// replace lines, so the few kinds that checks read stand here with the fields that they read; the source is
// harvester/harvester, pkg/apis/harvesterhci.io/v1beta1.
func HarvesterGV() schema.GroupVersion {
	return schema.GroupVersion{Group: "harvesterhci.io", Version: "v1beta1"}
}

func harvester(kind string) schema.GroupVersionKind { return HarvesterGV().WithKind(kind) }

// StatusCondition is the condition that Harvester and Rancher write in their statuses.
//
// +kubebuilder:object:generate=true
type StatusCondition struct {
	Type               string `json:"type"`
	Status             string `json:"status"`
	Reason             string `json:"reason,omitempty"`
	Message            string `json:"message,omitempty"`
	LastUpdateTime     string `json:"lastUpdateTime,omitempty"`
	LastTransitionTime string `json:"lastTransitionTime,omitempty"`
}

// Upgrade is upgrades.harvesterhci.io: the wish to upgrade the cluster, and how far that has come.
//
// +kubebuilder:object:root=true
type Upgrade struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              UpgradeSpec   `json:"spec,omitempty"`
	Status            UpgradeStatus `json:"status,omitempty"`
}

// UpgradeSpec names the target by Version object or by image; both may be empty in a malformed Upgrade.
//
// +kubebuilder:object:generate=true
type UpgradeSpec struct {
	// Version is the name of a Version object in the Upgrade's namespace.
	Version string `json:"version,omitempty"`
	// Image is NAMESPACE/NAME of a VirtualMachineImage that holds an ISO; the target version is then not known.
	Image string `json:"image,omitempty"`
	// LogEnabled asks for the upgrade's logs to be kept.
	LogEnabled bool `json:"logEnabled,omitempty"`
}

// UpgradeStatus holds the upgrade's conditions.
//
// +kubebuilder:object:generate=true
type UpgradeStatus struct {
	PreviousVersion string            `json:"previousVersion,omitempty"`
	Conditions      []StatusCondition `json:"conditions,omitempty"`
}

// UpgradeList is a list of Upgrades.
//
// +kubebuilder:object:root=true
type UpgradeList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Upgrade `json:"items"`
}

// Version is versions.harvesterhci.io: a release that the cluster can be upgraded to.
//
// +kubebuilder:object:root=true
type Version struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              VersionSpec `json:"spec,omitempty"`
}

// VersionSpec says where a release's ISO is and from which version it can be reached.
//
// +kubebuilder:object:generate=true
type VersionSpec struct {
	ISOURL               string   `json:"isoURL,omitempty"`
	ISOChecksum          string   `json:"isoChecksum,omitempty"`
	ReleaseDate          string   `json:"releaseDate,omitempty"`
	MinUpgradableVersion string   `json:"minUpgradableVersion,omitempty"`
	Tags                 []string `json:"tags,omitempty"`
}

// VersionList is a list of Versions.
//
// +kubebuilder:object:root=true
type VersionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Version `json:"items"`
}

// Setting is settings.harvesterhci.io: one cluster-wide setting. An empty Value means Default.
//
// +kubebuilder:object:root=true
type Setting struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Value             string `json:"value,omitempty"`
	Default           string `json:"default,omitempty"`
}

// SettingList is a list of Settings.
//
// +kubebuilder:object:root=true
type SettingList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Setting `json:"items"`
}

// VirtualMachineImage is virtualmachineimages.harvesterhci.io: an image or, for an upgrade, an uploaded ISO.
//
// +kubebuilder:object:root=true
type VirtualMachineImage struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              VirtualMachineImageSpec   `json:"spec,omitempty"`
	Status            VirtualMachineImageStatus `json:"status,omitempty"`
}

// VirtualMachineImageSpec names the image.
//
// +kubebuilder:object:generate=true
type VirtualMachineImageSpec struct {
	DisplayName string `json:"displayName,omitempty"`
}

// VirtualMachineImageStatus tells how far the import has come; Progress is a percentage.
//
// +kubebuilder:object:generate=true
type VirtualMachineImageStatus struct {
	Progress int `json:"progress,omitempty"`
	Failed   int `json:"failed,omitempty"`
	// VirtualSize is the size in bytes of a disk that is made from the image; zero where Harvester does not tell it.
	VirtualSize int64             `json:"virtualSize,omitempty"`
	Conditions  []StatusCondition `json:"conditions,omitempty"`
}

// VirtualMachineImageList is a list of VirtualMachineImages.
//
// +kubebuilder:object:root=true
type VirtualMachineImageList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachineImage `json:"items"`
}

// UpgradePlanGVK is the newer upgrade API of Harvester's upgrade manager add-on.
func UpgradePlanGVK() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "management.harvesterhci.io", Version: "v1beta1", Kind: "UpgradePlan"}
}

// UpgradePlan is upgradeplans.management.harvesterhci.io, cluster-scoped; the source is harvester/upgrade-toolkit.
//
// +kubebuilder:object:root=true
type UpgradePlan struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              UpgradeSpec       `json:"spec,omitempty"`
	Status            UpgradePlanStatus `json:"status,omitempty"`
}

// UpgradePlanStatus holds the phase; Succeeded and Failed are final.
//
// +kubebuilder:object:generate=true
type UpgradePlanStatus struct {
	CurrentPhase string `json:"currentPhase,omitempty"`
}

// UpgradePlanList is a list of UpgradePlans.
//
// +kubebuilder:object:root=true
type UpgradePlanList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []UpgradePlan `json:"items"`
}
