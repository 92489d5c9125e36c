package policy

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

func TestTheExampleInTheDocumentationIsAPolicyOfDefaults(t *testing.T) {
	page, err := os.ReadFile("../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "```yaml\n")
	example, _, found := strings.Cut(after, "```\n")
	if !found {
		t.Fatal("docs/policy.md has no example")
	}
	got, err := parse("docs/policy.md", []byte(example), []string{"disk-space", "snapshot-anomalies"})
	if err != nil {
		t.Fatal(err)
	}
	want := checks.DefaultSettings()
	want.ExcludedNamespaces = map[string]bool{"sandbox": true}
	if diff := cmp.Diff(want, got.Settings(nil)); diff != "" {
		t.Errorf("settings (-default +example):\n%s", diff)
	}
	for _, threshold := range thresholds() {
		if !strings.Contains(example, "\n  "+threshold.name+": ") {
			t.Errorf("the example does not show %s", threshold.name)
		}
	}
}
