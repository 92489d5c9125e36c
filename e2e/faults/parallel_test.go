package faults_test

import (
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// parallelCreates is a script that has lost its mind: 500 creates at once. A replica judges four at a time, and those that wait
// share one judgement; those that have not had their turn by the API server's deadline are refused, and told so. Where the machine is so busy that the API server
// itself runs out of time, it says so.
func parallelCreates() fault {
	return fault{
		name:   "500 parallel creates",
		strike: func(t *testing.T, _ *scene, calls *traffic.Traffic) { calls.Burst(t.Context(), 500) },
		excuses: []string{
			`4 other upgrades were being judged until the deadline`,
			`failed calling webhook .*(TLS handshake timeout|context deadline exceeded|Client.Timeout exceeded while awaiting headers)`,
			`could not be read: .*(no answer before the deadline|the API server cannot be reached: .*timeout)`,
			broken,
		},
		loses: true,
	}
}
