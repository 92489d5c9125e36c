package cluster

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Small kinds of several groups with the fields that checks read: kube-aggregator pkg/apis/apiregistration/v1, apiextensions-apiserver
// pkg/apis/apiextensions/v1 (whose schemas are megabytes that nobody here reads), containerized-data-importer
// staging/src/kubevirt.io/containerized-data-importer-api, and k8snetworkplumbingwg/whereabouts pkg/api/whereabouts.cni.cncf.io/v1alpha1.

func apiregistration(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "apiregistration.k8s.io", Version: "v1", Kind: kind}
}

func apiextensions(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: kind}
}

func cdi(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "cdi.kubevirt.io", Version: "v1beta1", Kind: kind}
}

// APIService is apiservices.apiregistration.k8s.io: an API group and version, and who serves it.
//
// +kubebuilder:object:root=true
type APIService struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              APIServiceSpec   `json:"spec,omitempty"`
	Status            APIServiceStatus `json:"status,omitempty"`
}

// APIServiceSpec names the Service; nil for what the API server serves itself.
//
// +kubebuilder:object:generate=true
type APIServiceSpec struct {
	Service *ServiceReference `json:"service,omitempty"`
}

// ServiceReference names a Service; Port is 443 where it is nil.
//
// +kubebuilder:object:generate=true
type ServiceReference struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	Port      *int32 `json:"port,omitempty"`
}

// APIServiceStatus holds the condition Available.
//
// +kubebuilder:object:generate=true
type APIServiceStatus struct {
	Conditions []StatusCondition `json:"conditions,omitempty"`
}

// APIServiceList is a list of APIServices.
//
// +kubebuilder:object:root=true
type APIServiceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []APIService `json:"items"`
}

// CustomResourceDefinition is customresourcedefinitions.apiextensions.k8s.io, without its schemas.
//
// +kubebuilder:object:root=true
type CustomResourceDefinition struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              CustomResourceDefinitionSpec `json:"spec,omitempty"`
}

// CustomResourceDefinitionSpec tells who converts between the versions of the kind; Conversion is nil where nobody does.
//
// +kubebuilder:object:generate=true
type CustomResourceDefinitionSpec struct {
	Group      string      `json:"group,omitempty"`
	Conversion *Conversion `json:"conversion,omitempty"`
}

// Conversion is None, or Webhook with the webhook's address.
//
// +kubebuilder:object:generate=true
type Conversion struct {
	Strategy string             `json:"strategy,omitempty"`
	Webhook  *ConversionWebhook `json:"webhook,omitempty"`
}

// ConversionWebhook holds the address of a conversion webhook.
//
// +kubebuilder:object:generate=true
type ConversionWebhook struct {
	ClientConfig *ConversionClient `json:"clientConfig,omitempty"`
}

// ConversionClient names the Service; nil for a webhook that is reached by URL.
//
// +kubebuilder:object:generate=true
type ConversionClient struct {
	Service *ServiceReference `json:"service,omitempty"`
}

// CustomResourceDefinitionList is a list of CustomResourceDefinitions.
//
// +kubebuilder:object:root=true
type CustomResourceDefinitionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CustomResourceDefinition `json:"items"`
}

// CDI is cdis.cdi.kubevirt.io: the configuration of KubeVirt's image importer.
//
// +kubebuilder:object:root=true
type CDI struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              CDISpec   `json:"spec,omitempty"`
	Status            CDIStatus `json:"status,omitempty"`
}

// CDISpec holds the configuration; Config is nil where all is default.
//
// +kubebuilder:object:generate=true
type CDISpec struct {
	Config *CDIConfig `json:"config,omitempty"`
}

// CDIConfig holds the resources of importer pods; nil means CDI's own defaults.
//
// +kubebuilder:object:generate=true
type CDIConfig struct {
	PodResourceRequirements *corev1.ResourceRequirements `json:"podResourceRequirements,omitempty"`
}

// CDIStatus holds the phase and version.
//
// +kubebuilder:object:generate=true
type CDIStatus struct {
	Phase           string `json:"phase,omitempty"`
	ObservedVersion string `json:"observedVersion,omitempty"`
}

// CDIList is a list of CDIs.
//
// +kubebuilder:object:root=true
type CDIList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CDI `json:"items"`
}

// IPPool is ippools.whereabouts.cni.cncf.io: the addresses of a network that whereabouts hands out.
//
// +kubebuilder:object:root=true
type IPPool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              IPPoolSpec `json:"spec,omitempty"`
}

// IPPoolSpec holds a range in CIDR notation and, by offset from its first address, what is taken.
//
// +kubebuilder:object:generate=true
type IPPoolSpec struct {
	Range       string                  `json:"range"`
	Allocations map[string]IPAllocation `json:"allocations,omitempty"`
}

// IPAllocation names the pod, NAMESPACE/NAME, that has an address; empty in old releases of whereabouts.
//
// +kubebuilder:object:generate=true
type IPAllocation struct {
	PodRef string `json:"podref,omitempty"`
}

// IPPoolList is a list of IPPools.
//
// +kubebuilder:object:root=true
type IPPoolList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []IPPool `json:"items"`
}
