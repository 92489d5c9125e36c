package load_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/crds"
	"github.com/upgrade-gate/upgrade-gate/e2e/kubelets"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

// plane is the control plane that all tests of this package share.
var plane *controlplane.ControlPlane

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	definitions, err := crds.All(context.Background(), os.Stderr)
	if err == nil {
		plane, err = controlplane.Start(context.Background(), controlplane.Options{CRDs: definitions, Progress: os.Stderr})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping:", err)
			code = 1
		}
	}()
	return m.Run()
}

// kubectl reads one field of one object with the real kubectl.
func kubectl(t *testing.T, field string, args ...string) string {
	t.Helper()
	stdout, _, err := plane.Kubectl(t.Context(), nil, append(append([]string{"get"}, args...), "-o", "jsonpath={"+field+"}")...)
	if err != nil {
		t.Fatal(err)
	}
	return stdout
}

func TestALoadedClusterReadsBackAsWritten(t *testing.T) {
	folder := filepath.Join("testdata", "cluster")
	fleet, err := kubelets.Start(kubelets.Options{Folder: folder, Authority: plane.ClusterCA, Config: plane.Config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fleet.Stop(); err != nil {
			t.Error(err)
		}
	})
	for range 2 { // loading again replaces
		result, err := load.Load(t.Context(), plane.Config, folder, load.Options{Mutate: fleet.Mutate})
		if err != nil {
			t.Fatal(err)
		}
		if result.Objects != 12 {
			t.Errorf("%d objects, want 12", result.Objects)
		}
	}
	for _, c := range []struct{ name, want, field, object string }{
		{"a node's conditions come from the file", "KubeletReady", ".status.conditions[0].reason", "node node1"},
		{"a node has no taint that the file has not", "", ".spec.taints", "node node1"},
		{"a node's address is its kubelet's", "127.0.0.1", ".status.addresses[0].address", "node node1"},
		{"a node's port is its kubelet's", fmt.Sprint(fleet.Node("node1").Port()), ".status.daemonEndpoints.kubeletEndpoint.Port", "node node1"},
		{"a pod runs where the file says, with a class nobody knows", "node1 no-such-class Running", ".spec.nodeName} {.spec.priorityClassName} {.status.phase", "pod virt-launcher-db-1-abcde"},
		{"a service keeps its address", "10.53.0.10", ".spec.clusterIP", "service rke2-coredns -n kube-system"},
		{"a namespace that was there gets its labels", "blue", ".metadata.labels.team", "namespace default"},
		{"a claim is bound", "Bound", ".status.phase", "pvc db-1-disk"},
		{"a kind with a status subresource has its status", "Paused", ".status.printableStatus", "vm db-1"},
		{"metadata inside a template is kept", "db", ".spec.template.metadata.labels.app", "vm db-1"},
		{"a kind without a status subresource has its status", "PausedIOError", ".status.conditions[0].reason", "vmi db-1"},
		{"an owner that is not loaded keeps the uid of the file", "22222222-2222-2222-2222-222222222222", ".metadata.ownerReferences[0].uid", "vmi db-1"},
		{"an engine has its replicas' modes", `{"pvc-1-r-1":"ERR"}`, ".status.replicaModeMap", "engines.longhorn.io pvc-1-e-0 -n longhorn-system"},
		{"a setting has its value at the top", "v1.5.1", ".value", "settings.harvesterhci.io server-version"},
		{"a terminating object keeps its own finalizer and its status", `["kubevirt.io/migrationJobFinalize"] Running`, ".metadata.finalizers} {.status.phase", "vmim db-1-migration"},
		{"a terminating object without finalizer gets ours", `["` + load.Finalizer + `"]`, ".metadata.finalizers", "replicas.longhorn.io pvc-1-r-1 -n longhorn-system"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, kubectl(t, c.field, strings.Fields(c.object)...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, object := range []string{"vmim db-1-migration", "replicas.longhorn.io pvc-1-r-1 -n longhorn-system"} {
		if kubectl(t, ".metadata.deletionTimestamp", strings.Fields(object)...) == "" {
			t.Errorf("%s is not terminating", object)
		}
	}
}

// object decodes one object.
func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	objects, err := load.Decode([]byte(text))
	if err != nil || len(objects) != 1 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	return objects[0]
}

func TestRejectionsNameTheObjectAndSpareTheOthers(t *testing.T) {
	err := load.Apply(t.Context(), plane.Config,
		object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: good, namespace: default}, data: {a: b}}`),
		object(t, `{apiVersion: kubevirt.io/v1, kind: KubeVirt, metadata: {name: bad, namespace: default}, spec: {invention: 1}}`),
		object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: lost, namespace: nowhere}}`),
		object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: homeless}}`),
	)
	for _, want := range []string{
		"creating KubeVirt default/bad:", `unknown field "spec.invention"`,
		"creating ConfigMap nowhere/lost:", "creating ConfigMap homeless: the kind is namespaced",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err lacks %q: %v", want, err)
		}
	}
	var rejection *load.Rejection
	if !errors.As(err, &rejection) {
		t.Errorf("err = %v holds no rejection", err)
	}
	if got := kubectl(t, ".data.a", "configmap", "good"); got != "b" {
		t.Errorf("data.a = %q, want b", got)
	}
}

func TestAKindWithoutCRDIsARejection(t *testing.T) {
	err := load.Apply(t.Context(), plane.Config,
		object(t, `{apiVersion: example.org/v1, kind: Thing, metadata: {name: x, namespace: default}}`))
	if err == nil || !strings.Contains(err.Error(), "creating Thing default/x: the API server does not serve this kind") {
		t.Errorf("err = %v", err)
	}
}

func TestRepairingOneObject(t *testing.T) {
	loader, err := load.New(plane.Config, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	engine := object(t, `
