package faults_test

import (
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// apiServerRestarted stops the API server and starts it again, as an upgrade of RKE2 does on a cluster with one management
// node. What is lost is lost by the API server itself.
func apiServerRestarted() fault {
	return fault{
		name: "API server restarted",
		strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
			must(t, s.cluster.StopAPIServer())
			calls.AwaitSteady(t, closed, traffic.Lost)
			must(t, s.cluster.StartAPIServer(t.Context()))
		},
		loses: true,
		excuses: []string{
			partly,
			`could not be read: .*(the API server cannot be reached|no answer before the deadline|listing failed)`,
			`the certificate of API server \S+ is not known: \S+ presented no certificate: .*(connection refused|connection reset by peer|EOF)`,
			`failed calling webhook .*(context canceled|EOF|connection reset by peer)`,
		},
	}
}
