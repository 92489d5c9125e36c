package cluster

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Secret is the part of a Kubernetes Secret that checks read. It has no room for a key: whatever else the Secret holds is
// never decoded.
//
// +kubebuilder:object:root=true
type Secret struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// Type is the Secret's type, such as kubernetes.io/tls; empty where only the metadata was read.
	Type string     `json:"type,omitempty"`
	Data SecretData `json:"data,omitempty"`
}

// SecretData is the public part of a Secret's data.
//
// +kubebuilder:object:generate=true
type SecretData struct {
	// Certificate is tls.crt, a chain in PEM; empty where there is none, and where only the metadata was read.
	Certificate []byte `json:"tls.crt,omitempty"`
}

// SecretList is a list of Secrets.
//
// +kubebuilder:object:root=true
type SecretList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Secret `json:"items"`
}

// UnmarshalJSON decodes a Secret without the annotations that checks do not read: kubectl apply leaves a copy of the whole
// Secret, key and all, in one of them. It returns an error for what is no Secret, which never quotes the text.
func (in *Secret) UnmarshalJSON(text []byte) error {
	type plain Secret
	decoded := plain{}
	if err := json.Unmarshal(text, &decoded); err != nil {
		return errors.New("its fields are not those of a Secret")
	}
	*in = Secret(decoded)
	in.Annotations = only(in.Annotations, keptAnnotations())
	return nil
}

func keepSecret(from, to *Secret) {
	to.Type = from.Type
	to.Data = from.Data
}

func secretRow() Resource {
	return row(Resource{Kind: Secrets, GVK: core("Secret"), Plural: "secrets", Namespaced: true, Grant: secretsGrant()},
		func() client.ObjectList { return &SecretList{} }, keepSecret,
		func(s *Snapshot, items []*Secret) {
			sortByName(items)
			s.secrets = indexByName(items)
		})
}

// tlsSecret is the type of Secrets with a serving certificate.
const tlsSecret = string(corev1.SecretTypeTLS)
