package report

import (
	"slices"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// Input is what a Report is made from.
type Input struct {
	// Snapshot is the evidence.
	Snapshot *cluster.Snapshot
	// Request is the upgrade that was judged.
	Request checks.Request
	// Decision is the verdict, and what it rests on.
	Decision policy.Decision
	// NotRun are the names of the checks that the one who asked left out; mostly empty.
	NotRun []string
}

// New returns the Report of one decision.
func New(input Input) Report {
	r := Report{
		SchemaVersion:      SchemaVersion,
		Verdict:            input.Decision.Verdict,
		Target:             input.Request.Version,
		Image:              input.Request.Image,
		Running:            input.Snapshot.RunningVersion(),
		Source:             input.Snapshot.Source(),
		ReadAt:             input.Snapshot.Now().UTC(),
		NotRun:             input.NotRun,
		ExcludedNamespaces: input.Decision.ExcludedNamespaces,
		Waivers:            input.Decision.Waivers,
		Checks:             make([]Check, 0, len(input.Decision.Checks)),
	}
	for _, decided := range input.Decision.Checks {
		r.Checks = append(r.Checks, newCheck(decided))
	}
	r.Evidence = evidenceOf(input.Snapshot, r.Checks)
	return r
}

func evidenceOf(s *cluster.Snapshot, list []Check) []Evidence {
	all, known := []Evidence{}, map[cluster.Kind]bool{}
	for _, c := range list {
		for _, kind := range c.Reads {
			if known[kind] {
				continue
			}
			known[kind] = true
			from := s.Evidence(kind)
			e := Evidence{Kind: kind, State: from.State, Because: from.Because, ResourceVersion: from.ResourceVersion, Count: from.Count}
			if !from.ReadAt.IsZero() {
				at := from.ReadAt.UTC()
				e.ReadAt = &at
			}
			all = append(all, e)
		}
	}
	return all
}

func newCheck(decided policy.Decided) Check {
	c := Check{
		Name:      decided.Check.Name,
		Title:     decided.Check.Title,
		Outcome:   decided.Outcome,
		Severity:  decided.Check.Severity,
		Because:   because(decided.Result),
		Undecided: decided.Undecided,
		Findings:  make([]Finding, 0, len(decided.Findings)),
		Reads:     slices.Concat(decided.Check.Needs, decided.Check.Uses),
	}
	if decided.Enforcement != policy.Block {
		c.Enforcement = decided.Enforcement
	}
	for _, f := range decided.Blocking {
		finding := newFinding(f)
		finding.Blocks = true
		c.Findings = append(c.Findings, finding)
	}
	for _, f := range decided.Warning {
		finding := newFinding(f)
		finding.WaivedBy = waivedBy(decided, f)
		c.Findings = append(c.Findings, finding)
	}
	for _, gap := range decided.Gaps {
		c.Unknown = append(c.Unknown, Unknown{Object: gap.Object, Because: gap.Because})
	}
	return c
}

// notLookedAt begins the reason of a check that came to an outcome, but left out a part of itself.
const notLookedAt = "not looked at: "

func because(result checks.Result) string {
	concluded := result.Outcome == checks.Passed || result.Outcome == checks.Failed
	if concluded && len(result.LeftOut) > 0 {
		return notLookedAt + strings.Join(result.LeftOut, "; ")
	}
	return result.Because
}

func newFinding(f checks.Finding) Finding {
	finding := Finding{Object: f.Object, Rule: f.Rule, Message: f.Message, Remedy: f.Remedy, Transient: f.Transient}
	if !f.Since.IsZero() {
		since := f.Since.UTC()
		finding.Since = &since
	}
	return finding
}

// waivedBy names the waiver but for which a finding would refuse the upgrade; empty where there is none.
func waivedBy(decided policy.Decided, f checks.Finding) string {
	if f.Severity != checks.Block || decided.Enforcement != policy.Block {
		return ""
	}
	for _, waiver := range decided.Waivers {
		if waiver.Rule == "" || waiver.Rule == f.Rule {
			return waiver.By
		}
	}
	return ""
}
