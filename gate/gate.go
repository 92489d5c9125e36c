// Package gate is the whole product in one short function, Judge: read the cluster, run the checks, apply the policy, report.
package gate

import (
	"context"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// Request is the upgrade to judge, and the annotations on it, which may carry waivers.
type Request struct {
	checks.Request
	Annotations map[string]string
}

// Gate judges upgrades.
type Gate struct {
	// Checks is the chain.
	Checks []checks.Check
	// Memory knows since when findings have been seen; nil means that nothing is remembered.
	Memory *Memory
	// Plans keeps what the rolling upgrade would do while nothing changes; nil means that each upgrade is simulated anew.
	Plans *drain.Plans
	// Now is the clock.
	Now func() time.Time
	// Observe is told every result of the chain, for metrics; nil means nobody.
	Observe func([]checks.Result)
}

// Judge reads the cluster from a source, runs every check on it, and says whether the upgrade may begin.
func (g *Gate) Judge(ctx context.Context, source cluster.Source, request Request, rules *policy.Policy) report.Report {
	return report.New(g.Examine(ctx, source, request, rules))
}

// maxReserve is what is kept of the time for the checks: several times what they take on a large cluster.
const maxReserve = 2 * time.Second

// reserve returns a context for reading that leaves a tenth of the time to the checks, so that a report can name what could not be
// read in time. Otherwise it could only say of every check that it was not done.
func reserve(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(time.Until(deadline)/10, maxReserve)))
}

// Examine is Judge for those who show more of the cluster than the Report does: it returns what a Report is made from.
func (g *Gate) Examine(ctx context.Context, source cluster.Source, request Request, rules *policy.Policy) report.Input {
	reading, done := reserve(ctx)
	snapshot := cluster.Load(reading, source, g.Now())
	done()
	results := checks.Run(ctx, g.Checks, checks.Input{Snapshot: snapshot, Request: request.Request, Settings: rules.Settings(request.Annotations), Plans: g.Plans})
	g.Memory.Date(results, snapshot.Now())
	if g.Observe != nil {
		g.Observe(results)
	}
	decision := rules.Decide(results, request.Annotations)
	return report.Input{Snapshot: snapshot, Request: request.Request, Decision: decision}
}
