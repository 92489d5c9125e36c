package policy

import (
	"slices"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// Enforcement is what a policy does with a check's findings.
type Enforcement string

// The enforcements.
const (
	// Block lets the check's blocking findings refuse an upgrade. It is the default of every check.
	Block Enforcement = "block"
	// Warn turns the check's findings into warnings.
	Warn Enforcement = "warn"
	// Off leaves the check out; it is Skipped.
	Off Enforcement = "off"
)

// Verdict is what the gate says of an upgrade.
type Verdict string

// The verdicts.
const (
	// Ready means that nothing blocks and that all evidence was read.
	Ready Verdict = "Ready"
	// Blocked means that at least one blocking finding stands.
	Blocked Verdict = "Blocked"
	// Incomplete means that nothing blocks as far as could be read, but a blocking check is Unknown. It refuses, too.
	Incomplete Verdict = "Incomplete"
)

// Waiver is a wish to go on despite a check, written on the Upgrade.
type Waiver struct {
	// Check names the check that is waived; empty where the wish is for every check and none of them refuses.
	Check string `json:"check,omitempty"`
	// Rule narrows the waiver to one rule of the check; empty waives the whole check.
	Rule string `json:"rule,omitempty"`
	// By is where the wish is written: "annotation harvesterhci.io/skipWebhook=true".
	By string `json:"by"`
	// Refused says why the waiver has no effect; empty for one that has.
	Refused string `json:"refused,omitempty"`
}

// Decided is a check's result with what policy and waivers make of it.
type Decided struct {
	checks.Result
	// Enforcement is the policy's for this check.
	Enforcement Enforcement
	// Waivers are those that take effect on this check.
	Waivers []Waiver
	// Blocking are the findings that refuse the upgrade.
	Blocking []checks.Finding
	// Warning are the findings that only warn, by severity, policy or waiver.
	Warning []checks.Finding
	// Undecided is true when the check is Unknown, or has gaps, and that refuses the upgrade.
	Undecided bool
}

// Decision is the verdict, and what it rests on.
type Decision struct {
	Verdict Verdict
	// Checks holds one entry for every check of the chain, in its order.
	Checks []Decided
	// Waivers are all that were found on the Upgrade, with effect or without.
	Waivers []Waiver
	// ExcludedNamespaces are those whose virtual machines the policy leaves out, sorted.
	ExcludedNamespaces []string
}

// Unsettled tells whether a second, later read could turn a refusal into an admission: every blocking finding is of a kind
// that also occurs for seconds in normal life and has not been seen for long enough.
func (d Decision) Unsettled(now time.Time) bool {
	if d.Verdict != Blocked {
		return false
	}
	for _, c := range d.Checks {
		if slices.ContainsFunc(c.Blocking, func(f checks.Finding) bool { return f.Settled(now) }) {
			return false
		}
	}
	return true
}
