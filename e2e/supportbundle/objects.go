package supportbundle

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// objects is a cluster out of files.
type objects struct {
	version string
	groups  []*metav1.APIResourceList
	// lists are the objects by the path under which a namespace of them, or all of a cluster-scoped kind, is listed.
	lists map[string][]*unstructured.Unstructured
	// single are the objects by their own path.
	single map[string]*unstructured.Unstructured
	// listable tells by its plural whether a resource can be listed; those that can only be created are there and cannot.
	listable map[string]bool
}

// FromObjects returns an API server that holds objects, and what every cluster holds besides, for bundles that need no running one. It
// serves their kinds, every kind that the gate knows, and, as a real one does, some that can be created but not listed. version is
// Kubernetes'.
func FromObjects(version string, held []*unstructured.Unstructured) API {
	o := &objects{
		version: version, lists: map[string][]*unstructured.Unstructured{}, single: map[string]*unstructured.Unstructured{},
		listable: map[string]bool{},
	}
	served := knownResources()
	for _, object := range held {
		if kind := object.GroupVersionKind().GroupKind(); served[kind].Name == "" {
			served[kind] = guess(object)
		}
	}
	for _, object := range slices.Concat(held, platform(served, held)) {
		resource := served[object.GroupVersionKind().GroupKind()]
		path := listPath(resource.gv, object.GetNamespace(), resource.Name)
		o.lists[path] = append(o.lists[path], object)
		o.single[path+"/"+object.GetName()] = object
	}
	o.group(served)
	return o
}

// servedResource is a resource at the version at which it is served.
type servedResource struct {
	metav1.APIResource
	gv schema.GroupVersion
}

// knownResources are those of the gate's table, and those that cannot be listed.
func knownResources() map[schema.GroupKind]servedResource {
	served := map[schema.GroupKind]servedResource{
		{Kind: "Namespace"}:      {metav1.APIResource{Name: "namespaces", Kind: "Namespace"}, schema.GroupVersion{Version: "v1"}},
		{Kind: "Secret"}:         {metav1.APIResource{Name: "secrets", Kind: "Secret", Namespaced: true}, schema.GroupVersion{Version: "v1"}},
		{Kind: "ConfigMap"}:      {metav1.APIResource{Name: "configmaps", Kind: "ConfigMap", Namespaced: true}, schema.GroupVersion{Version: "v1"}},
		{Kind: "ServiceAccount"}: {metav1.APIResource{Name: "serviceaccounts", Kind: "ServiceAccount", Namespaced: true}, schema.GroupVersion{Version: "v1"}},
		{Kind: "Binding"}:        {metav1.APIResource{Name: "bindings", Kind: "Binding", Namespaced: true}, schema.GroupVersion{Version: "v1"}},
	}
	for _, r := range cluster.Resources() {
		served[r.GVK.GroupKind()] = servedResource{
			metav1.APIResource{Name: r.Plural, Kind: r.GVK.Kind, Namespaced: r.Namespaced}, r.GVK.GroupVersion(),
		}
	}
	for _, kind := range []struct {
		group, kind string
		namespaced  bool
	}{
		{"authentication.k8s.io", "SelfSubjectReview", false}, {"authentication.k8s.io", "TokenReview", false},
		{"authorization.k8s.io", "LocalSubjectAccessReview", true},
	} {
		served[schema.GroupKind{Group: kind.group, Kind: kind.kind}] = servedResource{
			metav1.APIResource{Name: strings.ToLower(kind.kind) + "s", Kind: kind.kind, Namespaced: kind.namespaced},
			schema.GroupVersion{Group: kind.group, Version: "v1"},
		}
	}
	return served
}

// guess makes a resource of an object of an unknown kind.
func guess(object *unstructured.Unstructured) servedResource {
	plural, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
	return servedResource{
		metav1.APIResource{Name: plural.Resource, Kind: object.GetKind(), Namespaced: object.GetNamespace() != ""},
		object.GroupVersionKind().GroupVersion(),
	}
}

// group sorts the resources into lists by group and version.
func (o *objects) group(served map[schema.GroupKind]servedResource) {
	byVersion := map[string]*metav1.APIResourceList{}
	for _, resource := range served {
		o.listable[resource.Name] = !slices.Contains([]string{"bindings", "localsubjectaccessreviews", "selfsubjectreviews", "tokenreviews"}, resource.Name)
		version := resource.gv.String()
		if byVersion[version] == nil {
			byVersion[version] = &metav1.APIResourceList{GroupVersion: version}
		}
		byVersion[version].APIResources = append(byVersion[version].APIResources, resource.APIResource)
	}
	for _, version := range slices.Sorted(maps.Keys(byVersion)) {
		slices.SortFunc(byVersion[version].APIResources, func(a, b metav1.APIResource) int { return cmp.Compare(a.Name, b.Name) })
		o.groups = append(o.groups, byVersion[version])
	}
}

// Resources implements API.
func (o *objects) Resources(context.Context) ([]*metav1.APIResourceList, error) { return o.groups, nil }

// Get implements API.
func (o *objects) Get(_ context.Context, path string) ([]byte, error) {
	if path == "/version" {
		return json.Marshal(map[string]string{"gitVersion": o.version})
	}
	if object, ok := o.single[path]; ok {
		return json.Marshal(object)
	}
	name := path[strings.LastIndex(path, "/")+1:]
	listable, served := o.listable[name]
	switch {
	case !served:
		return nil, apierrors.NewGenericServerResponse(http.StatusNotFound, "get", schema.GroupResource{}, "", "", 0, true)
	case !listable:
		return nil, apierrors.NewGenericServerResponse(http.StatusMethodNotAllowed, "get", schema.GroupResource{}, "", "", 0, true)
	}
	items := []map[string]any{}
	for _, object := range o.lists[path] {
		// The API server leaves the type out of the items of its own kinds' lists.
		item := maps.Clone(object.Object)
		delete(item, "apiVersion")
		delete(item, "kind")
		items = append(items, item)
	}
	list, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": "1"}, "items": items})
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", path, err)
	}
	return list, nil
}
