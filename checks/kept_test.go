package checks_test

import (
	"slices"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/checks/checktest"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// simulated are the checks that look at the simulated upgrade.
func simulated(t *testing.T) []checks.Check {
	t.Helper()
	var found []checks.Check
	for _, name := range []string{"drain-stuck", "drain-disruption"} {
		check, known := checks.Find(name)
		if !known {
			t.Fatalf("there is no check %s", name)
		}
		found = append(found, check)
	}
	return found
}

func TestAKeptPlanGivesEveryFixtureTheResultOfAFreshProcess(t *testing.T) {
	for _, check := range checks.All() {
		t.Run(check.Name, func(t *testing.T) { checktest.Kept(t, check, simulated(t)) })
	}
}

func TestTheSimulationReadsTheEvidenceOfItsChecks(t *testing.T) {
	for _, check := range simulated(t) {
		for _, kind := range slices.Concat(check.Needs, check.Uses) {
			if !slices.Contains(drain.Reads(), kind) {
				t.Errorf("%s needs %s, which the simulation is not shown", check.Name, kind)
			}
		}
	}
}
