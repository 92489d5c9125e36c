package cluster_test

import (
	"context"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

func BenchmarkSnapshot(b *testing.B) {
	for _, size := range clustertest.Sizes() {
		generated := clustertest.Generate(size)
		b.Run(size.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cluster.Load(context.Background(), generated, clustertest.Now())
			}
		})
	}
}
