package stories_test

import (
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
)

// TestStory8AReplicaIsToldToStopUnderLoad stops one of two replicas while people press the button: every call gets
// our verdict, and already from the mutating phase, whose failures the API server would hide.
func TestStory8AReplicaIsToldToStopUnderLoad(t *testing.T) {
	cluster := begin(t, stuck, gate.ClusterOptions{})
	service := startReplicas(t, cluster, gate.Options{DrainDelay: 3 * time.Second})
	traffic := startTraffic(t, cluster)
	traffic.await(t, steady)
	if err := service.Replicas[0].Stop(t.Context()); err != nil {
		t.Error(err)
	}
	traffic.await(t, steady)
	counts := traffic.count(t, inAdvance)
	if counts[inAdvance] < 2*steady {
		t.Errorf("%d calls got our verdict, want at least %d", counts[inAdvance], 2*steady)
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
	traffic := startTraffic(t, cluster)
	traffic.await(t, steady)

	service.Forwarder.HoldRequests()
	// Whoever begins now is held up, so one call of each client is in flight when the replica dies.
	traffic.awaitHeldUp(t)
	killed := service.Asked() // the API server may hold a connection to one replica only
	if killed == nil {
		t.Fatal("no replica has calls in flight")
	}
	if err := killed.Kill(); err != nil {
		t.Fatal(err)
	}
	sent := traffic.sent()
	service.Forwarder.Resume()
	traffic.await(t, steady)

	counts := traffic.count(t, inAdvance, validated, failedClosed)
	if counts[failedClosed] == 0 || counts[failedClosed] > clients {
		t.Errorf("%d calls failed, want some of the %d that were in flight", counts[failedClosed], clients)
	}
	if right := counts[validated]; right < 2*steady {
		t.Errorf("%d calls got our verdict, want at least %d", right, 2*steady)
	}
	for _, call := range traffic.finish() {
		if call.outcome == failedClosed && call.number > sent {
			t.Errorf("call %d failed, and it began after the kill, at which %d had begun: %v", call.number, sent, call.err)
		}
	}
}
