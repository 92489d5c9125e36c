package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
)

// BenchmarkIdleMemory reports what the gate takes when its cache is full and nobody has asked it anything. It starts a gate of
// its own.
func BenchmarkIdleMemory(b *testing.B) {
	needCluster(b)
	process := startAnother(b)
	for b.Loop() { // it is measured once, below
	}
	b.ReportMetric(0, "ns/op")
	report(b, process)
}

// quiet is how long the memory may not have shrunk before it counts as settled: longer than the gate waits between two
// returns of unused memory to the system.
const quiet = 75 * time.Second

// report reports the process's memory: rss-MB is all of it, of which anonymous-MB are its own and the rest pages of the
// program's file, which the system may drop; heap-MB is Go's heap.
func report(b *testing.B, process *gate.Process) {
	b.Helper()
	lowest, since := int64(1<<62), time.Now()
	if err := gate.Await(b.Context(), 3*patience, func(context.Context) error {
		rss, err := memory(process.ID(), "VmRSS:")
		if err != nil {
			return err
		}
		if rss < lowest-lowest/100 {
			lowest, since = rss, time.Now()
		}
		if time.Since(since) < quiet {
			return errors.New("the gate's memory has not settled")
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	anonymous, err := memory(process.ID(), "RssAnon:")
	if err != nil {
		b.Fatal(err)
	}
	heap, err := process.Metric(b.Context(), "go_memstats_heap_alloc_bytes")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(lowest)/1e6, "rss-MB")
	b.ReportMetric(float64(anonymous)/1e6, "anonymous-MB")
	b.ReportMetric(heap/1e6, "heap-MB")
}

// memory returns one figure of /proc/PID/status in bytes.
func memory(pid int, name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("measuring the gate's memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name); found {
			var kibibytes int64
			if _, err := fmt.Sscanf(value, "%d kB", &kibibytes); err != nil {
				return 0, fmt.Errorf("measuring the gate's memory: %w", err)
			}
			return kibibytes << 10, nil
		}
	}
	return 0, fmt.Errorf("measuring the gate's memory: no %s", name)
}
