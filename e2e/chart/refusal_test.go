package chart

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

func TestHelmLintsTheChartWithEveryValueOnAndOff(t *testing.T) {
	for name, args := range map[string][]string{
		"as it is": nil,
		"everything": {"--set=certificates.mode=cert-manager,readSecrets=true,podMonitor.enabled=true,prometheusRule.enabled=true," +
			"networkPolicy.enabled=true,imagePullSecrets[0].name=login,policy.checks.paused-vms.enforcement=warn"},
		"little": {"--set=advanceRefusal.enabled=false,podDisruptionBudget.enabled=false,priorityClassName=,replicas=1"},
	} {
		t.Run(name, func(t *testing.T) {
			out, stderr, err := run(t, program(t, tools.Helm()), append([]string{"lint", "--strict", kubeVersion, chartFolder(t)}, args...)...)
			if err != nil || strings.Contains(out, "[WARNING]") || strings.Contains(out, "[ERROR]") {
				t.Errorf("%v\n%s%s", err, out, stderr)
			}
		})
	}
}

func TestAWrongValueIsOneClearErrorAndNothingIsRendered(t *testing.T) {
	for name, c := range map[string]struct{ values, want string }{
		"no replica":                  {"replicas=0", "at '/replicas': minimum: got 0, want 1"},
		"a mode that is none":         {"certificates.mode=letsencrypt", "at '/certificates/mode': value must be one of 'self-managed', 'cert-manager'"},
		"a field that is none":        {"replica=3", "at '': additional properties 'replica' not allowed"},
		"a check that is none":        {"policy.checks.paused-vm.enforcement=warn", "at '/policy/checks': additional properties 'paused-vm' not allowed"},
		"an enforcement that is none": {"policy.checks.paused-vms.enforcement=maybe", "at '/policy/checks/paused-vms/enforcement': value must be one of"},
		"a size that is none":         {"policy.thresholds.diskHeadroom=lots", "at '/policy/thresholds/diskHeadroom': 'lots' does not match pattern"},
		"a threshold that is none":    {"policy.thresholds.diskHeadrom=1Gi", "at '/policy/thresholds': additional properties 'diskHeadrom' not allowed"},
		"a level that is none":        {"logLevel=loud", "at '/logLevel': value must be one of"},
		"no image":                    {"image.repository=", "at '/image/repository': '' does not match pattern"},
		"a tag in the repository":     {"image.repository=registry.example.com/gate:v1", "at '/image/repository': 'registry.example.com/gate:v1' does not match pattern"},
		"a switch that is a word":     {"advanceRefusal.enabled=perhaps", "at '/advanceRefusal/enabled': got string, want boolean"},
		"alerts without metrics":      {"prometheusRule.enabled=true", "prometheusRule.enabled needs podMonitor.enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, err := template(t, "--set="+c.values)
			if err == nil || stdout != "" {
				t.Fatalf("error %v, rendered:\n%s", err, stdout)
			}
			if !strings.Contains(stderr, c.want) || strings.Count(stderr, "- at '") > 1 {
				t.Errorf("want %q alone, got:\n%s", c.want, stderr)
			}
		})
	}
}

func TestTheAddonsValuesAreValuesOfTheChart(t *testing.T) {
	for id, object := range fileObjects(t, filepath.Join(repository(t), "deploy", "addon", "upgrade-gate.yaml")) {
		if object.GetKind() != "Addon" {
			continue
		}
		spec := object.Object["spec"].(map[string]any)
		values := writeFile(t, "values.yaml", spec["valuesContent"].(string))
		got := rendered(t, "--values="+values)
		if len(got) < 20 {
			t.Errorf("%s renders %d objects", id, len(got))
		}
		return
	}
	t.Error("no Addon in the file")
}
