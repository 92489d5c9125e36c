package cluster

import (
	"fmt"
	"reflect"
	"sync"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// NewScheme returns a scheme with every Go type of the table of kinds.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, kubevirtv1.AddToScheme, lhv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("build the scheme: %w", err)
		}
	}
	for _, r := range everyResource() {
		if err := r.validate(); err != nil {
			return nil, err
		}
		// What is only read where it was granted is never decoded by way of the scheme.
		if r.isPartial() && r.Grant == nil {
			scheme.AddKnownTypeWithName(r.GVK, r.newObject())
			scheme.AddKnownTypeWithName(r.GVK.GroupVersion().WithKind(r.GVK.Kind+"List"), r.newList())
			metav1.AddToGroupVersion(scheme, r.GVK.GroupVersion())
		}
	}
	return scheme, nil
}

var gvkByType = sync.OnceValue(func() map[reflect.Type]schema.GroupVersionKind {
	byType := map[reflect.Type]schema.GroupVersionKind{}
	for _, r := range everyResource() {
		byType[reflect.TypeOf(r.newObject())] = r.GVK
		byType[r.heldType()] = r.GVK
	}
	return byType
})

// GVKOf returns the group, version and kind of an object of the table; lists and caches leave them off the objects.
// It is the object's own for a type that is not in the table.
func GVKOf(object client.Object) schema.GroupVersionKind {
	if gvk, ok := gvkByType()[reflect.TypeOf(object)]; ok {
		return gvk
	}
	return object.GetObjectKind().GroupVersionKind()
}
