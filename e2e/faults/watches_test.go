package faults_test

import (
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// watchesHeldAndCut lets the network between the replicas and the API server lose every packet of the connections that are
// there, without a word; then resets them; and then refuses new ones for a while.
func watchesHeldAndCut() fault {
	return fault{
		name: "watches held, cut, and the API server out of reach",
		strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
			s.road.Strand()
			calls.AwaitSteady(t, steady, s.right()...)
			must(t, s.road.Refuse())
			s.road.Cut()
			calls.AwaitSteady(t, closed, traffic.Undecided)
			must(t, s.road.Accept())
			s.road.Resume()
		},
		excuses: []string{
			partly,
			`could not be read: (the nodes could not be listed: )?no answer before the deadline`, // a live read was under way
			`could not be read: listing failed: read the list of `,                               // which broke off in its midst
			`could not be read: (the nodes could not be listed: )?the API server cannot be reached: .*(connection refused|connection reset by peer|EOF|http2: client connection lost)`,
		},
	}
}
