package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/generated"
	"github.com/upgrade-gate/upgrade-gate/e2e/kubelets"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

// sizeVariable names the environment variable that says which size is loaded: S, M or L. Without it, M is.
const sizeVariable = "BENCH_SIZE"

// loaded is the cluster, with a gate before it, that all benchmarks share. They run in the order of their names' files and leave it
// healthy.
var loaded *loadedCluster

type loadedCluster struct {
	*gate.Cluster
	gate   *gate.Process
	loader *load.Loader
	size   clustertest.Size
	nodes  []*corev1.Node
}

// wantedSize returns the size that is asked for.
func wantedSize() (clustertest.Size, error) {
	name := cmp.Or(os.Getenv(sizeVariable), clustertest.Medium().Name)
	sizes := clustertest.Sizes()
	at := slices.IndexFunc(sizes, func(size clustertest.Size) bool { return size.Name == name })
	if at < 0 {
		return clustertest.Size{}, fmt.Errorf("%s is %q, and there are the sizes S, M and L", sizeVariable, name)
	}
	return sizes[at], nil
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run stops what the benchmarks have started.
func run(m *testing.M) (code int) {
	log.SetLogger(logr.Discard())
	defer func() {
		for _, stop := range slices.Backward(stops) {
			if err := stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stopping:", err)
				code = 1
			}
		}
	}()
	return m.Run()
}

// stops are called when all benchmarks have ended, the last first.
var stops []func() error

// needCluster loads the cluster, once, for the benchmarks that share it.
func needCluster(b *testing.B) {
	b.Helper()
	if loaded != nil {
		return
	}
	ctx := context.Background() // it outlives this benchmark
	base, err := gate.StartCluster(ctx, gate.ClusterOptions{Progress: os.Stderr})
	if err != nil {
		b.Fatal(err)
	}
	stops = append(stops, base.Stop)
	fleet, err := start(ctx, base)
	if err != nil {
		b.Fatal(err)
	}
	stops = append(stops, fleet.Stop)
}

// startAnother starts a gate that nobody has asked anything yet, until the benchmark ends.
func startAnother(b *testing.B) *gate.Process {
	b.Helper()
	process, err := loaded.StartProcess(b.Context(), gate.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := process.Stop(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
	})
	if err := process.AwaitReady(b.Context()); err != nil {
		b.Fatal(err)
	}
	return process
}

// start loads the generated cluster and starts a gate before it.
func start(ctx context.Context, base *gate.Cluster) (*kubelets.Fleet, error) {
	size, err := wantedSize()
	if err != nil {
		return nil, err
	}
	objects := clustertest.Generate(size)
	fleet, loader, err := generated.Load(ctx, base, objects)
	if err != nil {
		return nil, err
	}
	process, err := base.StartGate(ctx, gate.Options{})
	if err != nil {
		return nil, errors.Join(err, fleet.Stop())
	}
	loaded = &loadedCluster{Cluster: base, gate: process, loader: loader, size: size, nodes: generated.Nodes(objects)}
	return fleet, nil
}
