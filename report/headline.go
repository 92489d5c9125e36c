package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/upgrade-gate/upgrade-gate/policy"
)

// headline is the verdict: its word, "BLOCKED", and what it means in one sentence.
func (r Report) headline() (word, text string) {
	upgrade := strings.TrimSpace("an upgrade " + r.target())
	if r.Running != "" {
		upgrade += " (from " + printable(r.Running) + ")"
	}
	switch r.Verdict {
	case policy.Blocked:
		return "BLOCKED", fmt.Sprintf("%s in %s would make %s hang, fail or lose data.",
			counted(r.count(true), "problem"), counted(len(r.named(Check.blocks)), "check"), upgrade)
	case policy.Incomplete:
		undecided := r.named(func(c Check) bool { return c.Undecided })
		return "INCOMPLETE", fmt.Sprintf("nothing that blocks %s was found, but %s could not be judged.", upgrade, counted(len(undecided), "check"))
	}
	return "READY", fmt.Sprintf("nothing stands in the way of %s.", upgrade)
}

// origin says where the evidence comes from, and of when it is.
func (r Report) origin() string {
	return fmt.Sprintf("Evidence: %s, as of %s.", printable(r.Source), r.ReadAt.UTC().Format(time.RFC3339))
}

// fact is what a finding states, as one sentence, and since when where that is known.
func (r Report) fact(f Finding) string {
	fact := sentence(printable(f.Message))
	if f.Since == nil {
		return fact
	}
	fact += " Since " + f.Since.UTC().Format(time.RFC3339)
	if !saysAge.MatchString(f.Message) {
		fact += ", " + f.age(r.ReadAt)
	}
	return fact + "."
}
