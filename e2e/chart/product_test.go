package chart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// TestTheGateKnowsEveryArgumentThatTheChartGivesIt asks the binary for help behind the arguments: it complains of one that it does not know
// before it helps.
func TestTheGateKnowsEveryArgumentThatTheChartGivesIt(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "upgrade-gate")
	if err := tools.Product(t.Context(), t.Output(), binary); err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string]string{
		"as it is":     "logLevel=info",
		"cert-manager": "certificates.mode=cert-manager",
		"all others":   "advanceRefusal.enabled=false,readSecrets=true,logLevel=debug",
	} {
		t.Run(name, func(t *testing.T) {
			got := rendered(t, "--set="+values)
			for _, id := range []string{deployment, job} {
				_, container := podSpec(t, got[id])
				args, _, _ := unstructured.NestedStringSlice(container, "args")
				out, stderr, err := run(t, binary, append(args, "--help")...)
				if err != nil || !strings.Contains(out, "upgrade-gate "+args[0]) {
					t.Errorf("upgrade-gate %s: %v\n%s", strings.Join(args, " "), err, stderr)
				}
			}
		})
	}
	if _, _, err := run(t, binary, "serve", "--no-such-flag", "--help"); err == nil {
		t.Error("the binary helps in spite of a flag that it does not know, so this test shows nothing")
	}
}

func TestTheGateAcceptsThePolicyThatTheChartWrites(t *testing.T) {
	documentation, err := os.ReadFile(filepath.Join(repository(t), "docs", "policy.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(documentation), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	var indented strings.Builder
	for line := range strings.Lines(example) {
		if !strings.HasPrefix(line, "apiVersion:") && !strings.HasPrefix(line, "kind:") {
			indented.WriteString("  " + line)
		}
	}
	for name, c := range map[string]struct{ values, holds string }{
		"the default":                    {"", "checks: {}"},
		"everything that is documented":  {"policy:\n" + indented.String(), "certificateWarnAge: 720h"},
		"a bare off which YAML calls no": {"policy: {checks: {paused-vms: {enforcement: off}}}", "enforcement: false"},
		"nothing of it":                  {"policy: {checks: null}", "kind: Policy"},
		"a large number":                 {"policy: {thresholds: {diskHeadroom: 14000000000}}", "diskHeadroom: "},
	} {
		t.Run(name, func(t *testing.T) {
			got := rendered(t, "--values="+writeFile(t, "values.yaml", c.values+"\n"))
			text, _, err := unstructured.NestedString(got[policyMap].Object, "data", "policy.yaml")
			if err != nil || !strings.Contains(text, c.holds) {
				t.Errorf("%v, the policy lacks %q:\n%s", err, c.holds, text)
			}
			if _, err := policy.Parse("policy.yaml", []byte(text)); err != nil {
				t.Errorf("%v in:\n%s", err, text)
			}
		})
	}
}
