// Package gatetest starts clusters and gates that end with a test, and ends the test where one of them does not do what the test is not about.
package gatetest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
)

// Start starts a control plane that holds an example cluster, such as "healthy"; "" is that of options.Folder, or an empty one.
// Progress goes to stderr. It ends with the test.
func Start(t testing.TB, example string, options gate.ClusterOptions) *gate.Cluster {
	t.Helper()
	if example != "" {
		folder, err := gate.Example(example)
		if err != nil {
			t.Fatal(err)
		}
		options.Folder = folder
	}
	options.Progress = os.Stderr
	cluster, err := gate.StartCluster(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error("stopping:", err)
		}
	})
	return cluster
}

// Guard starts a gate before the upgrade button of a cluster. When the test fails, what the gate has decided is shown.
func Guard(t testing.TB, cluster *gate.Cluster, options gate.Options) *gate.Process {
	t.Helper()
	process, err := cluster.StartGate(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		decisions, err := process.Decisions()
		if err != nil {
			t.Log(err)
		}
		for _, decision := range decisions {
			t.Log("the gate:", decision.Raw)
		}
	})
	return process
}

// Kubectl runs the real kubectl as admin, in the test's folder, and returns what it wrote to stdout. If it fails the test ends.
func Kubectl(t testing.TB, cluster *gate.Cluster, args ...string) string {
	t.Helper()
	stdout, _, err := cluster.Kubectl(t.Context(), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	return stdout
}

// Await tries until there is no error; after the timeout the test ends.
func Await(t testing.TB, timeout time.Duration, try func(context.Context) error) {
	t.Helper()
	if err := gate.Await(t.Context(), timeout, try); err != nil {
		t.Fatal(err)
	}
}
