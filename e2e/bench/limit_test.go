package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/generated"
	"github.com/upgrade-gate/upgrade-gate/e2e/leftout"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

// story is what a gate with a limit of its memory is asked.
type story struct {
	size clustertest.Size
	// limit is in bytes; the kernel kills the gate beyond it.
	limit int64
	// admissions are asked of a healthy cluster, each of which is answered from a live read, and refusals of one with a paused machine.
	// So many of each are under way at once.
	admissions, admissionsAtOnce, refusals, refusalsAtOnce int
}

// filling bounds how long the watch cache of a large cluster may take to be filled, on a machine that is busy.
const filling = 10 * time.Minute

func TestServeLivesWithin64MiBOnASmallCluster(t *testing.T) {
	figures := story{clustertest.Small(), 64 << 20, 40, 4, 200, 16}.tell(t)
	t.Log(figures)
}

// BenchmarkLargeWithin256MiB is no part of the tests, for loading a large cluster takes minutes.
func BenchmarkLargeWithin256MiB(b *testing.B) {
	figures := story{clustertest.Large(), 256 << 20, 6, 2, 200, 8}.tell(b)
	for b.Loop() { // it is told once
	}
	b.Log(figures)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(figures.peak())/1e6, "peak-anonymous-MB")
	b.ReportMetric(figures.slowest.Seconds(), "slowest-s")
}

// figures are how a story ended.
type figures struct {
	sent, lost, wrong int
	slowest           time.Duration
	// anonymous is the most of its own memory that the gate was seen with, in bytes.
	anonymous atomic.Int64
	mu        sync.Mutex
	first     error
}

func (f *figures) String() string {
	peak := f.peak()
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf("%d requests sent, %d lost, %d wrong, slowest %s, peak of the gate's own memory %d MB",
		f.sent, f.lost, f.wrong, f.slowest.Round(time.Millisecond), peak/1e6)
}

func (f *figures) peak() int64 { return f.anonymous.Load() }

// add counts one answer: lost is a request without the gate's answer, wrong one with the wrong answer.
func (f *figures) add(took time.Duration, lost, wrong error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent++
	f.slowest = max(f.slowest, took)
	if lost != nil {
		f.lost++
	}
	if wrong != nil {
		f.wrong++
	}
	f.first = errors.Join(f.first, lost, wrong)
}

// tell starts a cluster and a gate within the limit, asks it, and fails unless every answer is there and right and the gate still runs.
func (s story) tell(t testing.TB) *figures {
	t.Helper()
	group, err := gate.NewMemoryGroup(s.limit)
	if err != nil {
		leftout.Test(t, fmt.Errorf("no limit can be set on this machine: %w", err))
	}
	t.Cleanup(func() {
		if err := group.Remove(); err != nil {
			t.Error(err)
		}
	})
	base, loader := s.start(t)
	process, err := base.StartProcess(t.Context(), gate.Options{Memory: group, Environment: []string{fmt.Sprintf("GOMEMLIMIT=%d", s.limit)}})
	if err != nil {
		t.Fatal(err)
	}
	figures := &figures{}
	stop := figures.watch(process)
	if err := base.Register(t.Context(), process.Port); err != nil {
		t.Fatal(err)
	}
	if err := gate.Await(t.Context(), filling, process.Ready); err != nil {
		t.Fatal(err)
	}
	asker := newAsker(t, base.Config)
	asker.await(t, asker.admitted)
	t.Logf("the first is admitted; peak of the gate's own memory so far %d MB", figures.peak()/1e6)
	asker.ask(t.Context(), s.admissions, s.admissionsAtOnce, figures, asker.admitted)
	t.Log(figures)
	if err := patchPaused(t.Context(), loader, true); err != nil {
		t.Fatal(err)
	}
	asker.await(t, asker.refused)
	asker.ask(t.Context(), s.refusals, s.refusalsAtOnce, figures, asker.refused)
	stop()
	if figures.lost+figures.wrong > 0 {
		t.Errorf("%s; first of all: %.2000s", figures, figures.first)
	}
	select {
	case <-process.Done():
		t.Error("the gate has ended")
	default:
	}
	if killed, err := group.Killed(); err != nil || killed > 0 {
		t.Errorf("%d processes were killed for their memory, %v", killed, err)
	}
	return figures
}

// start starts a control plane with the generated cluster.
func (s story) start(t testing.TB) (*gate.Cluster, *load.Loader) {
	t.Helper()
	base := gatetest.Start(t, "", gate.ClusterOptions{})
	fleet, loader, err := generated.Load(t.Context(), base, clustertest.Generate(s.size))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fleet.Stop() })
	return base, loader
}

// watch notes how much of its own the gate has in memory, until the function that it returns is called.
func (f *figures) watch(process *gate.Process) (stop func()) {
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for ticker := time.NewTicker(50 * time.Millisecond); ; {
			if now, err := memory(process.ID(), "RssAnon:"); err == nil {
				f.anonymous.Store(max(f.anonymous.Load(), now))
			}
			select {
			case <-done:
				ticker.Stop()
				return
			case <-ticker.C:
			}
		}
	})
	return func() { close(done); all.Wait() }
}

// asker creates upgrades, as dry runs, like kubectl.
type asker struct{ upgrades dynamic.ResourceInterface }

func newAsker(t testing.TB, config *rest.Config) asker {
	t.Helper()
	config = rest.CopyConfig(config)
	config.WarningHandler, config.QPS = rest.NoWarnings{}, -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	resource := schema.GroupVersionResource{Group: "harvesterhci.io", Version: "v1beta1", Resource: "upgrades"}
	return asker{client.Resource(resource).Namespace(cluster.HarvesterNamespace)}
}

// create returns the gate's answer, the second value where there is none.
func (a asker) create(ctx context.Context) (refusal, lost error) {
	_, err := a.upgrades.Create(ctx, upgrade(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil || strings.Contains(err.Error(), "denied the request") {
		return err, nil
	}
	return nil, err
}

func (a asker) admitted(ctx context.Context) (lost, wrong error) {
	refusal, lost := a.create(ctx)
	if refusal != nil {
		return nil, fmt.Errorf("a healthy cluster is refused: %w", refusal)
	}
	return lost, nil
}

func (a asker) refused(ctx context.Context) (lost, wrong error) {
	refusal, lost := a.create(ctx)
	switch {
	case lost != nil:
		return lost, nil
	case refusal == nil:
		return nil, errors.New("a cluster with a paused machine is admitted")
	case !strings.Contains(refusal.Error(), "VM "+pausedNamespace+"/"+pausedName):
		return nil, fmt.Errorf("the refusal does not name the paused machine: %w", refusal)
	}
	return nil, nil
}

// await waits until the gate's answer is the right one.
func (a asker) await(t testing.TB, ask func(context.Context) (lost, wrong error)) {
	t.Helper()
	if err := gate.Await(t.Context(), patience, func(ctx context.Context) error { return errors.Join(ask(ctx)) }); err != nil {
		t.Fatal(err)
	}
}

// ask asks so many times, so many at once.
func (a asker) ask(ctx context.Context, times, atOnce int, figures *figures, ask func(context.Context) (lost, wrong error)) {
	next := make(chan struct{})
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for range next {
				begun := time.Now()
				lost, wrong := ask(ctx)
				figures.add(time.Since(begun), lost, wrong)
			}
		})
	}
	for range times {
		next <- struct{}{}
	}
	close(next)
	all.Wait()
}
