package drain_test

import (
	"context"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

func TestAGeneratedClusterIsUpgradedWithoutAHang(t *testing.T) {
	for _, size := range []clustertest.Size{clustertest.Small(), clustertest.Medium()} {
		t.Run(size.Name, func(t *testing.T) {
			plan := drain.Simulate(cluster.Load(context.Background(), clustertest.Generate(size), clustertest.Now()), "v1.4.2")
			if len(plan.Nodes) != size.Nodes || len(plan.Unknown) > 0 || len(plan.Before) > 0 {
				t.Fatalf("%d nodes, unknown %v, before %+v", len(plan.Nodes), plan.Unknown, plan.Before)
			}
			for _, node := range plan.Nodes {
				if len(node.Stops) > 0 || len(node.ShutDowns) > 0 || len(node.Moves) == 0 {
					t.Fatalf("%s: %d moves, shut down %v, stops %+v", node.Node, len(node.Moves), node.ShutDowns, node.Stops)
				}
			}
		})
	}
}

func BenchmarkSimulate(b *testing.B) {
	for _, size := range clustertest.Sizes() {
		snapshot := cluster.Load(context.Background(), clustertest.Generate(size), clustertest.Now())
		b.Run(size.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				drain.Simulate(snapshot, "v1.4.2")
			}
		})
	}
}
