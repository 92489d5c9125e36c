package faults_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// aYear is how far clocks jump.
const aYear = 365 * 24 * time.Hour

// clockJumped sets the clock of one replica a year ahead, then that of the other as well, then both a year behind. The API
// server's clock stays right. A replica whose clock is wrong is not ready, so that it is asked over connections only that the
// API server has already; it judges nothing, and makes no certificate that would outlive the wrong clock.
func clockJumped() fault {
	clocks := [2]string{}
	return fault{
		name: "clock jumped by a year",
		prepare: func(t *testing.T, s *scene) func() {
			binary := filepath.Join(s.cluster.WorkDir, "upgrade-gate-clock")
			must(t, tools.ClockProduct(t.Context(), os.Stderr, binary))
			before, _ := s.cluster.Binary(t.Context())
			for i := range clocks {
				clocks[i] = filepath.Join(t.TempDir(), "offset")
				s.replace(t, i, binary, tools.ClockVariable+"="+clocks[i])
			}
			return func() {
				for i := range clocks {
					s.replace(t, i, before)
				}
			}
		},
		strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
			authority := s.authority(t)
			set := func(replica int, off time.Duration) {
				must(t, os.WriteFile(clocks[replica], []byte(strconv.Itoa(int(off/time.Second))), 0o600))
			}
			set(0, aYear)
			calls.AwaitSteady(t, steady, s.right()...) // from the other
			set(1, aYear)
			calls.AwaitSteady(t, closed, traffic.FailedClosed, traffic.Undecided)
			for number, replica := range s.service.Replicas {
				if err := replica.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "365d ahead of the API server's") {
					t.Errorf("replica %d says: %v; want that its clock is a year ahead", number+1, err)
				}
			}
			set(0, -aYear)
			set(1, -aYear)
			calls.AwaitSteady(t, closed, traffic.FailedClosed, traffic.Undecided)
			set(0, 0)
			set(1, 0)
			must(t, s.service.AwaitReady(t.Context()))
			if !bytes.Equal(s.authority(t), authority) {
				t.Error("the certificate authority was replaced while the clocks were wrong")
			}
		},
		excuses: []string{`the clock of this replica's node is 36\dd (ahead of|behind) the API server's`, broken},
	}
}

// replace stops a replica and puts another binary in its place.
func (s *scene) replace(t *testing.T, replica int, binary string, variables ...string) {
	t.Helper()
	process := s.service.Replicas[replica]
	must(t, process.Stop(t.Context()))
	must(t, process.Restart(t.Context(), binary, variables...))
	must(t, process.AwaitReady(t.Context()))
}

// authority returns the certificate of the gate's authority.
func (s *scene) authority(t *testing.T) []byte {
	t.Helper()
	secret, err := s.admin.CoreV1().Secrets(manifests.Namespace).Get(t.Context(), authoritySecret, metav1.GetOptions{})
	must(t, err)
	return secret.Data[corev1.TLSCertKey]
}
