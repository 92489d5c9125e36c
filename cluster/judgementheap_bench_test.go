package cluster_test

import (
	"context"
	"encoding/json"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// BenchmarkJudgementHeap reports what of the heap is in use, not what is garbage: cache-MB with the watch cache's objects, indexed-MB with a
// Snapshot of them too, and judging-MB at most while the chain, with the drain, runs on a second Snapshot of the same objects, as when an
// upgrade is admitted.
func BenchmarkJudgementHeap(b *testing.B) {
	for _, size := range clustertest.Sizes() {
		b.Run(size.Name, func(b *testing.B) {
			generated := clustertest.Generate(size)
			texts := textsOf(b, generated)
			var cached, indexed, judging float64
			for b.Loop() {
				before := heapInUse()
				kept := trimmedOf(b, generated, texts)
				cached = (heapInUse() - before) / 1e6
				first := cluster.Load(context.Background(), kept, clustertest.Now())
				indexed = (heapInUse() - before) / 1e6
				judging = (peakInUse(func() { judge(kept) }) - before) / 1e6
				runtime.KeepAlive(first)
			}
			b.ReportMetric(cached, "cache-MB")
			b.ReportMetric(indexed, "indexed-MB")
			b.ReportMetric(judging, "judging-MB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// keptCluster is a generated cluster as the watch cache holds it.
type keptCluster struct {
	*clustertest.Cluster
	objects map[cluster.Kind][]client.Object
}

func (k keptCluster) List(ctx context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	if resource.Grant != nil {
		return k.Cluster.List(ctx, resource)
	}
	return k.objects[resource.Kind], cluster.Evidence{State: cluster.Read, ReadAt: clustertest.Now()}
}

func trimmedOf(b *testing.B, generated *clustertest.Cluster, texts []objectText) keptCluster {
	trimmed := cluster.SharedTrim()
	kept := keptCluster{generated, map[cluster.Kind][]client.Object{}}
	for _, text := range texts {
		object := text.resource.NewObject()
		if err := json.Unmarshal(text.text, object); err != nil {
			b.Fatal(err)
		}
		kept.objects[text.resource.Kind] = append(kept.objects[text.resource.Kind], trimmedObject(b, trimmed, text.resource, object))
	}
	return kept
}

func judge(source cluster.Source) {
	snapshot := cluster.Load(context.Background(), source, clustertest.Now())
	checks.Run(context.Background(), checks.All(), checks.Input{
		Snapshot: snapshot, Request: checks.Request{Version: "v1.4.2"}, Settings: checks.DefaultSettings(),
	})
}

// peakInUse returns the most that a collection found in use while the function ran, in bytes. It has them follow each other closely.
func peakInUse(run func()) float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	done := make(chan struct{})
	peak := uint64(0)
	var watching sync.WaitGroup
	watching.Go(func() {
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for ticker := time.NewTicker(time.Millisecond); ; {
			select {
			case <-done:
				ticker.Stop()
				return
			case <-ticker.C:
				metrics.Read(sample)
				peak = max(peak, sample[0].Value.Uint64())
			}
		}
	})
	run()
	close(done)
	watching.Wait()
	return float64(peak)
}
