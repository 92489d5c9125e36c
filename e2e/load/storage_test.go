package load_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

func volume(name, uid string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "longhorn.io/v1beta2", "kind": "Volume",
		"spec":   map[string]any{"numberOfReplicas": int64(3), "size": "10737418240"},
		"status": map[string]any{"state": "attached", "robustness": "healthy", "currentNodeID": "node1"},
	}}
	object.SetName(name)
	object.SetNamespace("longhorn-system")
	object.SetUID(types.UID(uid))
	return object
}

func TestWhatIsWrittenPastTheAPIServerReadsLikeWhatItStoredItself(t *testing.T) {
	loader, err := load.New(plane.Config, load.Options{Storage: load.NewStorage(plane.EtcdAddress())})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	namespace.SetName("longhorn-system")
	first, second, owned := volume("asked-for", "a"), volume("stored", "b"), volume("owned", "c")
	owned.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "longhorn.io/v1beta2", Kind: "Volume", Name: "stored", UID: second.GetUID()}})
	result, err := loader.Apply(t.Context(), namespace, first, second, owned)
	if err != nil || result.Objects != 4 {
		t.Fatalf("%d objects, %v; want 4", result.Objects, err)
	}
	read := func(name string) *unstructured.Unstructured {
		object, err := loader.Get(t.Context(), load.Reference{Kind: first.GroupVersionKind(), Namespace: "longhorn-system", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return object
	}
	byServer, byUs := read("asked-for"), read("stored")
	uid := byUs.GetUID()
	if uid == "" || uid == byServer.GetUID() || byUs.GetCreationTimestamp().Unix() <= 0 {
		t.Errorf("the metadata is %v, want a uid of its own and a date", byUs.Object["metadata"])
	}
	for _, part := range []string{"spec", "status"} {
		if diff := cmp.Diff(byServer.Object[part], byUs.Object[part]); diff != "" {
			t.Errorf("the %s differs:\n%s", part, diff)
		}
	}
	if owners := read("owned").GetOwnerReferences(); len(owners) != 1 || owners[0].UID != uid {
		t.Errorf("the owners are %v, want the uid %s that the owner has now", owners, uid)
	}
	if seen := kubectl(t, ".metadata.name", "volumes.longhorn.io", "-n", "longhorn-system", "stored"); seen != "stored" {
		t.Errorf("kubectl reads %q", seen)
	}
	if err := loader.Patch(t.Context(), load.ReferenceTo(second), map[string]any{"status": map[string]any{"robustness": "faulted"}}); err != nil {
		t.Fatal(err)
	}
	if robustness, _, _ := unstructured.NestedString(read("stored").Object, "status", "robustness"); robustness != "faulted" {
		t.Errorf("after a change the robustness is %q, want faulted", robustness)
	}
}
