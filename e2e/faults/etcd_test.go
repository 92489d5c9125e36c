package faults_test

import (
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// etcdPause is how long etcd does nothing: less than the 30 seconds that the API server gives the gate.
const etcdPause = 20 * time.Second

// etcdPaused stops etcd in the middle of what it does, as a disk does that hangs.
func etcdPaused() fault {
	return fault{
		name: "etcd paused for 20 s",
		strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
			must(t, s.cluster.PauseEtcd())
			resumed := time.After(etcdPause)
			select {
			case <-resumed:
			case <-t.Context().Done():
			}
			must(t, s.cluster.ResumeEtcd())
		},
		loses:   true,
		excuses: []string{partly, `could not be read: .*(no answer before the deadline|listing failed: .*etcd)`},
	}
}
