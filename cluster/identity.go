package cluster

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Identity is what a Snapshot holds of the metadata of an object of which a cluster has thousands: a third of metav1.ObjectMeta. It
// implements metav1.Object and the kind of runtime.Object, so that caches and reports need not tell such an object from others. What it has no
// room for is empty, and setting it does nothing.
//
// +kubebuilder:object:generate=true
type Identity struct {
	Name              string      `json:"name"`
	Namespace         string      `json:"namespace,omitempty"`
	ResourceVersion   string      `json:"resourceVersion,omitempty"`
	CreationTimestamp metav1.Time `json:"creationTimestamp"`
	// DeletionTimestamp is nil for an object that is not being deleted.
	DeletionTimestamp *metav1.Time `json:"deletionTimestamp,omitempty"`
	// Labels are those that checks read; nil where there are none.
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations are those that checks read; nil where there are none.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// identityOf returns what names an object and dates it.
func identityOf(object metav1.Object) Identity {
	return Identity{
		Name: object.GetName(), Namespace: object.GetNamespace(), ResourceVersion: object.GetResourceVersion(),
		CreationTimestamp: object.GetCreationTimestamp(), DeletionTimestamp: object.GetDeletionTimestamp(),
		Annotations: only(object.GetAnnotations(), keptAnnotations()),
	}
}

// GetObjectKind implements runtime.Object; GVKOf knows the kind.
func (i *Identity) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

// The rest implements metav1.Object.

func (i *Identity) GetName() string                             { return i.Name }
func (i *Identity) SetName(name string)                         { i.Name = name }
func (i *Identity) GetNamespace() string                        { return i.Namespace }
func (i *Identity) SetNamespace(namespace string)               { i.Namespace = namespace }
func (i *Identity) GetResourceVersion() string                  { return i.ResourceVersion }
func (i *Identity) SetResourceVersion(version string)           { i.ResourceVersion = version }
func (i *Identity) GetCreationTimestamp() metav1.Time           { return i.CreationTimestamp }
func (i *Identity) SetCreationTimestamp(at metav1.Time)         { i.CreationTimestamp = at }
func (i *Identity) GetDeletionTimestamp() *metav1.Time          { return i.DeletionTimestamp }
func (i *Identity) SetDeletionTimestamp(at *metav1.Time)        { i.DeletionTimestamp = at }
func (i *Identity) GetLabels() map[string]string                { return i.Labels }
func (i *Identity) SetLabels(labels map[string]string)          { i.Labels = labels }
func (i *Identity) GetAnnotations() map[string]string           { return i.Annotations }
func (i *Identity) SetAnnotations(all map[string]string)        { i.Annotations = all }
func (i *Identity) GetGenerateName() string                     { return "" }
func (i *Identity) SetGenerateName(string)                      {}
func (i *Identity) GetUID() types.UID                           { return "" }
func (i *Identity) SetUID(types.UID)                            {}
func (i *Identity) GetGeneration() int64                        { return 0 }
func (i *Identity) SetGeneration(int64)                         {}
func (i *Identity) GetSelfLink() string                         { return "" }
func (i *Identity) SetSelfLink(string)                          {}
func (i *Identity) GetDeletionGracePeriodSeconds() *int64       { return nil }
func (i *Identity) SetDeletionGracePeriodSeconds(*int64)        {}
func (i *Identity) GetFinalizers() []string                     { return nil }
func (i *Identity) SetFinalizers([]string)                      {}
func (i *Identity) GetOwnerReferences() []metav1.OwnerReference { return nil }
func (i *Identity) SetOwnerReferences([]metav1.OwnerReference)  {}
func (i *Identity) GetManagedFields() []metav1.ManagedFieldsEntry {
	return nil
}
func (i *Identity) SetManagedFields([]metav1.ManagedFieldsEntry) {}
