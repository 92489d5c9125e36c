package policy

import (
	"slices"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// switchedOff is why a check that the policy leaves out is Skipped.
const switchedOff = "switched off by the policy"

// Decide applies enforcement and waivers to the results of the chain. The upgrade is Blocked if any blocking finding stands;
// Incomplete if none does, but a blocking check is Unknown or has objects that it could not judge; otherwise Ready.
func (p *Policy) Decide(results []checks.Result, annotations map[string]string) Decision {
	decision := Decision{Verdict: Ready, ExcludedNamespaces: p.ExcludedNamespaces()}
	wishes := readWishes(annotations)
	for _, result := range results {
		decided, refused := p.decideCheck(result, wishes)
		decision.Checks = append(decision.Checks, decided)
		decision.Waivers = append(decision.Waivers, decided.Waivers...)
		decision.Waivers = append(decision.Waivers, refused...)
		switch {
		case len(decided.Blocking) > 0:
			decision.Verdict = Blocked
		case decided.Undecided && decision.Verdict == Ready:
			decision.Verdict = Incomplete
		}
	}
	decision.Waivers = append(decision.Waivers, withoutEffect(wishes, results, decision.Waivers)...)
	return decision
}

// decideCheck applies the policy and the wishes to one result. The second value holds the wishes that would have mattered but
// are refused.
func (p *Policy) decideCheck(result checks.Result, wishes []wish) (decided Decided, refused []Waiver) {
	enforcement := p.Enforcement(result.Check.Name)
	if enforcement == Off {
		result = checks.Result{Check: result.Check, Outcome: checks.Skipped, Because: switchedOff, Duration: result.Duration}
	}
	decided = Decided{Result: result, Enforcement: enforcement}
	if enforcement != Block {
		decided.Warning = result.Findings
		return decided, nil
	}
	waiving := map[int]bool{}
	waived := func(rule string) bool {
		granted := false
		for i, w := range wishes {
			if w.matches(result.Check.Name, rule) {
				waiving[i] = true
				granted = granted || w.problem == "" && result.Check.Waivable
			}
		}
		return granted
	}
	for _, finding := range result.Findings {
		if finding.Severity == checks.Block && !waived(finding.Rule) {
			decided.Blocking = append(decided.Blocking, finding)
		} else {
			decided.Warning = append(decided.Warning, finding)
		}
	}
	unread := result.Outcome == checks.Unknown || len(result.Gaps) > 0
	decided.Undecided = unread && result.Check.Severity == checks.Block && !waived("")
	for i, w := range wishes {
		if !waiving[i] {
			continue
		}
		if waiver := w.waiver(result.Check); waiver.Refused == "" {
			decided.Waivers = append(decided.Waivers, waiver)
		} else {
			refused = append(refused, waiver)
		}
	}
	return decided, refused
}

// withoutEffect returns the wishes that nothing in the results called for, so that the report shows them all the same. A wish
// about a check that is not in the chain is left out.
func withoutEffect(wishes []wish, results []checks.Result, mentioned []Waiver) []Waiver {
	var rest []Waiver
	for _, w := range wishes {
		if slices.ContainsFunc(mentioned, func(m Waiver) bool { return m.By == w.by }) {
			continue
		}
		known := slices.ContainsFunc(results, func(r checks.Result) bool { return r.Check.Name == w.check })
		if w.check == "" || known {
			rest = append(rest, Waiver{Check: w.check, Rule: w.rule, By: w.by, Refused: w.problem})
		}
	}
	return rest
}
