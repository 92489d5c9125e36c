package cluster

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The kinds with which Rancher and Fleet run the cluster, with the fields that checks read: rancher/rancher
// pkg/apis/management.cattle.io/v3, catalog.cattle.io/v1 and provisioning.cattle.io/v1, rancher/fleet fleet.cattle.io/v1alpha1, and
// rancher/system-upgrade-controller upgrade.cattle.io/v1.

// ManagedChart is managedcharts.management.cattle.io: a Helm chart that Rancher keeps installed, through a Bundle.
//
// +kubebuilder:object:root=true
type ManagedChart struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ManagedChartSpec   `json:"spec,omitempty"`
	Status            ManagedChartStatus `json:"status,omitempty"`
}

// ManagedChartSpec names the chart and release.
//
// +kubebuilder:object:generate=true
type ManagedChartSpec struct {
	Chart            string             `json:"chart,omitempty"`
	ReleaseName      string             `json:"releaseName,omitempty"`
	DefaultNamespace string             `json:"defaultNamespace,omitempty"`
	Version          string             `json:"version,omitempty"`
	Paused           bool               `json:"paused,omitempty"`
	Values           ManagedChartValues `json:"values,omitempty"`
}

// ManagedChartValues are the only values of the chart harvester that a check reads.
//
// +kubebuilder:object:generate=true
type ManagedChartValues struct {
	StorageClass StorageClassValues `json:"storageClass,omitempty"`
	Longhorn     LonghornValues     `json:"longhorn,omitempty"`
}

// LonghornValues are the values of the chart Longhorn inside the chart harvester.
//
// +kubebuilder:object:generate=true
type LonghornValues struct {
	DefaultSettings LonghornDefaults `json:"defaultSettings,omitempty"`
}

// LonghornDefaults are the settings of Longhorn that the upgrade's manifest job changes where the chart does not name them. Only
// whether it names them counts, so any value will do; nil means that it does not.
//
// +kubebuilder:object:generate=true
type LonghornDefaults struct {
	NodeDrainPolicy                           json.RawMessage `json:"nodeDrainPolicy,omitempty"`
	DetachManuallyAttachedVolumesWhenCordoned json.RawMessage `json:"detachManuallyAttachedVolumesWhenCordoned,omitempty"`
}

// StorageClassValues tell whether the chart makes its StorageClass the default one.
//
// +kubebuilder:object:generate=true
type StorageClassValues struct {
	// DefaultStorageClass is nil where the chart's own default, true, holds.
	DefaultStorageClass *bool `json:"defaultStorageClass,omitempty"`
}

// ManagedChartStatus tells how many clusters, of one, have what the chart says.
//
// +kubebuilder:object:generate=true
type ManagedChartStatus struct {
	Conditions []StatusCondition `json:"conditions,omitempty"`
	Summary    BundleSummary     `json:"summary,omitempty"`
}

// BundleSummary counts the clusters of a Bundle by their state (rancher/fleet, BundleSummary).
//
// +kubebuilder:object:generate=true
type BundleSummary struct {
	DesiredReady int `json:"desiredReady"`
	Ready        int `json:"ready"`
	NotReady     int `json:"notReady,omitempty"`
	WaitApplied  int `json:"waitApplied,omitempty"`
	ErrApplied   int `json:"errApplied,omitempty"`
	OutOfSync    int `json:"outOfSync,omitempty"`
	Modified     int `json:"modified,omitempty"`
	Pending      int `json:"pending,omitempty"`
}

// ManagedChartList is a list of ManagedCharts.
//
// +kubebuilder:object:root=true
type ManagedChartList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ManagedChart `json:"items"`
}

// Bundle is bundles.fleet.cattle.io: what Fleet applies to clusters. Its content is left out.
//
// +kubebuilder:object:root=true
type Bundle struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              BundleSpec   `json:"spec,omitempty"`
	Status            BundleStatus `json:"status,omitempty"`
}

// BundleSpec tells whether the bundle is paused.
//
// +kubebuilder:object:generate=true
type BundleSpec struct {
	Paused              bool  `json:"paused,omitempty"`
	ForceSyncGeneration int64 `json:"forceSyncGeneration,omitempty"`
}

// BundleStatus tells how many clusters, of one, have what the bundle says.
//
// +kubebuilder:object:generate=true
type BundleStatus struct {
	Conditions         []StatusCondition `json:"conditions,omitempty"`
	Summary            BundleSummary     `json:"summary,omitempty"`
	ObservedGeneration int64             `json:"observedGeneration,omitempty"`
}

