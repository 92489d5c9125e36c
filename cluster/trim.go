package cluster

import (
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The functions keep… beside the rows of the table copy the fields that checks read, so that the watch cache holds nothing
// else. Where they copy into the same type, a check that reads a field not kept there behaves differently on the cache than on a live
// read; a test runs every fixture both ways.

// keptAnnotations are the only annotations that checks read.
func keptAnnotations() []string {
	return []string{
		AnnotationMigrationUID, AnnotationMigrationState, AnnotationMachine, AnnotationNTPService, AnnotationInstallStrategy,
		AnnotationDefaultClass, AnnotationImageID, AnnotationVMIDomain, AnnotationLastChange, AnnotationPaused,
		AnnotationPreDrain, AnnotationPostDrain, AnnotationPreHook, AnnotationPostHook, AnnotationMirror,
	}
}

// keepIdentity copies what names an object and dates it. Managed fields, the last applied configuration and every
// other annotation stay behind.
func keepIdentity(from, to client.Object) {
	to.SetName(from.GetName())
	to.SetNamespace(from.GetNamespace())
	to.SetUID(from.GetUID())
	to.SetResourceVersion(from.GetResourceVersion())
	to.SetGeneration(from.GetGeneration())
	to.SetCreationTimestamp(from.GetCreationTimestamp())
	to.SetDeletionTimestamp(from.GetDeletionTimestamp())
	to.SetLabels(from.GetLabels())
	to.SetOwnerReferences(from.GetOwnerReferences())
	to.SetAnnotations(only(from.GetAnnotations(), keptAnnotations()))
}

// onlyLabels keeps those labels of an object that are named, its UID and its owners.
func onlyLabels(to client.Object, names ...string) {
	to.SetLabels(only(to.GetLabels(), names))
}

// only returns the named entries of a map; nil where it has none of them.
func only(all map[string]string, names []string) map[string]string {
	var kept map[string]string
	for _, name := range names {
		if value, ok := all[name]; ok {
			if kept == nil {
				kept = make(map[string]string, 1)
			}
			kept[name] = value
		}
	}
	return kept
}

// Trim returns an object without the fields that no check reads. It is the watch cache's transform, and may change the object.
func (r Resource) Trim(object any) (any, error) {
	o, ok := object.(client.Object)
	if !ok {
		return object, nil
	}
	if o.GetName() == "" && o.GetResourceVersion() == "" {
		return nil, fmt.Errorf("trim %s: an object without a name", r.Kind)
	}
	return r.trim(o), nil
}
