package chart

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const (
	policyMap   = "v1 ConfigMap upgrade-gate upgrade-gate-policy"
	ourOwnSpace = "v1 Namespace  upgrade-gate"
)

// chartLabels are what every object of the chart carries; those of kustomize are some of them.
func chartLabels(component string) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":       "upgrade-gate",
		"app.kubernetes.io/component":  component,
		"app.kubernetes.io/part-of":    "upgrade-gate",
		"app.kubernetes.io/managed-by": "Helm",
		"app.kubernetes.io/version":    "v0.1.0",
		"helm.sh/chart":                "upgrade-gate-0.1.0",
	}
}

// withoutHooks takes away what Helm does not install but runs, and returns their identities.
func withoutHooks(objects map[string]*unstructured.Unstructured) []string {
	var hooks []string
	for id, object := range objects {
		if object.GetAnnotations()["helm.sh/hook"] != "" {
			hooks = append(hooks, id)
			delete(objects, id)
		}
	}
	slices.Sort(hooks)
	return hooks
}

// overlay returns the objects of an overlay with a component, or with none.
func overlay(t *testing.T, name, component string) map[string]*unstructured.Unstructured {
	t.Helper()
	folder := filepath.Join(repository(t), "deploy", "overlays", name)
	if component == "" {
		return kustomized(t, folder)
	}
	own := t.TempDir()
	relative := func(path string) string {
		path, err := filepath.Rel(own, path)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
		"resources":  []string{relative(folder)},
		"components": []string{relative(filepath.Join(repository(t), "deploy", "components", component))},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(own, "kustomization.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return kustomized(t, own)
}

// policyOf replaces the text of the policy by what it says: kustomize's has comments.
func policyOf(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	text, found, err := unstructured.NestedString(object.Object, "data", "policy.yaml")
	if err != nil || !found {
		t.Fatalf("no policy in %v", object.Object)
	}
	var says map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &says); err != nil {
		t.Fatal(err)
	}
	object.Object["data"] = map[string]any{"policy.yaml": says}
}

func TestTheChartRendersWhatKustomizeRenders(t *testing.T) {
	for name, c := range map[string]struct {
		overlay, component string
		values             []string
	}{
		"self-managed":                {"self-managed", "", nil},
		"cert-manager":                {"cert-manager", "", []string{"certificates.mode=cert-manager"}},
		"with the right to read some": {"self-managed", "read-secrets", []string{"readSecrets=true"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"--set=image.tag=dev"}
			for _, value := range c.values {
				args = append(args, "--set="+value)
			}
			want, got := overlay(t, c.overlay, c.component), rendered(t, args...)

			// Helm installs into a namespace that is there, and runs the hook before it removes the gate.
			if want[ourOwnSpace] == nil {
				t.Error("kustomize has lost the namespace")
			}
			delete(want, ourOwnSpace)
			if diff := cmp.Diff([]string{
				"batch/v1 Job upgrade-gate upgrade-gate-unregister",
				"rbac.authorization.k8s.io/v1 ClusterRole  upgrade-gate-unregister",
				"rbac.authorization.k8s.io/v1 ClusterRoleBinding  upgrade-gate-unregister",
				"v1 ServiceAccount upgrade-gate upgrade-gate-unregister",
			}, withoutHooks(got)); diff != "" {
				t.Errorf("hooks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
				t.Fatalf("objects (-kustomize +chart):\n%s", diff)
			}
			policyOf(t, want[policyMap])
			policyOf(t, got[policyMap])
			for id, object := range got {
				if diff := cmp.Diff(chartLabels("webhook"), object.GetLabels()); diff != "" {
					t.Errorf("labels of %s (-want +chart):\n%s", id, diff)
				}
				for key, value := range want[id].GetLabels() {
					if object.GetLabels()[key] != value {
						t.Errorf("%s: kustomize's label %s=%s is not the chart's", id, key, value)
					}
				}
				object.SetLabels(nil)
				want[id].SetLabels(nil)
				if diff := cmp.Diff(want[id].Object, object.Object); diff != "" {
					t.Errorf("%s (-kustomize +chart):\n%s", id, diff)
				}
			}
		})
	}
}
