package stories_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// TestStory8AReplicaIsToldToStopUnderLoad stops one of two replicas while people press the button: every call gets
// our verdict, and already from the mutating phase, whose failures the API server would hide.
func TestStory8AReplicaIsToldToStopUnderLoad(t *testing.T) {
	cluster := begin(t, stuck, gate.ClusterOptions{})
	service := startReplicas(t, cluster, gate.Options{DrainDelay: 3 * time.Second})
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	if err := service.Replicas[0].Stop(t.Context()); err != nil {
		t.Error(err)
	}
	calls.Await(t, traffic.Steady)
	counts := calls.Count(t, traffic.InAdvance)
	if counts[traffic.InAdvance] < 2*traffic.Steady {
		t.Errorf("%d calls got our verdict, want at least %d", counts[traffic.InAdvance], 2*traffic.Steady)
	}
	for number, replica := range service.Replicas {
		if len(decisions(t, replica)) == 0 {
			t.Errorf("replica %d decided nothing, so stopping one proved nothing", number+1)
		}
	}
}

// TestStory8AReplicaIsKilledUnderLoad kills one of two replicas while calls are held up on their way: those on it
// are refused because the gate could not be called, none is admitted, and later calls get our verdict from the
// other replica. The advance refusal is switched off, for a call that fails there is asked again in the validating
// phase, and nobody would notice the kill.
func TestStory8AReplicaIsKilledUnderLoad(t *testing.T) {
	cluster := begin(t, stuck, gate.ClusterOptions{})
	service := startReplicas(t, cluster, gate.Options{})
	if err := cluster.UnregisterAdvance(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)

	service.Forwarder.HoldRequests()
	// Whoever begins now is held up, so one call of each client is in flight when the replica dies.
	calls.AwaitHeldUp(t)
	killed := service.Asked() // the API server may hold a connection to one replica only
	if killed == nil {
		t.Fatal("no replica has calls in flight")
	}
	if err := killed.Kill(); err != nil {
		t.Fatal(err)
	}
	sent := calls.Sent()
	service.Forwarder.Resume()
	calls.Await(t, traffic.Steady)

	counts := calls.Count(t, traffic.InAdvance, traffic.Validated, traffic.FailedClosed)
	if counts[traffic.FailedClosed] == 0 || counts[traffic.FailedClosed] > traffic.Clients {
		t.Errorf("%d calls failed, want some of the %d that were in flight", counts[traffic.FailedClosed], traffic.Clients)
	}
	if right := counts[traffic.Validated]; right < 2*traffic.Steady {
		t.Errorf("%d calls got our verdict, want at least %d", right, 2*traffic.Steady)
	}
	for _, call := range calls.Finish() {
		if call.Outcome == traffic.FailedClosed && call.Number > sent {
			t.Errorf("call %d failed, and it began after the kill, at which %d had begun: %v", call.Number, sent, call.Err)
		}
	}
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
