package cluster_test

import (
	"context"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// healthy is the healthy example cluster, object by object.
func healthy(t testing.TB) []map[string]any {
	t.Helper()
	objects, err := clustertest.RawFolder(os.DirFS("../examples/clusters/healthy"))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// sparse is the healthy cluster with one object of each kind in each namespace, and all namespaces.
func sparse(t testing.TB) []map[string]any {
	t.Helper()
	seen := map[string]bool{}
	return slices.DeleteFunc(healthy(t), func(object map[string]any) bool {
		u := unstructured.Unstructured{Object: object}
		key := u.GetKind() + " " + u.GetAPIVersion() + " " + u.GetNamespace()
		defer func() { seen[key] = true }()
		return seen[key] && u.GetKind() != "Namespace"
	})
}

// pack returns the files of a bundle, with some that are changed or added, and without others.
func pack(bundle clustertest.Bundle, changed map[string]string, without ...string) fstest.MapFS {
	packed := fstest.MapFS{}
	for name, content := range bundle.Files() {
		packed[name] = &fstest.MapFile{Data: content}
	}
	for name, content := range changed {
		packed[name] = &fstest.MapFile{Data: []byte(content)}
	}
	for _, name := range without {
		delete(packed, name)
	}
	return packed
}

func loadBundle(t testing.TB, files fstest.MapFS) *cluster.Snapshot {
	t.Helper()
	bundle, err := cluster.ReadSupportBundle(files, clustertest.BundleTop+".zip")
	if err != nil {
		t.Fatal(err)
	}
	return cluster.Load(context.Background(), bundle, bundle.CollectedAt())
}

func TestABundleHoldsTheObjectsOfItsCluster(t *testing.T) {
	folder, err := cluster.ReadFolder("../examples/clusters/healthy", cluster.FolderOptions{AssumeComplete: true})
	if err != nil {
		t.Fatal(err)
	}
	want := cluster.Load(context.Background(), folder, clustertest.BundleCreatedAt())
	files := pack(clustertest.Bundle{Objects: healthy(t)}, nil)
	got := loadBundle(t, files)
	bundle, err := cluster.ReadSupportBundle(files, "bundle.zip")
	if err != nil {
		t.Fatal(err)
	}
	unlike := map[cluster.Kind]cluster.ReadState{}
	for _, resource := range append(cluster.Resources(), cluster.GrantedResources()...) {
		evidence := got.Evidence(resource.Kind)
		switch resource.Kind {
		case cluster.CustomResourceDefinitions, cluster.APIServices: // Every cluster has them, and the example leaves them out.
			continue
		}
		if evidence.State != cluster.Read || evidence.Count != want.Evidence(resource.Kind).Count {
			unlike[resource.Kind] = evidence.State
			t.Logf("%s: %+v, in the folder %d", resource.Kind, evidence, want.Evidence(resource.Kind).Count)
			continue
		}
		inFolder, _ := folder.List(context.Background(), resource)
		inBundle, _ := bundle.List(context.Background(), resource)
		if diff := cmp.Diff(contentsOf(t, resource, inFolder), contentsOf(t, resource, inBundle)); diff != "" {
			t.Errorf("%s (-folder +bundle):\n%s", resource.Kind, diff)
		}
	}
	if diff := cmp.Diff(map[cluster.Kind]cluster.ReadState{cluster.Secrets: cluster.NotGranted, cluster.NodeLeases: cluster.Unread}, unlike); diff != "" {
		t.Errorf("kinds that a bundle does not hold (-want +got):\n%s", diff)
	}
	for _, kind := range []cluster.Kind{cluster.KubeletStats, cluster.KubeletConfig, cluster.ServedCertificates} {
		if e := got.Evidence(kind); e.State != cluster.Unread || e.Because[:len("a support bundle does not hold")] != "a support bundle does not hold" {
			t.Errorf("%s: %+v, want unread because a bundle does not hold it", kind, e)
		}
	}
}

// contentsOf returns what is kept of objects, by namespace and name, without what the kit's encoding cannot tell from an absent field.
func contentsOf(t *testing.T, resource cluster.Resource, objects []client.Object) map[string]any {
	t.Helper()
	contents := map[string]any{}
	for _, object := range objects {
		trimmed, err := resource.Trim(object.DeepCopyObject())
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(trimmed)
		if err != nil {
			t.Fatal(err)
		}
		var content any
		if err := json.Unmarshal(text, &content); err != nil {
			t.Fatal(err)
		}
		contents[cluster.NameOf(object).String()] = withoutNothing(content)
	}
	return contents
}

// withoutNothing leaves out of a value the entries that are null, or an empty text, object or array.
func withoutNothing(value any) any {
	object, ok := value.(map[string]any)
	if elements, isArray := value.([]any); isArray {
		for i := range elements {
			elements[i] = withoutNothing(elements[i])
		}
	}
	if !ok {
		return value
	}
	for key, entry := range object {
		entry = withoutNothing(entry)
		of := reflect.ValueOf(entry)
		if object[key] = entry; entry == nil || of.Kind() != reflect.Float64 && of.Kind() != reflect.Bool && of.Len() == 0 {
			delete(object, key)
		}
	}
	return object
}

func TestAnObjectInTwoVersionsIsCountedOnce(t *testing.T) {
	files := pack(clustertest.Bundle{Objects: sparse(t)}, map[string]string{
		"yamls/cluster/storage.k8s.io/v1beta1/storageclasses.yaml": list("storage.k8s.io/v1beta1", "StorageClass", "harvester-longhorn", "only-here"),
		"yamls/cluster/storage.k8s.io/v2/storageclasses.yaml":      list("storage.k8s.io/v2", "StorageClass", "harvester-longhorn"),
	})
	snapshot := loadBundle(t, files)
	got := map[string]int{}
	for _, class := range snapshot.StorageClasses() {
		got[class.Name]++
		if class.Name == "harvester-longhorn" && class.Provisioner == "" {
			t.Errorf("class %s is that of another version than the table's", class.Name)
		}
	}
	for name, count := range got {
		if count != 1 {
			t.Errorf("class %s is counted %d times", name, count)
		}
	}
	if got["only-here"] != 1 {
		t.Errorf("the class that only one version has is missing from %v", got)
	}
}

func TestAnyVersionOfAKindIsRead(t *testing.T) {
	files := pack(clustertest.Bundle{Objects: sparse(t)}, nil)
	old, moved := "yamls/namespaced/fleet-local/cluster.x-k8s.io/v1beta1/machines.yaml", "yamls/namespaced/fleet-local/cluster.x-k8s.io/v1beta2/machines.yaml"
	if files[old] == nil {
		t.Fatal("the example has no machines")
	}
	files[moved] = files[old]
	delete(files, old)
	if got := loadBundle(t, files).Evidence(cluster.Machines); got.State != cluster.Read || got.Count != 1 {
		t.Errorf("machines are %+v, want 1 read", got)
	}
}

func TestListsInOtherFormsOfYAMLAreRead(t *testing.T) {
	objects := sparse(t)
	const item = `{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"a"},"provisioner":"null"}`
	for name, content := range map[string]string{
		"JSON":                  `{"apiVersion":"v1","kind":"List","items":[` + item + `]}`,
		"flow style":            "apiVersion: v1\nkind: List\nitems: [" + item + "]\n",
		"indented items":        "apiVersion: v1\nkind: List\nitems:\n  - metadata:\n      name: a\n    provisioner: \"null\"\n",
		"flow style in a block": "---\n# a list\nkind: List\nitems:\n- " + item + "\n",
		"a typed list":          "apiVersion: storage.k8s.io/v1\nkind: StorageClassList\nitems:\n\n- metadata: {name: a}\n\nmetadata:\n  resourceVersion: \"1\"\n",
		"comments":              "kind: List\nitems:\n- metadata:\n# a comment\n    name: a\n",
		"managed fields":        "items:\n- metadata:\n    managedFields:\n    - manager: x\n\n      fieldsV1:\n        f:a: {}\n    name: a\n  provisioner: \"null\"\nkind: List\n",
	} {
		t.Run(name, func(t *testing.T) {
			snapshot := loadBundle(t, pack(clustertest.Bundle{Objects: objects}, map[string]string{"yamls/cluster/storage.k8s.io/v1/storageclasses.yaml": content}))
			if classes := snapshot.StorageClasses(); len(classes) != 1 || classes[0].Name != "a" || classes[0].Provisioner != "" {
				t.Errorf("got %+v of %d, %+v", snapshot.Evidence(cluster.StorageClasses), len(classes), classes)
			}
		})
	}
	snapshot := loadBundle(t, pack(clustertest.Bundle{Objects: objects}, map[string]string{"yamls/cluster/storage.k8s.io/v1/storageclasses.yaml": "apiVersion: v1\nitems: []\nkind: List\n"}))
	if got := snapshot.Evidence(cluster.StorageClasses); got.State != cluster.Read || got.Count != 0 {
		t.Errorf("an empty list is %+v", got)
	}
}
