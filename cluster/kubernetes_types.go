package cluster

import corev1 "k8s.io/api/core/v1"

// Kubernetes' kinds of which a cluster has thousands and checks read little, in the manner of Longhorn's.

// Claim is persistentvolumeclaims.
//
// +kubebuilder:object:root=true
type Claim struct {
	Identity `json:"metadata"`
	Spec     ClaimSpec   `json:"spec"`
	Status   ClaimStatus `json:"status"`
}

// ClaimSpec names the persistent volume; empty until the claim is bound.
//
// +kubebuilder:object:generate=true
type ClaimSpec struct {
	VolumeName string         `json:"volumeName,omitempty"`
	Resources  ClaimResources `json:"resources"`
}

// ClaimResources says how much is asked for; nil for a claim that was not made from an image.
//
// +kubebuilder:object:generate=true
type ClaimResources struct {
	Requests corev1.ResourceList `json:"requests,omitempty"`
}

// ClaimStatus tells whether the claim is bound.
//
// +kubebuilder:object:generate=true
type ClaimStatus struct {
	Phase corev1.PersistentVolumeClaimPhase `json:"phase,omitempty"`
}

// VolumeAttachment is volumeattachments.storage.k8s.io: a persistent volume that Kubernetes has attached to a node.
//
// +kubebuilder:object:root=true
type VolumeAttachment struct {
	Identity `json:"metadata"`
	Spec     VolumeAttachmentSpec   `json:"spec"`
	Status   VolumeAttachmentStatus `json:"status"`
}

// VolumeAttachmentSpec names the driver, the node and the volume.
//
// +kubebuilder:object:generate=true
type VolumeAttachmentSpec struct {
	Attacher string                 `json:"attacher"`
	NodeName string                 `json:"nodeName"`
	Source   VolumeAttachmentSource `json:"source"`
}

// VolumeAttachmentSource names the persistent volume; nil for a volume that a pod brings with it.
//
// +kubebuilder:object:generate=true
type VolumeAttachmentSource struct {
	PersistentVolumeName *string `json:"persistentVolumeName,omitempty"`
}

// VolumeAttachmentStatus tells whether the driver has attached the volume.
//
// +kubebuilder:object:generate=true
type VolumeAttachmentStatus struct {
	Attached bool `json:"attached"`
}
