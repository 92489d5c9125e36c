package stories_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
)

// calls returns how often the API server has called the gate, whatever became of it.
func calls(t *testing.T, process *gate.Process) float64 {
	t.Helper()
	total := 0.0
	for _, phase := range []string{"advance", "validate"} {
		total += metric(t, process, fmt.Sprintf(`upgrade_gate_admission_duration_seconds_count{phase=%q}`, phase))
	}
	lines, err := process.Log()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if line.Logger == "admission" && line.Level == "warn" { // what is passed unjudged is in no metric
			total++
		}
	}
	return total
}

// step is one change of an object that kubectl makes.
type step struct {
	name string
	args []string
	// judged is whether the gate is asked; refusal is what kubectl then says, empty if the gate admits.
	judged  bool
	refusal string
}

// takes runs the steps in their order.
func takes(t *testing.T, cluster *gate.Cluster, process *gate.Process, steps []step) {
	t.Helper()
	for _, step := range steps {
		before, decided := calls(t, process), len(decisions(t, process))
		got := kubectl(t, cluster, "", step.args...)
		if refused := got.code != 0; refused != (step.refusal != "") || !strings.Contains(got.stderr, step.refusal) {
			t.Errorf("%s: kubectl ended with %d and wrote %s", step.name, got.code, got.stderr)
		}
		if called := calls(t, process) > before; called != step.judged {
			t.Errorf("%s: the gate was called: %t, want %t", step.name, called, step.judged)
		}
		if judged := len(decisions(t, process)) > decided; judged != step.judged {
			t.Errorf("%s: the gate has decided: %t, want %t", step.name, judged, step.judged)
		}
	}
}

// Story 7.
func TestOnlyAChangedTargetOfAnUpgradeIsJudged(t *testing.T) {
	cluster, process := beginGuarded(t, healthy)
	patch := func(patch string) []string {
		return []string{"patch", "-n", upgradeNamespace, "upgrades.harvesterhci.io", upgradeName, "--type=merge", "--patch=" + patch}
	}
	takes(t, cluster, process, []step{
		{name: "created", args: []string{"apply", "-f", manifest}, judged: true},
		{name: "the controller's status", args: patch(`{"status":{"conditions":[{"type":"ImageReady","status":"True"}],"nodeStatuses":{"node-1":{"state":"Images preloaded"}}}}`)},
		{name: "the controller's label", args: patch(`{"metadata":{"labels":{"harvesterhci.io/upgradeState":"PreparingRepo"}}}`)},
		{name: "another field", args: patch(`{"spec":{"logEnabled":true}}`)},
		{name: "the same version again", args: patch(`{"spec":{"version":"v1.4.2"}}`)},
		{name: "another version", args: patch(`{"spec":{"version":"v9.9.9"}}`), judged: true, refusal: "Upgrade to v9.9.9 refused"},
		{name: "an image", args: patch(`{"spec":{"image":"harvester-system/nowhere"}}`), judged: true, refusal: "harvester-system/nowhere"},
		{name: "deleted", args: []string{"delete", "-n", upgradeNamespace, "upgrades.harvesterhci.io", upgradeName}},
	})
	lines := decisions(t, process)
	if got := lines[len(lines)-1].Text("operation"); got != "UPDATE" {
		t.Errorf("the last decision is about %s, want UPDATE", got)
	}
}

// Story 7.
func TestOnlyAChangedTargetOfAnUpgradePlanIsJudged(t *testing.T) {
	cluster, process := beginGuarded(t, healthy)
	plan := `
apiVersion: management.harvesterhci.io/v1beta1
kind: UpgradePlan
metadata: {name: plan}
spec: {version: v1.4.2}
`
	before := calls(t, process)
	if created := kubectl(t, cluster, plan, "create", "-f", "-"); created.code != 0 {
		t.Fatal(created.stderr)
	}
	if calls(t, process) == before {
		t.Error("the gate was not called for the created plan")
	}
	if events := awaitEvents(t, cluster, "default", 1)["UpgradeAdmitted"]; len(events) != 1 || events[0].Regarding.Kind != "UpgradePlan" {
		t.Errorf("events %v, want one UpgradeAdmitted that regards the UpgradePlan", events)
	}
	patch := func(patch string, more ...string) []string {
		return append([]string{"patch", "upgradeplans.management.harvesterhci.io", "plan", "--type=merge", "--patch=" + patch}, more...)
	}
	takes(t, cluster, process, []step{
		{name: "the controller's status", args: patch(`{"status":{"currentPhase":"ISODownloading"}}`, "--subresource=status")},
		{name: "a label", args: patch(`{"metadata":{"labels":{"a":"b"}}}`)},
		{name: "another version", args: patch(`{"spec":{"version":"v9.9.9"}}`), judged: true, refusal: "Upgrade to v9.9.9 refused"},
	})
}

// Story 7. Harvester's UI lets the API server make up the name.
func TestAGeneratedNameIsJudged(t *testing.T) {
	cluster, process := beginGuarded(t, healthy)
	generated := `
apiVersion: harvesterhci.io/v1beta1
kind: Upgrade
metadata: {generateName: hvst-upgrade-, namespace: harvester-system}
spec: {version: v1.4.2}
`
	created := kubectl(t, cluster, generated, "create", "-f", "-", "-o", "name")
	if created.code != 0 {
		t.Fatal(created.stderr)
	}
	_, name, _ := strings.Cut(strings.TrimSpace(created.stdout), "/")
	admitted := awaitEvents(t, cluster, upgradeNamespace, 1)["UpgradeAdmitted"]
	if len(admitted) != 1 || admitted[0].Regarding.Name != name {
		t.Errorf("events %v, want one UpgradeAdmitted that regards %s", admitted, name)
	}
	if deleted := kubectl(t, cluster, "", "delete", "-n", upgradeNamespace, "upgrades.harvesterhci.io", name); deleted.code != 0 {
		t.Fatal(deleted.stderr)
	}

	pause(t, cluster, vmi("shop", "db-1"))
	gatetest.Await(t, patience, func(ctx context.Context) error { // until the cache knows, so that the refusal is in advance
		status, err := refusal(ctx, t, cluster)
		lines := decisions(t, process)
		if err == nil && (status == nil || lines[len(lines)-1].Text("phase") != "advance") {
			err = fmt.Errorf("not refused in advance: %v", status)
		}
		return err
	})
	if refused := kubectl(t, cluster, generated, "create", "-f", "-"); !strings.Contains(refused.stderr, "VM shop/db-1") {
		t.Errorf("kubectl ended with %d and wrote %s", refused.code, refused.stderr)
	}
	rejected := awaitEvents(t, cluster, upgradeNamespace, 2)["UpgradeRejected"]
	if len(rejected) != 1 || rejected[0].Regarding.Name != "hvst-upgrade-…" {
		t.Errorf("events %v, want one UpgradeRejected that regards hvst-upgrade-…", rejected)
	}
}
