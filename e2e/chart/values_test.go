package chart

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

const (
	deployment = "apps/v1 Deployment upgrade-gate upgrade-gate"
	job        = "batch/v1 Job upgrade-gate upgrade-gate-unregister"
)

func fileObjects(t *testing.T, path string) map[string]*unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, string(text))
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// podSpec returns the spec of the pods of a Deployment or Job, and their only container.
func podSpec(t *testing.T, object *unstructured.Unstructured) (spec, container map[string]any) {
	t.Helper()
	spec, found, err := unstructured.NestedMap(object.Object, "spec", "template", "spec")
	if err != nil || !found {
		t.Fatalf("%s has no pods", identity(object))
	}
	containers := spec["containers"].([]any)
	if len(containers) != 1 {
		t.Fatalf("%s has %d containers", identity(object), len(containers))
	}
	return spec, containers[0].(map[string]any)
}

func TestTheHookRunsTheGatesOwnImageAsThePodsOfTheGateRun(t *testing.T) {
	got := rendered(t, "--set=global.cattle.systemDefaultRegistry=registry.example.com/mirror,image.repository=gate,image.tag=v9",
		"--set=nodeSelector.disk=fast,priorityClassName=urgent,imagePullSecrets[0].name=login")
	gate, gateContainer := podSpec(t, got[deployment])
	hook, hookContainer := podSpec(t, got[job])
	for _, field := range []string{"nodeSelector", "tolerations", "priorityClassName", "imagePullSecrets", "securityContext"} {
		if diff := cmp.Diff(gate[field], hook[field]); diff != "" || gate[field] == nil {
			t.Errorf("%s (-gate +hook):\n%s", field, diff)
		}
	}
	for _, field := range []string{"image", "imagePullPolicy", "securityContext"} {
		if diff := cmp.Diff(gateContainer[field], hookContainer[field]); diff != "" {
			t.Errorf("%s (-gate +hook):\n%s", field, diff)
		}
	}
	if hookContainer["image"] != "registry.example.com/mirror/gate:v9" {
		t.Errorf("image %v", hookContainer["image"])
	}
	if diff := cmp.Diff([]any{"unregister"}, hookContainer["args"]); diff != "" {
		t.Errorf("args (-want +got):\n%s", diff)
	}
	labels, _, _ := unstructured.NestedMap(got[job].Object, "spec", "template", "metadata", "labels")
	if selector, _, _ := unstructured.NestedMap(got[deployment].Object, "spec", "selector", "matchLabels"); cmp.Equal(selector, labels) {
		t.Error("the Service would send calls to the hook's pod")
	}
}

func TestTheHookMayDeleteTheTwoConfigurationsAndNothingElse(t *testing.T) {
	got := rendered(t)
	role := got["rbac.authorization.k8s.io/v1 ClusterRole  upgrade-gate-unregister"]
	rule := func(resource, name string) map[string]any {
		return map[string]any{
			"apiGroups": []any{"admissionregistration.k8s.io"}, "resources": []any{resource},
			"resourceNames": []any{name}, "verbs": []any{"delete"},
		}
	}
	want := []any{rule("validatingwebhookconfigurations", "upgrade-gate"), rule("mutatingwebhookconfigurations", "upgrade-gate-advance")}
	if diff := cmp.Diff(want, role.Object["rules"]); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	account := []any{map[string]any{"kind": "ServiceAccount", "name": "upgrade-gate-unregister", "namespace": "upgrade-gate"}}
	bound := 0
	for id, object := range got {
		if !cmp.Equal(account, object.Object["subjects"]) {
			continue
		}
		bound++
		if object.GetName() != "upgrade-gate-unregister" || object.Object["roleRef"].(map[string]any)["name"] != "upgrade-gate-unregister" {
			t.Errorf("%s gives the hook more", id)
		}
	}
	if bound != 1 {
		t.Errorf("the hook's account is bound %d times", bound)
	}
	// The roles are there before the Job runs: Helm runs hooks in the order of their weight.
	weights := map[string]string{}
	for _, object := range got {
		if annotations := object.GetAnnotations(); annotations["helm.sh/hook"] == "pre-delete" {
			weights[object.GetKind()] = annotations["helm.sh/hook-weight"]
		}
	}
	if diff := cmp.Diff(map[string]string{"ServiceAccount": "-2", "ClusterRole": "-2", "ClusterRoleBinding": "-1", "Job": "0"}, weights); diff != "" {
		t.Errorf("weights (-want +got):\n%s", diff)
	}
}

func TestOneValueSwitchesTheAdvanceRefusalOff(t *testing.T) {
	got := rendered(t, "--set=advanceRefusal.enabled=false")
	withoutHooks(got)
	for id, object := range got {
		text, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "upgrade-gate-advance") {
			t.Errorf("%s still names the configuration:\n%s", id, text)
		}
	}
	if _, container := podSpec(t, got[deployment]); !slices.Contains(container["args"].([]any), any("--mutating-configuration=")) {
		t.Errorf("the gate waits for a configuration that is not there: %v", container["args"])
	}
}

func TestTheChartInstallsWhereTheReleaseIs(t *testing.T) {
	text, stderr, err := run(t, program(t, tools.Helm()), "template", "gate", chartFolder(t), "--namespace=elsewhere", kubeVersion,
		"--set=certificates.mode=cert-manager,readSecrets=true,podMonitor.enabled=true,prometheusRule.enabled=true,networkPolicy.enabled=true")
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	home := []string{"", "elsewhere", "default", "harvester-system", "fleet-local", "cattle-system", "cattle-fleet-system"}
	for id, object := range objects(t, text) {
		if !slices.Contains(home, object.GetNamespace()) {
			t.Errorf("%s is in another namespace", id)
		}
		content, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, trace := range []string{`"namespace":"upgrade-gate"`, "upgrade-gate.upgrade-gate", `upgrade-gate/upgrade-gate-serving`, `namespace=\"upgrade-gate\"`} {
			if strings.Contains(string(content), trace) {
				t.Errorf("%s holds %s:\n%s", id, trace, content)
			}
		}
	}
}

func TestWhatIsOffByDefaultIsThereWhenItIsSwitchedOn(t *testing.T) {
	ids := map[string]string{
		"podMonitor.enabled=true":                             "monitoring.coreos.com/v1 PodMonitor upgrade-gate upgrade-gate",
		"podMonitor.enabled=true,prometheusRule.enabled=true": "monitoring.coreos.com/v1 PrometheusRule upgrade-gate upgrade-gate",
		"networkPolicy.enabled=true":                          "networking.k8s.io/v1 NetworkPolicy upgrade-gate upgrade-gate",
	}
	byDefault := rendered(t)
	for values, id := range ids {
		if byDefault[id] != nil {
			t.Errorf("%s is there by default", id)
		}
		if rendered(t, "--set="+values)[id] == nil {
			t.Errorf("%s is not there with %s", id, values)
		}
	}
	if budget := "policy/v1 PodDisruptionBudget upgrade-gate upgrade-gate"; byDefault[budget] == nil || rendered(t, "--set=podDisruptionBudget.enabled=false")[budget] != nil {
		t.Error("the disruption budget is not there by default, or cannot be switched off")
	}
}
