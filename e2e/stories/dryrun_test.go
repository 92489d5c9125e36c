package stories_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Story 3.
func TestADryRunSaysTheSameAndLeavesNothing(t *testing.T) {
	cluster, process := beginGuarded(t, stuck)
	dry := kubectl(t, cluster, "", "create", "--dry-run=server", "-f", manifest)
	if exists(t, cluster) {
		t.Fatal("a dry run has created the Upgrade")
	}
	real := kubectl(t, cluster, "", "create", "-f", manifest)
	for _, refused := range []*answer{&dry, &real} {
		refused.stderr = timeless(refused.stderr)
	}
	if diff := cmp.Diff(real, dry, cmp.AllowUnexported(answer{})); diff != "" {
		t.Errorf("the dry run says something else (-real +dry run):\n%s", diff)
	}
	if dry.code != 1 {
		t.Errorf("the dry run ended with %d, want 1", dry.code)
	}
	// Events are written in the order of the decisions: after the second one, the first would be there.
	if events := awaitEvents(t, cluster, upgradeNamespace, 1); len(events["UpgradeRejected"]) != 1 {
		t.Errorf("events %v, want one UpgradeRejected", events)
	}
	for _, dryRun := range []bool{true, false} {
		if got := metric(t, process, admissions("Blocked", dryRun)); got != 1 {
			t.Errorf("%v refusals counted with dry run %t, want 1", got, dryRun)
		}
	}
}
