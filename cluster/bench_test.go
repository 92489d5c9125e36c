package cluster_test

import (
	"context"
	"encoding/json"
	"reflect"
	"runtime"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

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

// BenchmarkCacheHeap reports what the watch cache keeps of a cluster: heap-MB is its trimmed objects, untrimmed-MB the same
// objects whole. They come out of JSON one by one, as from a watch, so that they share no text.
func BenchmarkCacheHeap(b *testing.B) {
	for _, size := range clustertest.Sizes() {
		b.Run(size.Name, func(b *testing.B) {
			texts := textsOf(b, clustertest.Generate(size))
			var trimmed, filling, whole float64
			for b.Loop() {
				whole, _ = heapOf(b, texts, false)
				trimmed, filling = heapOf(b, texts, true)
			}
			b.ReportMetric(trimmed, "heap-MB")
			b.ReportMetric(filling, "filling-MB")
			b.ReportMetric(whole, "untrimmed-MB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkCacheHeapByKind reports the same for each kind of the largest cluster, and objects, how many there are.
func BenchmarkCacheHeapByKind(b *testing.B) {
	byKind := map[cluster.Kind][]objectText{}
	for _, text := range textsOf(b, clustertest.Generate(clustertest.Large())) {
		byKind[text.resource.Kind] = append(byKind[text.resource.Kind], text)
	}
	for _, resource := range cluster.Resources() {
		texts := byKind[resource.Kind]
		if len(texts) == 0 {
			continue
		}
		b.Run(string(resource.Kind), func(b *testing.B) {
			var trimmed float64
			for b.Loop() {
				trimmed, _ = heapOf(b, texts, true)
			}
			b.ReportMetric(trimmed, "heap-MB")
			b.ReportMetric(float64(len(texts)), "objects")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// objectText is one object in JSON.
type objectText struct {
	resource cluster.Resource
	text     []byte
}

func textsOf(b *testing.B, generated *clustertest.Cluster) []objectText {
	rows := map[reflect.Type]cluster.Resource{}
	for _, resource := range cluster.Resources() {
		rows[reflect.TypeOf(resource.NewObject())] = resource
	}
	var texts []objectText
	for _, object := range generated.Objects() {
		text, err := json.Marshal(object)
		if err != nil {
			b.Fatal(err)
		}
		texts = append(texts, objectText{rows[reflect.TypeOf(object)], text})
	}
	return texts
}

// heapOf returns how many megabytes the heap grows by when the objects are kept, and by how many while what was seen is remembered for the
// next.
func heapOf(b *testing.B, texts []objectText, trim bool) (kept, filling float64) {
	before := heapInUse()
	trimmed := cluster.SharedTrim()
	objects := make([]client.Object, len(texts))
	for i, text := range texts {
		object := text.resource.NewObject()
		if err := json.Unmarshal(text.text, object); err != nil {
			b.Fatal(err)
		}
		if trim {
			object = trimmedObject(b, trimmed, text.resource, object)
		}
		objects[i] = object
	}
	filled := heapInUse()
	runtime.KeepAlive(trimmed)
	after := heapInUse()
	runtime.KeepAlive(objects)
	return (after - before) / 1e6, (filled - before) / 1e6
}

func trimmedObject(b *testing.B, trim func(cluster.Resource, any) (any, error), resource cluster.Resource, object client.Object) client.Object {
	kept, err := trim(resource, object)
	if err != nil {
		b.Fatal(err)
	}
	return kept.(client.Object)
}

func heapInUse() float64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}
