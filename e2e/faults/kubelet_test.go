package faults_test

import (
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// drippingKubelet has a kubelet answer one byte a second, by which no timeout of a connection ever ends. The gate gives it
// three seconds in all.
func drippingKubelet() fault {
	return fault{
		name: "a kubelet that drips one byte a second",
		strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
			s.cluster.Kubelets.Node("node-3").Drip()
			if s.example == healthy {
				calls.AwaitSteady(t, closed, traffic.Undecided)
			} else {
				calls.AwaitSteady(t, steady, s.right()...) // refused without asking a kubelet
			}
			s.cluster.Kubelets.Node("node-3").Heal()
		},
		excuses: []string{`Node node-3 could not be judged: its kubelet did not tell its file systems: the kubelet did not answer on /stats/summary within 3s`},
	}
}
