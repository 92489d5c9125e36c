package cluster

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The kinds of Cluster API with the fields that checks read; the source is kubernetes-sigs/cluster-api, api/v1beta1.

// CAPICluster is clusters.cluster.x-k8s.io: the cluster as Cluster API sees it.
//
// +kubebuilder:object:root=true
type CAPICluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              CAPIClusterSpec   `json:"spec,omitempty"`
	Status            CAPIClusterStatus `json:"status,omitempty"`
}

// CAPIClusterSpec tells whether reconciling is stopped.
//
// +kubebuilder:object:generate=true
type CAPIClusterSpec struct {
	Paused bool `json:"paused,omitempty"`
}

// CAPIClusterStatus holds the phase: Provisioned in a cluster at rest.
//
// +kubebuilder:object:generate=true
type CAPIClusterStatus struct {
	Phase              string            `json:"phase,omitempty"`
	ObservedGeneration int64             `json:"observedGeneration,omitempty"`
	Conditions         []StatusCondition `json:"conditions,omitempty"`
}

// CAPIClusterList is a list of CAPIClusters.
//
// +kubebuilder:object:root=true
type CAPIClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CAPICluster `json:"items"`
}

// Machine is machines.cluster.x-k8s.io: one node as Cluster API sees it.
//
// +kubebuilder:object:root=true
type Machine struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              MachineSpec   `json:"spec,omitempty"`
	Status            MachineStatus `json:"status,omitempty"`
}

// MachineSpec names the cluster and the provider's name of the node.
//
// +kubebuilder:object:generate=true
type MachineSpec struct {
	ClusterName string `json:"clusterName,omitempty"`
	ProviderID  string `json:"providerID,omitempty"`
}

// MachineStatus holds the phase, Running in a cluster at rest, and the node; NodeRef is nil until there is one.
//
// +kubebuilder:object:generate=true
type MachineStatus struct {
	Phase      string            `json:"phase,omitempty"`
	NodeRef    *NodeReference    `json:"nodeRef,omitempty"`
	Conditions []StatusCondition `json:"conditions,omitempty"`
}

// NodeReference names a node.
//
// +kubebuilder:object:generate=true
type NodeReference struct {
	Name string `json:"name,omitempty"`
}

// MachineList is a list of Machines.
//
// +kubebuilder:object:root=true
type MachineList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Machine `json:"items"`
}
