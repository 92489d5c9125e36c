package checktest

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// Kept runs checks of the simulated upgrade on every case of another check, again and again while time passes, as a process does that keeps
// the plan. Each must come to what it comes to in a process that has kept nothing.
func Kept(t *testing.T, of checks.Check, simulated []checks.Check) {
	t.Helper()
	for name, c := range Cases(t, of.Name) {
		t.Run(name, func(t *testing.T) {
			source, plans := c.source(t, true), drain.NewPlans()
			remembered := cluster.Remembering(source)
			for _, later := range []time.Duration{0, 15 * time.Second} {
				run := func(from cluster.Source, plans *drain.Plans) []checks.Result {
					snapshot := cluster.Load(context.Background(), from, c.now.Add(later))
					return checks.Run(context.Background(), simulated, checks.Input{Snapshot: snapshot, Request: c.request, Settings: checks.DefaultSettings(), Plans: plans})
				}
				kept, fresh := run(remembered, plans), run(source, nil)
				for i := range fresh {
					if !sameResult(kept[i], fresh[i]) {
						t.Errorf("%s, %s later: %s keeps %+v, and a fresh process finds %+v", name, later, fresh[i].Check.Name, kept[i], fresh[i])
					}
				}
			}
		})
	}
}

func sameResult(a, b checks.Result) bool {
	a.Check, b.Check, a.Duration, b.Duration = checks.Check{}, checks.Check{}, 0, 0
	return reflect.DeepEqual(a, b)
}
