package load_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

// family is an object that names its owner in three ways, and the owner, which names it back and comes second.
const family = `
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: launcher
    namespace: default
    uid: 11111111-0000-0000-0000-000000000001
    labels: {kubevirt.io/created-by: 11111111-0000-0000-0000-000000000002, app: other}
    annotations: {example.io/migrationUID: 11111111-0000-0000-0000-000000000002}
    ownerReferences:
    - {apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, name: guest, uid: 11111111-0000-0000-0000-000000000002}
    - {apiVersion: v1, kind: ConfigMap, name: elsewhere, uid: 11111111-0000-0000-0000-000000000003}
  spec: {containers: [{name: compute, image: none}]}
- apiVersion: kubevirt.io/v1
  kind: VirtualMachineInstance
  metadata: {name: guest, namespace: default, uid: 11111111-0000-0000-0000-000000000002}
  spec: {domain: {devices: {}}}
  status: {activePods: {11111111-0000-0000-0000-000000000001: node1}}
`

func TestObjectsNameEachOtherByTheUIDsThatTheyHave(t *testing.T) {
	objects, err := load.Decode([]byte(family))
	if err != nil {
		t.Fatal(err)
	}
	loader, err := load.New(plane.Config, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, again := range []string{"loaded", "loaded once more", "made anew"} {
		if again == "made anew" {
			for _, made := range objects {
				if err := loader.Delete(t.Context(), load.ReferenceTo(made)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := loader.Apply(t.Context(), objects...); err != nil {
			t.Fatal(err)
		}
		owner := kubectl(t, ".metadata.uid", "vmi", "guest")
		want := owner + " other " + owner + " " + owner + " 11111111-0000-0000-0000-000000000003"
		got := kubectl(t, `.metadata.labels.kubevirt\.io/created-by} {.metadata.labels.app} {.metadata.annotations.example\.io/migrationUID} {.metadata.ownerReferences[*].uid`, "pod", "launcher")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", again, diff)
		}
	}
	if uid := objects[0].GetUID(); uid != "11111111-0000-0000-0000-000000000001" {
		t.Errorf("the argument was changed: %s", uid)
	}
}
