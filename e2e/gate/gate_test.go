package gate_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
)

func TestAGateStartsWithTheShippedRightsAndStops(t *testing.T) {
	started := time.Now()
	since := func() time.Duration { return time.Since(started).Round(time.Millisecond) }
	folder, err := gate.Example("healthy")
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := gate.StartCluster(t.Context(), gate.ClusterOptions{Folder: folder, Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("%s: cluster", since())
	process, err := cluster.StartGate(t.Context(), gate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: gate", since())
	metrics, err := process.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(metrics, "upgrade_gate_cache_age_seconds") {
		t.Errorf("no age of the cache in the metrics:\n%s", metrics)
	}
	rss, err := process.RSS()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MiB resident", rss>>20)
	lines, err := process.Log()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if line.Message == "" || line.Level == "error" {
			t.Errorf("in the log: %s", line.Raw)
		}
	}
	if err := process.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("%s: stopped", since())
}
