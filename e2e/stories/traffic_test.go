package stories_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
)

const (
	// clients is how many people press the button at once, again and again.
	clients = 20
	// breath is what each of them waits between two calls, so that the machine has time for the rest.
	breath = 25 * time.Millisecond
	// steady is how many calls are made before something is done to the gate, and again afterwards.
	steady = 200
	// trafficPatience bounds the wait for steady calls.
	trafficPatience = 60 * time.Second
)

// outcome is what became of one call.
type outcome string

const (
	// inAdvance and validated are our verdict, from the mutating and the validating phase.
	inAdvance outcome = "refused by us in advance"
	validated outcome = "refused by us"
	// failedClosed is a call that the API server could not put to the gate, and therefore refused.
	failedClosed outcome = "refused because the gate could not be called"
	// admitted must never be: the cluster is stuck.
	admitted outcome = "ADMITTED"
	other    outcome = "something else"
)

// call is one attempt to create the Upgrade.
type call struct {
	number  int // in the order of their beginnings
	outcome outcome
	err     error
}

// traffic is clients that create the Upgrade, with --dry-run=server, on a stuck cluster.
type traffic struct {
	mu    sync.Mutex
	begun int
	ended []call
	stop  context.CancelFunc
	group sync.WaitGroup
}

// startTraffic starts the clients. They end with the test.
func startTraffic(t *testing.T, cluster *gate.Cluster) *traffic {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	traffic := &traffic{stop: stop}
	config := rest.CopyConfig(cluster.Config)
	config.WarningHandler = rest.NoWarnings{}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	resource, upgrade := dynamicClient.Resource(upgrades).Namespace(upgradeNamespace), button(t)
	create := func() error {
		// Not ctx: a call that has begun is waited for.
		_, err := resource.Create(context.WithoutCancel(ctx), upgrade.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	for range clients {
		traffic.group.Go(func() { traffic.press(ctx, create) })
	}
	t.Cleanup(func() { traffic.finish() })
	return traffic
}

// press calls until ctx ends.
func (f *traffic) press(ctx context.Context, create func() error) {
	ticker := time.NewTicker(breath)
	defer ticker.Stop()
	for ctx.Err() == nil {
		f.mu.Lock()
		f.begun++
		number := f.begun
		f.mu.Unlock()
		err := create()
		f.mu.Lock()
		f.ended = append(f.ended, call{number, classify(err), err})
		f.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// classify tells what became of a call. Only the whole verdict on this cluster counts as ours.
func classify(err error) outcome {
	const verdict = "denied the request: Upgrade to v1.4.2 refused"
	switch {
	case err == nil:
		return admitted
	case strings.Contains(err.Error(), "failed calling webhook"):
		return failedClosed
	case !apierrors.IsForbidden(err), !strings.Contains(err.Error(), verdict), !strings.Contains(err.Error(), "VM billing/ledger-1 on node-2 is paused"):
		return other
	case strings.Contains(err.Error(), fmt.Sprintf("%q", manifests.MutatingWebhookName)):
		return inAdvance
	}
	return validated
}

// sent returns how many calls have begun.
func (f *traffic) sent() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.begun
}

// await waits until so many more calls have begun and ended.
func (f *traffic) await(t *testing.T, calls int) {
	t.Helper()
	first := f.sent()
	await(t, trafficPatience, func(context.Context) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		ended := 0
		for i := len(f.ended) - 1; i >= 0 && ended < calls; i-- {
			if f.ended[i].number > first {
				ended++
			}
		}
		if ended < calls {
			return fmt.Errorf("of %d calls %d have ended", calls, ended)
		}
		return nil
	})
}

// finish stops the clients and returns all calls.
func (f *traffic) finish() []call {
	f.stop()
	f.group.Wait()
	return f.ended
}

// count finishes the traffic, logs what became of the calls, and reports every one whose outcome is not among
// the allowed ones. It returns the counts.
func (f *traffic) count(t *testing.T, allowed ...outcome) map[outcome]int {
	t.Helper()
	counts := map[outcome]int{}
	for _, call := range f.finish() {
		counts[call.outcome]++
		ok := false
		for _, outcome := range allowed {
			ok = ok || call.outcome == outcome
		}
		switch {
		case call.outcome == admitted:
			t.Errorf("call %d of %d was ADMITTED on a stuck cluster", call.number, f.begun)
		case !ok:
			t.Errorf("call %d of %d: %s: %v", call.number, f.begun, call.outcome, call.err)
		}
	}
	t.Logf("%d calls sent: %v", f.begun, counts)
	return counts
}

// awaitHeldUp waits until every client waits for its answer. What is on the way when the traffic is held may still
// arrive, so it must stay like that for a while.
func (f *traffic) awaitHeldUp(t *testing.T) {
	t.Helper()
	const rest = 20 // looks
	ended, same := -1, 0
	await(t, patience, func(context.Context) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		same++
		if len(f.ended) != ended || f.begun-len(f.ended) != clients {
			ended, same = len(f.ended), 0
		}
		if same < rest {
			return fmt.Errorf("%d of %d clients wait", f.begun-len(f.ended), clients)
		}
		return nil
	})
}

// startReplicas starts two replicas of the gate behind a Service.
func startReplicas(t *testing.T, cluster *gate.Cluster, options gate.Options) *gate.Service {
	t.Helper()
	service, err := cluster.StartService(t.Context(), 2, options)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(service.Forwarder.Address())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.RegisterService(t.Context(), number, service.Replicas...); err != nil {
		t.Fatal(err)
	}
	return service
}