// BundleList is a list of Bundles.
//
// +kubebuilder:object:root=true
type BundleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Bundle `json:"items"`
}

// App is apps.catalog.cattle.io: a Helm release as Rancher sees it; its name and namespace are the release's.
//
// +kubebuilder:object:root=true
type App struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              AppSpec   `json:"spec,omitempty"`
	Status            AppStatus `json:"status,omitempty"`
}

// AppSpec is the newest revision of the release; Version is its number.
//
// +kubebuilder:object:generate=true
type AppSpec struct {
	Name    string  `json:"name,omitempty"`
	Version int     `json:"version,omitempty"`
	Info    AppInfo `json:"info,omitempty"`
}

// AppInfo holds Helm's own state: deployed, failed, pending-install, pending-upgrade, pending-rollback and others.
//
// +kubebuilder:object:generate=true
type AppInfo struct {
	Status       string       `json:"status,omitempty"`
	Description  string       `json:"description,omitempty"`
	LastDeployed *metav1.Time `json:"lastDeployed,omitempty"`
}

// AppStatus holds Rancher's summary of the release.
//
// +kubebuilder:object:generate=true
type AppStatus struct {
	Summary AppSummary `json:"summary,omitempty"`
}

// AppSummary is Rancher's own word for the state of a release.
//
// +kubebuilder:object:generate=true
type AppSummary struct {
	State         string `json:"state,omitempty"`
	Error         bool   `json:"error,omitempty"`
	Transitioning bool   `json:"transitioning,omitempty"`
}

// AppList is a list of Apps.
//
// +kubebuilder:object:root=true
type AppList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []App `json:"items"`
}

// ProvisioningCluster is clusters.provisioning.cattle.io: the cluster as Rancher provisions it.
//
// +kubebuilder:object:root=true
type ProvisioningCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ProvisioningClusterSpec   `json:"spec,omitempty"`
	Status            ProvisioningClusterStatus `json:"status,omitempty"`
}

// ProvisioningClusterSpec holds what an upgrade of Harvester changes.
//
// +kubebuilder:object:generate=true
type ProvisioningClusterSpec struct {
	KubernetesVersion string     `json:"kubernetesVersion,omitempty"`
	RKEConfig         *RKEConfig `json:"rkeConfig,omitempty"`
}

// RKEConfig tells how nodes are upgraded.
//
// +kubebuilder:object:generate=true
type RKEConfig struct {
	ProvisionGeneration int             `json:"provisionGeneration,omitempty"`
	UpgradeStrategy     UpgradeStrategy `json:"upgradeStrategy,omitempty"`
}

// UpgradeStrategy tells whether nodes are drained, and how.
//
// +kubebuilder:object:generate=true
type UpgradeStrategy struct {
	ControlPlaneDrainOptions DrainOptions `json:"controlPlaneDrainOptions,omitempty"`
	WorkerDrainOptions       DrainOptions `json:"workerDrainOptions,omitempty"`
}

// DrainOptions are Enabled only while Harvester upgrades.
//
// +kubebuilder:object:generate=true
type DrainOptions struct {
	Enabled bool `json:"enabled"`
}

// ProvisioningClusterStatus holds the conditions of the cluster.
//
// +kubebuilder:object:generate=true
type ProvisioningClusterStatus struct {
	Ready              bool              `json:"ready,omitempty"`
	ObservedGeneration int64             `json:"observedGeneration,omitempty"`
	Conditions         []StatusCondition `json:"conditions,omitempty"`
}

// ProvisioningClusterList is a list of ProvisioningClusters.
//
// +kubebuilder:object:root=true
type ProvisioningClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ProvisioningCluster `json:"items"`
}

// NodePlan is plans.upgrade.cattle.io: a job that the system-upgrade-controller runs on each node.
//
// +kubebuilder:object:root=true
type NodePlan struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              NodePlanSpec   `json:"spec,omitempty"`
	Status            NodePlanStatus `json:"status,omitempty"`
}

// NodePlanSpec holds how many nodes the plan runs on at once.
//
// +kubebuilder:object:generate=true
type NodePlanSpec struct {
	Concurrency int64 `json:"concurrency,omitempty"`
}

// NodePlanStatus names the nodes on which the plan runs now.
//
// +kubebuilder:object:generate=true
type NodePlanStatus struct {
	Applying   []string          `json:"applying,omitempty"`
	Conditions []StatusCondition `json:"conditions,omitempty"`
}

// NodePlanList is a list of NodePlans.
//
// +kubebuilder:object:root=true
type NodePlanList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NodePlan `json:"items"`
}
