package supportbundle

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// platform returns what every cluster holds without anybody's doing, and example clusters leave out: the namespaces that objects are
// in, and harvester-system, in every namespace the service account and the certificate that pods get, the definitions of the kinds
// that are served, and an APIService for every group and version. What is held already is left as it is.
func platform(served map[schema.GroupKind]servedResource, held []*unstructured.Unstructured) []*unstructured.Unstructured {
	present := map[string]bool{}
	name := func(object *unstructured.Unstructured) string {
		return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
	}
	var all []*unstructured.Unstructured
	namespaces := map[string]bool{harvesterNamespace: true}
	for _, object := range held {
		present[name(object)] = true
		if object.GetKind() == "Namespace" {
			namespaces[object.GetName()] = true
		}
		if object.GetNamespace() != "" {
			namespaces[object.GetNamespace()] = true
		}
	}
	for namespace := range namespaces {
		all = append(all, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace, "uid": uidOf(namespace)},
		}})
	}
	all = append(all, furniture(slices.Collect(maps.Keys(namespaces)))...)
	versions := map[schema.GroupVersion]bool{}
	for _, resource := range served {
		versions[resource.gv] = true
		if !builtIn(resource.gv.Group) {
			all = append(all, definition(resource))
		}
	}
	// The API server serves APIServices without one.
	delete(versions, schema.GroupVersion{Group: "apiregistration.k8s.io", Version: "v1"})
	for version := range maps.Keys(versions) {
		all = append(all, apiService(version))
	}
	all = slices.DeleteFunc(all, func(object *unstructured.Unstructured) bool { return present[name(object)] })
	slices.SortFunc(all, func(a, b *unstructured.Unstructured) int { return cmp.Compare(name(a), name(b)) })
	return all
}

// uidOf makes a UID of a name, always the same one.
func uidOf(name string) string { return uuid.NewSHA1(uuid.NameSpaceDNS, []byte(name)).String() }

// builtIn tells whether the API server itself serves a group.
func builtIn(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io")
}

// furniture is what a controller manager puts into each namespace.
func furniture(namespaces []string) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, namespace := range namespaces {
		all = append(all, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "default", "namespace": namespace},
		}}, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "kube-root-ca.crt", "namespace": namespace},
			"data": map[string]any{"ca.crt": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"},
		}})
	}
	return all
}

func definition(resource servedResource) *unstructured.Unstructured {
	scope := "Cluster"
	if resource.Namespaced {
		scope = "Namespaced"
	}
	names := map[string]any{"kind": resource.Kind, "listKind": resource.Kind + "List", "plural": resource.Name, "singular": strings.ToLower(resource.Kind)}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": resource.Name + "." + resource.gv.Group},
		"spec": map[string]any{
			"group": resource.gv.Group, "names": names, "scope": scope, "conversion": map[string]any{"strategy": "None"},
			"versions": []any{map[string]any{"name": resource.gv.Version, "served": true, "storage": true}},
		},
		"status": map[string]any{
			"acceptedNames": names, "storedVersions": []any{resource.gv.Version},
			"conditions": []any{
				map[string]any{"type": "NamesAccepted", "status": "True", "reason": "NoConflicts"},
				map[string]any{"type": "Established", "status": "True", "reason": "InitialNamesAccepted"},
			},
		},
	}}
}

func apiService(version schema.GroupVersion) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": version.Version + "." + version.Group},
		"spec":     map[string]any{"group": version.Group, "version": version.Version},
		"status":   map[string]any{"conditions": []any{map[string]any{"type": "Available", "status": "True", "reason": "Local"}}},
	}}
}