apiVersion: longhorn.io/v1beta2
kind: Engine
metadata: {name: pvc-2-e-0, namespace: default, finalizers: [longhorn.io]}
spec: {volumeName: pvc-2, nodeID: node1}
status: {currentState: error}`)
	ref := load.ReferenceTo(engine)
	if err := loader.Replace(t.Context(), engine); err != nil {
		t.Fatal(err)
	}
	err = loader.Patch(t.Context(), ref, map[string]any{
		"spec":   map[string]any{"nodeID": "node2"},
		"status": map[string]any{"currentState": "running"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := loader.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	node, _, _ := unstructured.NestedString(got.Object, "spec", "nodeID")
	state, _, _ := unstructured.NestedString(got.Object, "status", "currentState")
	if node != "node2" || state != "running" {
		t.Errorf("nodeID = %s, currentState = %s; want node2, running", node, state)
	}
	if err := loader.Delete(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if _, err := loader.Get(t.Context(), ref); !apierrors.IsNotFound(err) {
		t.Errorf("after Delete: %v, want not found", err)
	}
	if err := loader.Delete(t.Context(), ref); err != nil {
		t.Errorf("deleting what is not there: %v", err)
	}
}

func TestSkippedObjectsAreNotLoaded(t *testing.T) {
	loader, err := load.New(plane.Config, load.Options{Skip: func(o *unstructured.Unstructured) bool { return o.GetName() == "skipped" }})
	if err != nil {
		t.Fatal(err)
	}
	result, err := loader.Apply(t.Context(), object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: skipped, namespace: default}}`))
	if err != nil || result.Objects != 0 {
		t.Errorf("%d objects, %v; want none", result.Objects, err)
	}
	ref := load.Reference{Kind: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, Namespace: "default", Name: "skipped"}
	if _, err := loader.Get(t.Context(), ref); !apierrors.IsNotFound(err) {
		t.Errorf("err = %v, want not found", err)
	}
}

func TestDecodeNamesTheBrokenDocument(t *testing.T) {
	_, err := load.Decode([]byte("# only a comment\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nkind: [\n"))
	if err == nil || !strings.Contains(err.Error(), "document 3") {
		t.Errorf("err = %v, want the number of the document", err)
	}
}

func TestLoadingEndsWithTheContext(t *testing.T) {
	loader, err := load.New(plane.Config, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	result, err := loader.Apply(ctx, object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: late, namespace: default}}`))
	if !errors.Is(err, context.Canceled) || result.Objects != 0 {
		t.Errorf("%d objects, %v; want none, and the context's error", result.Objects, err)
	}
}
