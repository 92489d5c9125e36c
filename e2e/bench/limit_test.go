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
	// limit is in bytes; the kernel kills the gate beyond it.
	limit int64
	// admissions are asked of a healthy cluster, each of which is answered from a live read, and refusals of one with a paused machine.
	// So many of each are under way at once.
	admissions, admissionsAtOnce, refusals, refusalsAtOnce int
}

// filling bounds how long the watch cache of a large cluster may take to be filled, on a machine that is busy.
const filling = 10 * time.Minute

func TestServeLivesWithin64MiBOnASmallCluster(t *testing.T) {
	s := story{64 << 20, 40, 4, 200, 16}
	base, loader := startSize(t, clustertest.Small())
	figures, err := s.tell(t, base, loader)
	if err != nil {
		t.Error(err)
	}
	t.Log(figures)
}

// BenchmarkLargeWithinLimit tells under which of some limits a gate lives in front of a large cluster: killed is 1 where the kernel kills
// it. It is no part of the tests, for loading such a cluster takes minutes.
func BenchmarkLargeWithinLimit(b *testing.B) {
	base, loader := startSize(b, clustertest.Large())
	for _, mebibytes := range []int64{192, 256, 384} {
		b.Run(fmt.Sprintf("%dMiB", mebibytes), func(b *testing.B) {
			s := story{mebibytes << 20, 6, 2, 200, 8}
			figures, err := s.tell(b, base, loader)
			for b.Loop() { // it is told once
			}
			b.Log(figures)
			died := 0.0
			switch {
			case errors.Is(err, errKilled):
				died = 1
			case err != nil:
				b.Error(err)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(died, "killed")
			b.ReportMetric(float64(figures.peak())/1e6, "peak-anonymous-MB")
			b.ReportMetric(figures.slowest.Seconds(), "slowest-s")
		})
	}
}

// startSize starts a control plane with a generated cluster.
func startSize(t testing.TB, size clustertest.Size) (*gate.Cluster, *load.Loader) {
	t.Helper()
	base := gatetest.Start(t, "", gate.ClusterOptions{})
	fleet, loader, err := generated.Load(t.Context(), base, clustertest.Generate(size))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fleet.Stop() })
	return base, loader
}

// errKilled says that the kernel killed the gate, which had taken more memory than its limit.
var errKilled = errors.New("the gate was killed for its memory")

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

// tell starts a gate within the limit, asks it, and stops it. The error says which answer was missing or wrong, or is errKilled.
func (s story) tell(t testing.TB, base *gate.Cluster, loader *load.Loader) (*figures, error) {
	t.Helper()
	group, err := gate.NewMemoryGroup(s.limit)
	if err != nil {
		leftout.Test(t, fmt.Errorf("no limit can be set on this machine: %w", err))
	}
	process, err := base.StartProcess(t.Context(), gate.Options{Memory: group, Environment: []string{fmt.Sprintf("GOMEMLIMIT=%d", s.limit)}})
	if err != nil {
		t.Fatal(err)
	}
	figures := &figures{}
	stop := figures.watch(process)
	err = s.ask(t, base, loader, process, figures)
	stop()
	killed, errGroup := group.Killed()
	select {
	case <-process.Done():
		err = errors.Join(err, errors.New("the gate has ended"))
	default:
	}
	if killed > 0 {
		err = errKilled
	}
	return figures, errors.Join(err, errGroup, process.Kill(), group.Remove())
}

// ask asks everything, as long as the process lives.
func (s story) ask(t testing.TB, base *gate.Cluster, loader *load.Loader, process *gate.Process, figures *figures) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		select {
		case <-process.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := base.Register(ctx, process.Port); err != nil {
		return err
	}
	if err := patchPaused(ctx, loader, false); err != nil {
		return err
	}
	if err := gate.Await(ctx, filling, process.Ready); err != nil {
		return err
	}
	asker := newAsker(t, base.Config)
	if err := asker.await(ctx, asker.admitted); err != nil {
		return err
	}
	t.Logf("the first is admitted; peak of the gate's own memory so far %d MB", figures.peak()/1e6)
	asker.ask(ctx, s.admissions, s.admissionsAtOnce, figures, asker.admitted)
	t.Log(figures)
	if err := patchPaused(ctx, loader, true); err != nil {
		return err
	}
	if err := asker.await(ctx, asker.refused); err != nil {
		return err
	}
	asker.ask(ctx, s.refusals, s.refusalsAtOnce, figures, asker.refused)
	if figures.lost+figures.wrong > 0 {
		return fmt.Errorf("%s; first of all: %.2000s", figures, figures.first)
	}
	return nil
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
func (a asker) await(ctx context.Context, ask func(context.Context) (lost, wrong error)) error {
	return gate.Await(ctx, patience, func(ctx context.Context) error { return errors.Join(ask(ctx)) })
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
