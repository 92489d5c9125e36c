package manifests

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

const chart = "../chart/upgrade-gate"

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func sorted[V any](fields map[string]V) []string {
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestSchemaOfTheChartKnowsEveryCheckAndEveryThreshold(t *testing.T) {
	type object struct {
		Properties map[string]json.RawMessage
	}
	var schema struct {
		Properties struct {
			Policy struct {
				Properties struct{ Checks, Thresholds object }
			}
		}
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(chart, "values.schema.json"))), &schema); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, check := range checks.All() {
		names = append(names, check.Name)
	}
	slices.Sort(names)
	policy := schema.Properties.Policy.Properties
	if diff := cmp.Diff(names, sorted(policy.Checks.Properties)); diff != "" {
		t.Errorf("checks (-want +schema):\n%s", diff)
	}
	// The example of the documentation names every threshold, which a test there sees to.
	_, example, _ := strings.Cut(read(t, "../../docs/policy.md"), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	var documented struct{ Thresholds map[string]any }
	if err := yaml.Unmarshal([]byte(example), &documented); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sorted(documented.Thresholds), sorted(policy.Thresholds.Properties)); diff != "" {
		t.Errorf("thresholds (-want +schema):\n%s", diff)
	}
}

func TestAlertsAreMadeOfMetricsThatExist(t *testing.T) {
	metrics := read(t, "../../webhook/metrics.go")
	used := regexp.MustCompile(`upgrade_gate_\w+`).FindAllString(read(t, filepath.Join(chart, "templates/prometheusrule.yaml")), -1)
	if len(used) < 4 {
		t.Fatalf("the alerts use %v only", used)
	}
	for _, name := range used {
		if !strings.Contains(metrics, `"`+name+`"`) {
			t.Errorf("an alert uses %s, which the gate does not have", name)
		}
	}
}

func TestNothingThatIsInstalledSetsACABundle(t *testing.T) {
	seen := 0
	for _, pattern := range []string{"../base/*.yaml", "../overlays/*/*.yaml", chart + "/templates/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			seen++
			if strings.Contains(read(t, path), "caBundle:") {
				t.Errorf("%s sets a caBundle, which the gate or cert-manager sets at run time", path)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d files were looked at", seen)
	}
}

func TestTheAddonIsOfTheChartAsItIs(t *testing.T) {
	var metadata struct{ Name, Version, AppVersion string }
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chart, "Chart.yaml"))), &metadata); err != nil {
		t.Fatal(err)
	}
	_, document, _ := strings.Cut(read(t, "../addon/upgrade-gate.yaml"), "\n---\n")
	var addon struct {
		APIVersion, Kind string
		Metadata         struct{ Name, Namespace string }
		Spec             map[string]any
	}
	if err := yaml.Unmarshal([]byte(document), &addon); err != nil {
		t.Fatal(err)
	}
	if addon.APIVersion != "harvesterhci.io/v1beta1" || addon.Kind != "Addon" || addon.Metadata.Name != Name || addon.Metadata.Namespace != Namespace {
		t.Errorf("the second document is %s %s %+v", addon.APIVersion, addon.Kind, addon.Metadata)
	}
	if diff := cmp.Diff([]string{"chart", "enabled", "repo", "valuesContent", "version"}, sorted(addon.Spec)); diff != "" {
		t.Errorf("fields of spec (-want +got):\n%s", diff)
	}
	if addon.Spec["chart"] != metadata.Name || addon.Spec["version"] != metadata.Version || addon.Spec["enabled"] != false {
		t.Errorf("the addon is of %v %v, enabled %v; the chart is %+v", addon.Spec["chart"], addon.Spec["version"], addon.Spec["enabled"], metadata)
	}
	var defaults, values map[string]any
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chart, "values.yaml"))), &defaults); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict([]byte(addon.Spec["valuesContent"].(string)), &values); err != nil {
		t.Fatal(err)
	}
	for name := range values {
		if _, ok := defaults[name]; !ok {
			t.Errorf("the addon sets %s, which the chart does not know", name)
		}
	}
}
