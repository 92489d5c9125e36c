package drain_test

import (
	"context"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// BenchmarkEvictions asks, for each node of a healthy cluster in turn, what is evicted, by whom that is refused and what Longhorn holds.
func BenchmarkEvictions(b *testing.B) {
	for _, size := range clustertest.Sizes() {
		s := cluster.Load(context.Background(), clustertest.Generate(size), clustertest.Now())
		rules := drain.LonghornRulesFor(s, "v1.8.0")
		b.Run(size.Name, func(b *testing.B) {
			for b.Loop() {
				budgets := drain.NewBudgets(s.DisruptionBudgets(), s.Pods())
				for _, node := range s.Nodes() {
					for _, pod := range drain.EvictedFrom(s, node.Name) {
						if !drain.LeavesWithVM(s, pod) && drain.Intercepted(s, pod) == nil && !drain.IsInstanceManager(pod) {
							budgets.Evict(pod)
						}
					}
					state := drain.ManagerState{Rules: rules, Gone: drain.LeavesNode(s, node.Name, rules)}
					if holds := drain.HoldsInstanceManager(s, node.Name, state); len(holds) > 0 {
						b.Fatalf("%s: %s", node.Name, holds[0].Because)
					}
				}
			}
		})
	}
}
