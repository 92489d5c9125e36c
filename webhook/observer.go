package webhook

import (
	"context"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

const (
	// observeInterval is how often the cluster is looked at while nobody asks.
	observeInterval = 15 * time.Second
	// syncInterval is how often it is tried while the watch cache is still being filled.
	syncInterval = time.Second
)

// observer runs the chain on the watch cache from time to time, without an upgrade to judge. So the gate's memory knows since
// when a passing state has been there before anybody presses the button, and the metrics say what the button would say.
type observer struct {
	gate   *gate.Gate
	cached cluster.Source
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
	o.told(o.gate.Judge(ctx, o.cached, gate.Request{Request: checks.Request{Unspecified: true}}, o.policy()).Verdict)
}
