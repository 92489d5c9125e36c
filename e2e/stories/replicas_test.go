package stories_test

import (
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// TestStory8AReplicaIsToldToStopUnderLoad stops one of two replicas while people press the button: every call gets
// our verdict, and already from the mutating phase, whose failures the API server would hide.
func TestStory8AReplicaIsToldToStopUnderLoad(t *testing.T) {
	cluster := gatetest.Start(t, stuck, gate.ClusterOptions{})
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

// startReplicas starts two replicas of the gate behind a Service.
func startReplicas(t *testing.T, cluster *gate.Cluster, options gate.Options) *gate.Service {
	t.Helper()
	service, err := cluster.StartReplicas(t.Context(), 2, options)
	if err != nil {
		t.Fatal(err)
	}
	return service
}
