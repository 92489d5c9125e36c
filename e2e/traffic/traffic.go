// Package traffic presses the upgrade button of a stuck cluster, by many people at once and again and again, while a test
// does something to the gate; and tells what became of every single call.
package traffic

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
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
)

// Outcome is what became of one call.
type Outcome string

const (
	// InAdvance and Validated are our verdict, from the mutating and the validating phase.
	InAdvance Outcome = "refused by us in advance"
	Validated Outcome = "refused by us"
	// FailedClosed is a call that the API server could not put to the gate, and therefore refused.
	FailedClosed Outcome = "refused because the gate could not be called"
	// Admitted must never be: the cluster is stuck.
	Admitted Outcome = "ADMITTED"
	// Other is an answer that nobody expected.
	Other Outcome = "something else"
)

// Call is one attempt to create the Upgrade.
type Call struct {
	// Number counts the calls in the order of their beginnings, from 1.
	Number int
	// Outcome is what became of it, and Err what the API server answered; nil if it admitted.
	Outcome Outcome
	Err     error
}

// Traffic is clients that create the Upgrade, with --dry-run=server, on a stuck cluster.
type Traffic struct {
	mu    sync.Mutex
	begun int
	ended []Call
	stop  context.CancelFunc
	group sync.WaitGroup
}

// Start starts the clients, as the admin of config. They end with the test.
func Start(t testing.TB, config *rest.Config) *Traffic {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	traffic := &Traffic{stop: stop}
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
	create := func() error {
		// Not ctx: a call that has begun is waited for.
		_, err := resource.Create(context.WithoutCancel(ctx), upgrade.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	for range Clients {
		traffic.group.Go(func() { traffic.press(ctx, create) })
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
func (f *Traffic) press(ctx context.Context, create func() error) {
	ticker := time.NewTicker(breath)
	defer ticker.Stop()
	for ctx.Err() == nil {
		f.mu.Lock()
		f.begun++
		number := f.begun
		f.mu.Unlock()
		err := create()
		f.mu.Lock()
		f.ended = append(f.ended, Call{number, classify(err), err})
		f.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// classify tells what became of a call. Only the whole verdict on this cluster counts as ours.
func classify(err error) Outcome {
	const verdict = "denied the request: Upgrade to v1.4.2 refused"
	switch {
	case err == nil:
		return Admitted
	case strings.Contains(err.Error(), "failed calling webhook"):
		return FailedClosed
	case !apierrors.IsForbidden(err), !strings.Contains(err.Error(), verdict), !strings.Contains(err.Error(), "VM billing/ledger-1 on node-2 is paused"):
		return Other
	case strings.Contains(err.Error(), fmt.Sprintf("%q", manifests.MutatingWebhookName)):
		return InAdvance
	}
	return Validated
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
		if len(f.ended) != ended || f.begun-len(f.ended) != Clients {
			ended, same = len(f.ended), 0
		}
		if same < rest {
			return fmt.Errorf("%d of %d clients wait", f.begun-len(f.ended), Clients)
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
