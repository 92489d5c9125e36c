package checks_test

import (
	"os"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/checks/checktest"
)

func TestEveryCheckOnItsFixtures(t *testing.T) {
	for _, check := range checks.All() {
		t.Run(check.Name, func(t *testing.T) { checktest.Run(t, check) })
	}
}

func TestNoCheckPassesBecauseEvidenceWasDamaged(t *testing.T) {
	for seed, check := range checks.All() {
		t.Run(check.Name, func(t *testing.T) { checktest.Damage(t, check, uint64(seed)) })
	}
}

func TestWhatIsInOtherNamespacesChangesNoFindingOfChecksThatJudgeEachByItself(t *testing.T) {
	for _, check := range checks.All() {
		t.Run(check.Name, func(t *testing.T) { checktest.Namespaces(t, check) })
	}
}

func TestEveryCheckHasMetadataAndCasesOfEveryClass(t *testing.T) {
	seen := map[string]bool{}
	for _, check := range checks.All() {
		if err := check.Validate(); err != nil {
			t.Error(err)
		}
		if seen[check.Name] {
			t.Errorf("two checks are named %s", check.Name)
		}
		seen[check.Name] = true
		classes := map[checktest.Class]int{}
		for _, c := range checktest.Cases(t, check.Name) {
			classes[c.Class()]++
		}
		for _, class := range []checktest.Class{checktest.Fails, checktest.LookAlike, checktest.Unknown} {
			if classes[class] == 0 {
				t.Errorf("check %s has no case of class %q", check.Name, class)
			}
		}
	}
}

func TestEveryFixtureBelongsToACheck(t *testing.T) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if _, ok := checks.Find(entry.Name()); !ok {
			t.Errorf("testdata/%s belongs to no check", entry.Name())
		}
	}
}
