package webhook

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

const (
	// observeInterval is how often the cluster is looked at while nobody asks.
	observeInterval = 15 * time.Second
	// syncInterval is how often it is tried while the watch cache is still being filled.
	syncInterval = time.Second
	// preparedPlans is for how many targets the rolling upgrade is simulated before anybody presses the button.
	preparedPlans = 3
)

// observer runs the chain on the watch cache from time to time, without an upgrade to judge. So the gate's memory knows since
// when a passing state has been there before anybody presses the button, and the metrics say what the button would say.
type observer struct {
	gate   *gate.Gate
	cached cluster.Source
	// plans are those that admissions are judged by; nil where none are kept.
	plans  *drain.Plans
	synced func() error
	policy func() *policy.Policy
	told   func(policy.Verdict)
	after  func(time.Duration) <-chan time.Time
}

// run looks until ctx ends; it then returns nil.
func (o *observer) run(ctx context.Context) error {
	for {
		pause := syncInterval
		if o.synced() == nil {
			o.look(ctx)
			pause = observeInterval
		}
		select {
		case <-ctx.Done():
			return nil
		case <-o.after(pause):
		}
	}
}

func (o *observer) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, observeInterval)
	defer cancel()
	seen := o.gate.Examine(ctx, o.cached, gate.Request{Request: checks.Request{Unspecified: true}}, o.policy())
	o.told(seen.Decision.Verdict)
	for _, target := range nextVersions(seen.Snapshot) {
		if ctx.Err() != nil {
			return
		}
		o.plans.Of(seen.Snapshot, target)
	}
}

// nextVersions returns the versions that the cluster is most likely asked to be upgraded to: those after the one that runs of which it has a
// Version, the nearest first.
func nextVersions(s *cluster.Snapshot) []string {
	running := cluster.ParseVersion(s.RunningVersion())
	if running == nil {
		return nil
	}
	var next []string
	for _, v := range s.Versions() {
		if to := cluster.ParseVersion(v.Name); v.Namespace == cluster.HarvesterNamespace && to != nil && to.GreaterThan(running) {
			next = append(next, v.Name)
		}
	}
	slices.SortFunc(next, func(a, b string) int {
		if cluster.ParseVersion(a).LessThan(cluster.ParseVersion(b)) {
			return -1
		}
		if cluster.ParseVersion(b).LessThan(cluster.ParseVersion(a)) {
			return 1
		}
		return strings.Compare(a, b)
	})
	return next[:min(len(next), preparedPlans)]
}
