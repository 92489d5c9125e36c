package checks_test

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// BenchmarkBundle reads a support bundle of 200 MB and judges it: zip-MB is the archive, yaml-MB the lists in it, read-ms what opening it takes of ns/op, and
// peak-heap-MB the largest heap of live and not yet collected objects that was sampled, every millisecond.
func BenchmarkBundle(b *testing.B) {
	for _, size := range []clustertest.Size{clustertest.Small(), clustertest.Medium()} {
		b.Run(size.Name, func(b *testing.B) {
			file, yamlSize := writeBundle(b, size)
			info, err := os.Stat(file)
			if err != nil {
				b.Fatal(err)
			}
			var reading time.Duration
			var peak uint64
			b.ReportAllocs()
			for b.Loop() {
				runtime.GC()
				stop := samplePeak()
				started := time.Now()
				source, err := cluster.Open(file, cluster.FolderOptions{})
				if err != nil {
					b.Fatal(err)
				}
				reading += time.Since(started)
				input := checks.Input{Snapshot: cluster.Load(context.Background(), source, clustertest.BundleCreatedAt()), Request: inputRequest(), Settings: checks.DefaultSettings()}
				checks.Run(context.Background(), checks.All(), input)
				peak = max(peak, stop())
				if e := input.Snapshot.Evidence(cluster.Replicas); e.State != cluster.Read || e.Count != 3*size.Volumes {
					b.Fatalf("replicas are %+v", e)
				}
			}
			b.ReportMetric(float64(info.Size())/1e6, "zip-MB")
			b.ReportMetric(float64(yamlSize)/1e6, "yaml-MB")
			b.ReportMetric(float64(reading.Milliseconds())/float64(b.N), "read-ms")
			b.ReportMetric(float64(peak)/1e6, "peak-heap-MB")
		})
	}
}

func inputRequest() checks.Request {
	return checks.Request{Version: "v1.4.2", Unspecified: true}
}

// samplePeak samples the heap until it is stopped, and returns its largest size then.
func samplePeak() (stop func() uint64) {
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		largest, ticker := uint64(0), time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			metrics.Read(sample)
			largest = max(largest, sample[0].Value.Uint64())
			select {
			case <-done:
				peak <- largest
				return
			case <-ticker.C:
			}
		}
	}()
	return func() uint64 {
		close(done)
		return <-peak
	}
}

// writeBundle writes a bundle that is mostly logs: 180 MB that nothing compresses, stored, as the zips of nodes are, and 120 MB of
// text that is deflated to little.
func writeBundle(b *testing.B, size clustertest.Size) (file string, yamlSize int) {
	b.Helper()
	file = filepath.Join(b.TempDir(), clustertest.BundleTop+".zip")
	into, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	defer into.Close()
	writer := zip.NewWriter(into)
	add := func(name string, method uint16, write func(io.Writer)) {
		entry, err := writer.CreateHeader(&zip.FileHeader{Name: clustertest.BundleTop + "/" + name, Method: method})
		if err != nil {
			b.Fatal(err)
		}
		write(entry)
	}
	for name, content := range (clustertest.Bundle{Objects: clustertest.Generate(size).Raw()}).Files() {
		add(name, zip.Deflate, func(w io.Writer) { w.Write(content) })
		yamlSize += len(content)
	}
	noise := rand.NewChaCha8([32]byte{})
	for node := range 18 {
		add(fmt.Sprintf("nodes/node-%02d.zip", node), zip.Store, func(w io.Writer) { io.CopyN(w, noise, 10<<20) })
	}
	for pod := range 60 {
		add(fmt.Sprintf("logs/longhorn-system/pod-%02d/main.log", pod), zip.Deflate, func(w io.Writer) {
			for line := range 20_000 {
				fmt.Fprintf(w, "2026-11-20T09:12:00.%09dZ level=info msg=\"Event received\" replica=pvc-%08d restarts=%d\n", line, line%977, pod)
			}
		})
	}
	if err := writer.Close(); err != nil {
		b.Fatal(err)
	}
	return file, yamlSize
}
