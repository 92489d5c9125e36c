package faults_test

import (
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// broken is what the API server says of a connection to a replica that is gone.
const broken = `failed calling webhook .*(EOF|connection reset by peer|connection refused|broken pipe|http: server closed idle connection)`

// replicaKilled kills one of two replicas while calls are held up on their way to it.
func replicaKilled() fault {
	return fault{
		name: "kill -9 of one replica",
		strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
			s.service.Forwarder.HoldRequests()
			// Whoever begins now is held up, so one call of each client is in flight when the replica dies.
			calls.AwaitHeldUp(t)
			killed := s.service.Asked() // the API server may hold a connection to one replica only
			if killed == nil {
				t.Fatal("no replica has calls in flight")
			}
			must(t, killed.Kill())
			sent := calls.Sent()
			s.service.Forwarder.Resume()
			calls.AwaitSteady(t, steady, s.right()...) // by the other one
			for _, call := range calls.Ended() {
				if call.Outcome == traffic.FailedClosed && call.Number > sent {
					t.Errorf("call %d failed, and it began after the kill, at which %d had begun: %v", call.Number, sent, call.Err)
				}
			}
			must(t, killed.Restart(t.Context(), ""))
			must(t, killed.AwaitReady(t.Context()))
		},
		excuses: []string{broken},
	}
}

// bothReplicasKilled leaves nobody to ask.
func bothReplicasKilled() fault {
	return fault{
		name: "kill -9 of both replicas",
		strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
			for _, replica := range s.service.Replicas {
				must(t, replica.Kill())
			}
			calls.AwaitSteady(t, closed, traffic.FailedClosed)
			for _, replica := range s.service.Replicas {
				must(t, replica.Restart(t.Context(), ""))
			}
			must(t, s.service.AwaitReady(t.Context()))
		},
		excuses: []string{broken},
	}
}
