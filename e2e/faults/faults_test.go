// Package faults_test does to a cluster what goes wrong in one, while people press the upgrade button: one file a fault.
// The same two replicas of the gate live through all of them. Each fault is done to a stuck cluster, where nothing may be
// admitted, and to a healthy one, where nothing may be refused but for a reason that is true; each prints a line of
// figures, of which docs/reliability.md tells.
package faults_test

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/e2e/forward"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// The example clusters.
const stuck, healthy = "stuck-pre-drained", "healthy"

// fault is something that goes wrong.
type fault struct {
	name string
	// strike makes it happen and mends it, while calls are made.
	strike func(t *testing.T, s *scene, calls *traffic.Traffic)
	// prepare, if there is one, is done before calls are made, and undone by the function that it returns.
	prepare func(t *testing.T, s *scene) func()
	// excuses are regular expressions for what a refusal may say that is no verdict on the cluster. None means that every
	// call gets the verdict.
	excuses []string
	// loses tells whether calls may be lost on their way to the gate.
	loses bool
}

// faults are all, in the order in which they are done.
func faults() []fault {
	return []fault{
		parallelCreates(),
		replicaKilled(),
		bothReplicasKilled(),
		policyBroken(),
		certificatesReplaced(),
		watchesHeldAndCut(),
		rightsRemoved(),
		crdRemoved(),
		drippingKubelet(),
		eventStorm(),
		apiServerRestarted(),
		etcdPaused(),
		clockJumped(),
	}
}

// TestFaults does every fault to both clusters, which are there at the same time.
func TestFaults(t *testing.T) {
	for _, example := range []string{stuck, healthy} {
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			s := begin(t, example)
			for _, f := range faults() {
				t.Run(f.name, func(t *testing.T) { s.suffer(t, f) })
			}
		})
	}
}

// scene is a cluster with two replicas of the gate.
type scene struct {
	example string
	cluster *gate.Cluster
	admin   kubernetes.Interface
	// road is between the replicas and the API server.
	road    *forward.Forwarder
	service *gate.Service
	policy  *configMap
}

func begin(t *testing.T, example string) *scene {
	t.Helper()
	folder, err := gate.Example(example)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{example: example}
	s.cluster, err = gate.StartCluster(t.Context(), gate.ClusterOptions{Folder: folder, Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, s.cluster.Stop()) })
	s.admin, err = kubernetes.NewForConfig(s.cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	s.road, err = forward.Start(forward.Options{Backends: []string{s.cluster.Address()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, s.road.Close()) })
	account, err := s.cluster.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	through, err := s.cluster.Through(account, s.road.Address())
	if err != nil {
		t.Fatal(err)
	}
	s.policy = newConfigMap(t, "policy.yaml", goodPolicy)
	s.service, err = s.cluster.StartReplicas(t.Context(), 2, gate.Options{Identity: through, Args: []string{
		"--policy=" + filepath.Join(s.policy.folder, "policy.yaml"),
		// Certificates that are renewed every 80 seconds, so that it happens in the midst of faults. A new one is used when it
		// is twelve seconds old.
		"--leaf-duration=2m", "--ca-duration=1h",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// clients is how many people press the button. On the healthy cluster every call reads the whole cluster anew.
func (s *scene) clients() int {
	if s.example == healthy {
		return 4
	}
	return 10
}

// right are the outcomes that are the verdict on the cluster.
func (s *scene) right() []traffic.Outcome {
	if s.example == healthy {
		return []traffic.Outcome{traffic.Admitted}
	}
	return []traffic.Outcome{traffic.InAdvance, traffic.Validated}
}

// steady is how many calls in a row must be right before a fault and after it, and closed that must be refused without a
// verdict for a fault to have come through.
const steady, closed = 40, 8

// suffer does one fault.
func (s *scene) suffer(t *testing.T, f fault) {
	if f.prepare != nil {
		defer f.prepare(t, s)()
	}
	calls := traffic.StartClients(t, s.cluster.Config, s.clients())
	calls.AwaitSteady(t, steady, s.right()...)
	f.strike(t, s, calls)
	calls.AwaitSteady(t, steady, s.right()...)
	s.account(t, f, calls.Finish())
	if t.Failed() {
		s.tell(t)
	}
}

// check reports an error of something that goes on all the same.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// must ends the test with an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
