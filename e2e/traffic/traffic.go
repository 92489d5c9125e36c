// Package traffic presses the upgrade button, by many people at once and again and again, while a test does something to
// the gate; and tells what became of every single call.
package traffic

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

const (
	// Clients is how many people press the button at once, again and again.
	Clients = 20
	// breath is what each of them waits between two calls, so that the machine has time for the rest.
	breath = 25 * time.Millisecond
	// Steady is how many calls are made before something is done to the gate, and again afterwards.
	Steady = 200
	// patience bounds the wait for Steady calls, and the wait until all are held up.
	patience = 60 * time.Second
	// healing bounds the wait until all is well again after a fault. What is waited for longest are client-go's attempts to
	// watch again, up to a minute apart; a busy machine takes several times that.
	healing = 5 * time.Minute
)

// Call is one attempt to create the Upgrade.
type Call struct {
	// Number counts the calls in the order of their beginnings, from 1.
	Number int
	// Outcome is what became of it, and Err what the API server answered; nil if it admitted.
	Outcome Outcome
	Err     error
	// Took is how long the caller waited for the answer, or for the end of the connection.
	Took time.Duration
}

// Traffic is clients that create the Upgrade, with --dry-run=server.
type Traffic struct {
	clients int
	create  func(ctx context.Context, dryRun bool) error

	mu    sync.Mutex
	begun int
	ended []Call
	stop  context.CancelFunc
	group sync.WaitGroup
}

// Start starts as many clients as there are Clients, as the admin of config. They end with the test.
func Start(t testing.TB, config *rest.Config) *Traffic {
	t.Helper()
	return StartClients(t, config, Clients)
}

// StartClients is Start for another number of clients.
func StartClients(t testing.TB, config *rest.Config, clients int) *Traffic {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NoWarnings{}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	upgrade, err := button()
	if err != nil {
		t.Fatal(err)
	}
	upgrades := schema.GroupVersionResource{Group: "harvesterhci.io", Version: "v1beta1", Resource: "upgrades"}
	resource := dynamicClient.Resource(upgrades).Namespace(upgrade.GetNamespace())
	traffic := &Traffic{clients: clients, stop: stop}
	traffic.create = func(ctx context.Context, dryRun bool) error {
		options := metav1.CreateOptions{}
		if dryRun {
			options.DryRun = []string{metav1.DryRunAll}
		}
		_, err := resource.Create(ctx, upgrade.DeepCopy(), options)
		return err
	}
	for range clients {
		traffic.group.Go(func() { traffic.press(ctx) })
	}
	t.Cleanup(func() { traffic.Finish() })
	return traffic
}

// button returns the Upgrade of the example manifest.
func button() (*unstructured.Unstructured, error) {
	repository, err := tools.Repository()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(repository, "examples", "upgrade-v1.4.2.yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading the upgrade: %w", err)
	}
	upgrade := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict(text, upgrade); err != nil {
		return nil, fmt.Errorf("decoding the upgrade: %w", err)
	}
	return upgrade, nil
}

// press calls until ctx ends.
func (f *Traffic) press(ctx context.Context) {
	ticker := time.NewTicker(breath)
	defer ticker.Stop()
	for ctx.Err() == nil {
		f.call(context.WithoutCancel(ctx), true) // a call that has begun is waited for
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// call makes one call.
func (f *Traffic) call(ctx context.Context, dryRun bool) {
	f.mu.Lock()
	f.begun++
	number := f.begun
	f.mu.Unlock()
	began := time.Now()
	err := f.create(ctx, dryRun)
	took := time.Since(began)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, Call{Number: number, Outcome: classify(err), Err: err, Took: took})
}

// Burst makes so many calls at once, and waits for all answers.
func (f *Traffic) Burst(ctx context.Context, calls int) {
	var all sync.WaitGroup
	for range calls {
		all.Go(func() { f.call(ctx, true) })
	}
	all.Wait()
}

// Earnest makes so many calls, one after the other in each client, that are no dry runs: those leave no events. Use it
// where nothing is admitted.
func (f *Traffic) Earnest(ctx context.Context, calls int) {
	var all sync.WaitGroup
	for range f.clients {
		all.Go(func() {
			for range calls / f.clients {
				f.call(ctx, false)
			}
		})
	}
	all.Wait()
}

// Sent returns how many calls have begun.
func (f *Traffic) Sent() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.begun
}

// Await waits until so many more calls have begun and ended.
func (f *Traffic) Await(t testing.TB, calls int) {
	t.Helper()
	first := f.Sent()
	await(t, patience, func(context.Context) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		ended := 0
		for i := len(f.ended) - 1; i >= 0 && ended < calls; i-- {
			if f.ended[i].Number > first {
				ended++
			}
		}
		if ended < calls {
			return fmt.Errorf("of %d calls %d have ended", calls, ended)
		}
		return nil
	})
}

// AwaitSteady waits until so many calls in a row, all begun after now, have had one of the outcomes.
func (f *Traffic) AwaitSteady(t testing.TB, calls int, outcomes ...Outcome) {
	t.Helper()
	first := f.Sent()
	await(t, healing, func(context.Context) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		row := 0
		for i := len(f.ended) - 1; i >= 0 && row < calls; i-- {
			switch call := f.ended[i]; {
			case call.Number <= first:
			case !slices.Contains(outcomes, call.Outcome):
				return fmt.Errorf("of %d calls in a row, %d were right, and before them one was %s: %w", calls, row, call.Outcome, call.Err)
			default:
				row++
			}
		}
		if row < calls {
			return fmt.Errorf("of %d calls in a row, %d have ended", calls, row)
		}
		return nil
	})
}

// Ended returns the calls that have ended.
func (f *Traffic) Ended() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ended)
}

// Finish stops the clients and returns all calls.
func (f *Traffic) Finish() []Call {
	f.stop()
	f.group.Wait()
	return f.ended
}

// Count finishes the traffic, logs what became of the calls, and reports every one whose outcome is not among
// the allowed ones. It returns the counts.
func (f *Traffic) Count(t testing.TB, allowed ...Outcome) map[Outcome]int {
	t.Helper()
	counts := map[Outcome]int{}
	for _, call := range f.Finish() {
		counts[call.Outcome]++
		switch {
		case call.Outcome == Admitted:
			t.Errorf("call %d of %d was ADMITTED on a stuck cluster", call.Number, f.begun)
		case !slices.Contains(allowed, call.Outcome):
			t.Errorf("call %d of %d: %s: %v", call.Number, f.begun, call.Outcome, call.Err)
		}
	}
	t.Logf("%d calls sent: %v", f.begun, counts)
	return counts
}

// AwaitHeldUp waits until every client waits for its answer. What is on the way when the traffic is held may still
// arrive, so it must stay like that for a while.
func (f *Traffic) AwaitHeldUp(t testing.TB) {
	t.Helper()
	const rest = 20 // looks
	ended, same := -1, 0
	await(t, patience, func(context.Context) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		same++
		if len(f.ended) != ended || f.begun-len(f.ended) != f.clients {
			ended, same = len(f.ended), 0
		}
		if same < rest {
			return fmt.Errorf("%d of %d clients wait", f.begun-len(f.ended), f.clients)
		}
		return nil
	})
}

func await(t testing.TB, timeout time.Duration, try func(context.Context) error) {
	t.Helper()
	if err := gate.Await(t.Context(), timeout, try); err != nil {
		t.Fatal(err)
	}
}
