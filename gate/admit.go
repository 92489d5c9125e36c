package gate

import (
	"context"
	"slices"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// secondLook is how long after the first live read a second one follows, when all that blocks are states that also occur for
// seconds in normal life.
const secondLook = 10 * time.Second

// Advance refuses from the watch cache what it shows to be blocked, and says nothing otherwise: the second value is false when
// only a live read can tell.
func (g *Gate) Advance(ctx context.Context, cached cluster.Source, request Request, rules *policy.Policy) (report.Report, bool) {
	input := g.Examine(ctx, cached, request, rules)
	if input.Decision.Verdict != policy.Blocked || !certain(input, g.Now()) {
		return report.Report{}, false
	}
	return report.New(input), true
}

// certain tells whether the watch cache is enough to refuse on: at least one blocking finding is no passing state, and rests on
// watched evidence. What is polled may be minutes old and repaired since.
func certain(input report.Input, now time.Time) bool {
	polled := func(kind cluster.Kind) bool {
		return cluster.Polled(kind) && input.Snapshot.Evidence(kind).State == cluster.Read
	}
	for _, c := range input.Decision.Checks {
		if slices.ContainsFunc(c.Check.Needs, polled) || slices.ContainsFunc(c.Check.Uses, polled) {
			continue
		}
		if slices.ContainsFunc(c.Blocking, func(f checks.Finding) bool { return f.Settled(now) }) {
			return true
		}
	}
	return false
}

// Admit judges an upgrade for admission: fast to refuse, slow to allow. What the watch cache shows to be blocked is refused
// from it at once. Everything else is decided on a live read, and on a second one if all that blocks may just be passing.
// ctx's deadline is the API server's; what is undecided then is Unknown.
func (g *Gate) Admit(ctx context.Context, cached, live cluster.Source, request Request, rules *policy.Policy) report.Report {
	if refusal, refused := g.Advance(ctx, cached, request, rules); refused {
		return refusal
	}
	input := g.Examine(ctx, live, request, rules)
	if input.Decision.Unsettled(g.Now()) && g.wait(ctx) {
		input = g.Examine(ctx, live, request, rules)
	}
	return report.New(input)
}

// wait waits for the second look; false where the deadline leaves no time for it.
func (g *Gate) wait(ctx context.Context) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < secondLook+secondLook/2 {
		return false
	}
	timer := time.NewTimer(secondLook)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
