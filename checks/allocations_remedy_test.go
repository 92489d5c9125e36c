package checks_test

import (
	"strings"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/checks/checktest"
)

func TestRemediesNameTheAllocationsOfPodsThatAreGone(t *testing.T) {
	check, _ := checks.Find("storage-network-exhausted")
	c := checktest.Cases(t, check.Name)["addresses-of-pods-that-are-gone"]
	findings := c.Result(t, check, checks.DefaultSettings()).Findings
	if len(findings) != 1 || !strings.Contains(findings[0].Remedy, " of spec.allocations, whose pods are gone: kubectl ") {
		t.Errorf("got %+v, want one finding whose remedy names the entries", findings)
	}
}
