package faults_test

import (
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// parallelCreates is a script that has lost its mind: 500 creates at once. A replica judges four at a time that need a
// live read; those that have not had their turn by the API server's deadline are refused, and told so.
func parallelCreates() fault {
	return fault{
		name:    "500 parallel creates",
		strike:  func(t *testing.T, _ *scene, calls *traffic.Traffic) { calls.Burst(t.Context(), 500) },
		excuses: []string{`4 other upgrades were being judged until the deadline`},
	}
}
