package clustertest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Bundle says what of a cluster a support bundle holds.
type Bundle struct {
	// Objects are those of the cluster, each as the API server answers it, with apiVersion and kind.
	Objects []map[string]any
	// LeftOut are the namespaces that are not collected; kube-node-lease never is, unless it is in Extra.
	LeftOut []string
	// Extra are namespaces that the kit would not collect by itself and that were asked for. Those of Objects are all collected
	// but for kube-node-lease.
	Extra []string
	// Errors is what the kit logged as failed; mostly empty.
	Errors string
}

// BundleTop is the name of a bundle's only directory, and, with .zip, of the archive.
const BundleTop = "supportbundle_0b5a6b7e-3c55-4d0f-8f0e-1f1c5a9d2f10_2026-11-20T09-12-00Z"

// BundleCreatedAt is when bundles say that they were collected.
func BundleCreatedAt() time.Time { return time.Date(2026, time.November, 20, 9, 12, 0, 0, time.UTC) }

// Files returns the files of the bundle by their path below its top directory, encoded as rancher/support-bundle-kit does it. Beside
// the objects it holds what every cluster has: namespaces, definitions of all kinds of the table, an APIService, and two objects
// in each namespace.
func (b Bundle) Files() map[string][]byte {
	lists, plurals := map[string][]map[string]any{}, plurals()
	for _, object := range b.complete() {
		if file := b.fileOf(object, plurals); file != "" {
			lists[file] = append(lists[file], object)
		}
	}
	files := map[string][]byte{
		"metadata.yaml": fmt.Appendf(nil, "bundlename: bundle-x7k2p\nbundleversion: 0.1.0\nkubernetesversion: v1.29.9+rke2r1\nprojectnamespaceuuid: 0b5a6b7e-3c55-4d0f-8f0e-1f1c5a9d2f10\nbundlecreatedat: %q\nissueurl: \"\"\nissuedescription: an upgrade that hangs\n",
			BundleCreatedAt().Format(time.RFC3339)),
		"bundleGenerationError.log": []byte(b.Errors),
	}
	for file, objects := range lists {
		files["yamls/"+file] = KitList(objects)
	}
	return files
}

// complete returns the objects, and those that every cluster has.
func (b Bundle) complete() []map[string]any {
	all, present, namespaces := slices.Clone(b.Objects), map[string]bool{}, map[string]bool{}
	for _, object := range b.Objects {
		u := unstructured.Unstructured{Object: object}
		present[u.GetKind()+" "+u.GetName()] = true
		if u.GetNamespace() != "" {
			namespaces[u.GetNamespace()] = true
		}
		if u.GetKind() == "Namespace" {
			namespaces[u.GetName()] = true
		}
	}
	for _, name := range []string{"default", "kube-system", "cattle-system", cluster.FleetLocalNamespace, cluster.HarvesterNamespace, "longhorn-system"} {
		namespaces[name] = true
	}
	for _, namespace := range slices.Sorted(maps.Keys(namespaces)) {
		if !present["Namespace "+namespace] {
			all = append(all, plain("v1", "Namespace", "", namespace))
		}
		all = append(all, plain("v1", "ConfigMap", namespace, "kube-root-ca.crt"), plain("v1", "ServiceAccount", namespace, "default"))
	}
	for _, resource := range cluster.Resources() {
		name := resource.Plural + "." + resource.GVK.Group
		if IsCustom(resource) && !present["CustomResourceDefinition "+name] {
			definition := plain("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", name)
			definition["spec"] = map[string]any{"group": resource.GVK.Group, "versions": []any{map[string]any{"name": resource.GVK.Version, "schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}}}}}
			all = append(all, definition)
		}
	}
	return append(all, plain("apiregistration.k8s.io/v1", "APIService", "", "v1."))
}

// IsCustom tells whether a definition introduces the kind, or Kubernetes itself.
func IsCustom(resource cluster.Resource) bool {
	group := resource.GVK.Group
	return strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io")
}

func plain(apiVersion, kind, namespace, name string) map[string]any {
	metadata := map[string]any{"name": name, "creationTimestamp": "2025-11-20T09:12:00Z"}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata}
}

// fileOf returns the file below yamls/ that an object is in; empty where it is not collected.
func (b Bundle) fileOf(object map[string]any, plurals map[schema.GroupKind]string) string {
	u := unstructured.Unstructured{Object: object}
	namespace := u.GetNamespace()
	plural := cmp.Or(plurals[u.GroupVersionKind().GroupKind()], strings.ToLower(u.GetKind())+"s")
	file := path.Join(u.GetAPIVersion(), plural+".yaml")
	switch {
	case u.GetKind() == "Secret":
		return ""
	case namespace == "":
		return path.Join("cluster", file)
	case slices.Contains(b.LeftOut, namespace), namespace == "kube-node-lease" && !slices.Contains(b.Extra, namespace):
		return ""
	}
	return path.Join("namespaced", namespace, file)
}

func plurals() map[schema.GroupKind]string {
	plurals := map[schema.GroupKind]string{}
	for _, resource := range cluster.Resources() {
		plurals[resource.GVK.GroupKind()] = resource.Plural
	}
	return plurals
}

// KitList encodes objects as one file of the kit: the answer of the API server in JSON, in which the kit replaces text before it parses
// it, with numbers as float64, and prints it by the YAML library of its time.
func KitList(objects []map[string]any) []byte {
	bare := make([]map[string]any, len(objects))
	for i, object := range objects {
		bare[i] = maps.Clone(object)
		delete(bare[i], "apiVersion")
		delete(bare[i], "kind")
	}
	answer, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": "4711"}, "items": bare})
	if err != nil {
		panic(err)
	}
	var list map[string]any
	if err := json.Unmarshal(KitReplace(answer), &list); err != nil {
		panic(err)
	}
	list["apiVersion"], list["kind"] = "v1", "List"
	for i, item := range list["items"].([]any) {
		item.(map[string]any)["apiVersion"], item.(map[string]any)["kind"] = objects[i]["apiVersion"], objects[i]["kind"]
	}
	text, err := yaml.Marshal(list)
	if err != nil {
		panic(err)
	}
	return text
}

// KitReplace does to JSON what the kit does: nulls and empty strings become the text null, wherever the pattern is.
func KitReplace(text []byte) []byte {
	text = regexp.MustCompile(`("[a-zA-Z]+":)null,`).ReplaceAll(text, []byte(`$1"null",`))
	text = regexp.MustCompile(`(\\"[a-zA-Z]+\\":)null,`).ReplaceAll(text, []byte(`$1\"null\",`))
	return bytes.ReplaceAll(text, []byte(`""`), []byte(`"null"`))
}
