package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

// volume belongs to a VM that is shut down in the healthy example: it is detached.
const volume = "pvc-f9c21245-e9e5-41ec-ab4e-c39357f65b41"

func TestTheUIShowsTheWarningsOfAnUpgradeThatIsAdmitted(t *testing.T) {
	at := begin(t, "healthy")
	admit(t, at)
	leaveOneReplica(t, at)
	gatetest.Guard(t, at.Cluster, gate.Options{})
	for _, button := range buttons()[:2] {
		t.Run(button.name, func(t *testing.T) {
			got := press(t, at, button.path, button.body, owner())
			if got.status != http.StatusCreated {
				t.Fatalf("Steve answers with %d: %s", got.status, got.body)
			}
			golden(t, "admitted-"+button.golden, strings.Join(got.warnings, "\n"))
			checkWarnings(t, got.warnings)
			checkCreated(t, at, got, button.body)
			t.Run("the page shows them", func(t *testing.T) { showsWarnings(t, got.warnings) })
		})
		forget(t, at)
	}
}

// leaveOneReplica takes two of three replicas from the volume, which is only warned of: the drain passes by it.
func leaveOneReplica(t *testing.T, at *site) {
	t.Helper()
	kind := schema.GroupVersionKind{Group: "longhorn.io", Version: "v1beta2", Kind: "Volume"}
	one := map[string]any{"spec": map[string]any{"numberOfReplicas": 1}}
	if err := at.Loader.Patch(t.Context(), load.Reference{Kind: kind, Namespace: "longhorn-system", Name: volume}, one); err != nil {
		t.Fatal(err)
	}
	kind.Kind = "Replica"
	for _, name := range []string{volume + "-r-08a508ef", volume + "-r-8d54e1ec"} {
		if err := at.Loader.Delete(t.Context(), load.Reference{Kind: kind, Namespace: "longhorn-system", Name: name}); err != nil {
			t.Fatal(err)
		}
	}
}

// checkWarnings looks for our text among the headers, in a form that the page can show: it cuts them at the code, and a
// browser takes every byte of a header for a character.
func checkWarnings(t *testing.T, warnings []string) {
	t.Helper()
	if !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, "single-replica-volumes: volume "+volume) }) {
		t.Errorf("no warning of the volume with one replica: %q", warnings)
	}
	for _, warning := range warnings {
		text, found := strings.CutPrefix(warning, "299 - ")
		if !found || strings.Contains(text, "299 - ") {
			t.Errorf("a page cuts this in a wrong place: %s", warning)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) {
			t.Errorf("a browser garbles what is not ASCII: %s", text)
		}
	}
}

// checkCreated compares what the API server has with what the page asked for: all of it but type, which is Steve's.
func checkCreated(t *testing.T, at *site, got answer, body string) {
	t.Helper()
	created := upgrades(t, at)
	if len(created) != 1 || got.text("id") != namespace+"/"+created[0].GetName() || got.text("type") != "harvesterhci.io.upgrade" {
		t.Fatalf("Steve says that it has created %q, the API server has %d upgrades", got.text("id"), len(created))
	}
	upgrade := created[0]
	want, err := decode(body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Object["spec"], upgrade.Object["spec"]); diff != "" {
		t.Errorf("the spec (-asked for +created):\n%s", diff)
	}
	if diff := cmp.Diff(want.GetAnnotations(), upgrade.GetAnnotations()); diff != "" {
		t.Errorf("the annotations (-asked for +created):\n%s", diff)
	}
	if kind, found := upgrade.Object["type"]; found {
		t.Errorf("the API server has kept type: %v", kind)
	}
}

// upgrades returns the upgrades that a page has created.
func upgrades(t *testing.T, at *site) []unstructured.Unstructured {
	t.Helper()
	list, err := resource(t, at).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list.Items, func(u unstructured.Unstructured) bool {
		return u.GetGenerateName() != "hvst-upgrade-" || u.GetDeletionTimestamp() != nil
	})
}

// forget deletes what a page has created, and waits until the gate would admit another one.
func forget(t *testing.T, at *site) {
	t.Helper()
	for _, upgrade := range upgrades(t, at) {
		if err := resource(t, at).Delete(t.Context(), upgrade.GetName(), metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	gatetest.Await(t, patience, func(ctx context.Context) error {
		_, _, err := at.Kubectl(ctx, nil, "create", "--dry-run=server", "-f", "../../examples/upgrade-v1.4.2.yaml")
		return err
	})
}

func resource(t *testing.T, at *site) dynamic.ResourceInterface {
	t.Helper()
	client, err := dynamic.NewForConfig(at.Config)
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(schema.GroupVersionResource{Group: "harvesterhci.io", Version: "v1beta1", Resource: "upgrades"}).Namespace(namespace)
}

func decode(body string) (*unstructured.Unstructured, error) {
	objects, err := load.Decode([]byte(strings.Replace(body, `"type":"harvesterhci.io.upgrade"`, `"apiVersion":"harvesterhci.io/v1beta1","kind":"Upgrade"`, 1)))
	if err != nil {
		return nil, err
	}
	if len(objects) != 1 {
		return nil, fmt.Errorf("%d objects in %s, want 1", len(objects), body)
	}
	return objects[0], nil
}
