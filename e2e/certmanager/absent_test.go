package certmanager_test

import (
	"strings"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
)

// TestCertManagerComesLate installs the overlay before cert-manager is there, and brings cert-manager piece by piece: its CRDs,
// its controllers, its CA injector. At each stage no upgrade can begin and the gates say what they lack; at the end they work, and
// nobody has restarted anything.
func TestCertManagerComesLate(t *testing.T) {
	cluster := begin(t)
	refused, err := cluster.kubectl(t.Context(), "apply", "-k", overlay)
	if err == nil || !strings.Contains(refused, `no matches for kind "Certificate" in version "cert-manager.io/v1"`) {
		t.Errorf("without cert-manager's CRDs kubectl says %q", refused)
	}

	cluster.addCRDs(t)
	replicas := cluster.install(t)
	replicas.awaitUnready(t, "no serving certificate in")
	replicas.awaitUnready(t, "to see what cert-manager waits for: kubectl -n upgrade-gate describe certificate upgrade-gate-serving")
	cluster.awaitSaid(t, notCalled)

	// The injector, which does not get to its work, is there before there is anything to inject.
	controllers, injector := cluster.addCertManager(t)
	if err := injector.Pause(); err != nil {
		t.Fatal(err)
	}
	replicas.awaitUnready(t, "caBundle is empty")
	cluster.awaitSaid(t, notCalled)

	if err := injector.Resume(); err != nil {
		t.Fatal(err)
	}
	replicas.awaitReady(t)
	cluster.awaitSaid(t, verdict)
	cluster.awaitInjected(t, 1)
	replicas.checkAlive(t)
	for _, component := range []interface{ Stop() error }{controllers, injector} {
		if err := component.Stop(); err != nil {
			t.Error(err)
		}
	}
	// Nobody is needed any more, until the certificate ends.
	cluster.awaitSaid(t, verdict)
}

// notCalled is how the API server says that nobody could be asked.
const notCalled = `failed calling webhook "` + manifests.ValidatingWebhookName + `"`

// checkAlive reports a replica that has ended.
func (r *replicas) checkAlive(t *testing.T) {
	t.Helper()
	for _, replica := range r.Replicas {
		select {
		case <-replica.Done():
			t.Errorf("the gate of port %d has ended", replica.Port)
		default:
		}
	}
}
