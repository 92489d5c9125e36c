package certmanager_test

import (
	"bytes"
	"crypto/x509"
	"os"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/certs"
	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// testLostAuthority deletes the Secret of the authority, with its key, so that cert-manager makes another, and renews the
// certificate. The CA injector keeps the old authority in the caBundle, and the gates serve what the old one has signed until their
// files arrive.
func testLostAuthority(t *testing.T, cluster *cluster, replicas *replicas) {
	calls := cluster.startLoad(t)
	calls.Await(t, traffic.Steady)
	made := cluster.loseAuthority(t)
	before := cluster.mustIssued(t, servingSecret)
	replicas.hold()
	now := cluster.renewUnder(t, made)
	cluster.awaitInjected(t, 2)
	calls.Await(t, traffic.Steady)
	replicas.changeOver(t, calls, before, now)
}

// changeOver lets the files of the first replica, which were held, arrive, and waits until both serve the new certificate. No call may have been
// lost.
func (r *replicas) changeOver(t *testing.T, calls *load, before, now *x509.Certificate) {
	t.Helper()
	r.awaitServed(t, 0, before)
	r.release()
	r.awaitServed(t, 0, now)
	r.awaitServed(t, 1, now)
	calls.Await(t, traffic.Steady)
	calls.countAll(t, 3*traffic.Steady)
	r.awaitReady(t)
}

// forgetful replaces the CA injector by one that works as those before cert-manager 1.19 did: what it injects takes the place of what
// was there.
func (c *cluster) forgetful(t *testing.T, injector *controlplane.Component) *controlplane.Component {
	t.Helper()
	if err := injector.Stop(); err != nil {
		t.Fatal(err)
	}
	injector, err := c.StartCAInjector(t.Context(), os.Stderr, "CAInjectorMerging=false")
	if err != nil {
		t.Fatal(err)
	}
	c.awaitInjected(t, 1)
	return injector
}

// testRenewedAuthority renews the authority, whose key the overlay keeps, and then the certificate. The CA injector replaces the
// caBundle at once, while the gates still serve what the old authority has signed.
func testRenewedAuthority(t *testing.T, cluster *cluster, replicas *replicas) {
	calls := cluster.startLoad(t)
	calls.Await(t, traffic.Steady)
	old := cluster.mustIssued(t, authoritySecret)
	renewed := cluster.renew(t, authoritySecret, authoritySecret)
	if !bytes.Equal(old.RawSubjectPublicKeyInfo, renewed.RawSubjectPublicKeyInfo) {
		t.Error("the renewed authority has another key")
	}
	before := cluster.mustIssued(t, servingSecret)
	replicas.awaitServed(t, 0, before)
	replicas.hold()
	now := cluster.renewUnder(t, renewed)
	cluster.awaitInjected(t, 1)
	calls.Await(t, traffic.Steady)
	replicas.changeOver(t, calls, before, now)
}

// testForgottenAuthority loses the authority as testLostAuthority does. Nothing happens until the certificate is renewed; then what
// the gates serve leads to no authority that the API server knows, until their files arrive. In between nobody is admitted.
func testForgottenAuthority(t *testing.T, cluster *cluster, replicas *replicas) {
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	made := cluster.loseAuthority(t)
	calls.Await(t, traffic.Steady)
	quiet := calls.Sent()

	replicas.hold()
	now := cluster.renewUnder(t, made)
	cluster.awaitInjected(t, 1)
	replicas.awaitUnready(t, "x509: certificate signed by unknown authority")
	calls.Await(t, traffic.Steady)
	cluster.awaitSaid(t, notCalled)
	released := time.Now()
	replicas.release()
	replicas.awaitServed(t, 0, now)
	replicas.awaitServed(t, 1, now)
	replicas.awaitReady(t)
	cluster.awaitSaid(t, verdict)
	t.Logf("%s after the files were written the gates were called again", time.Since(released).Round(time.Millisecond))
	healed := calls.Sent()
	calls.Await(t, traffic.Steady)
	counts := calls.Count(t, traffic.InAdvance, traffic.Validated, traffic.FailedClosed)
	if counts[traffic.FailedClosed] == 0 {
		t.Error("no call failed, so that nothing was shown")
	}
	for _, call := range calls.Finish() {
		if call.Outcome != traffic.InAdvance && (call.Number <= quiet-traffic.Clients || call.Number > healed) {
			t.Errorf("call %d: %s: %v; only those from %d to %d may fail", call.Number, call.Outcome, call.Err, quiet, healed)
		}
	}
}

// loseAuthority deletes the Secret of the authority, and returns the authority that cert-manager makes then.
func (c *cluster) loseAuthority(t *testing.T) *x509.Certificate {
	t.Helper()
	lost := c.mustIssued(t, authoritySecret)
	gatetest.Kubectl(t, c.Cluster, "delete", "-n", manifests.Namespace, "secret", authoritySecret)
	made := c.awaitOther(t, authoritySecret, lost)
	if bytes.Equal(lost.RawSubjectPublicKeyInfo, made.RawSubjectPublicKeyInfo) {
		t.Error("the new authority has the lost key")
	}
	return made
}

// renewUnder renews the certificate until it lies beside that authority, which the Issuer may not know at first.
func (c *cluster) renewUnder(t *testing.T, authority *x509.Certificate) *x509.Certificate {
	t.Helper()
	for range 10 {
		now := c.renew(t, certs.ServingCertificateName, servingSecret)
		_, beside, err := c.issued(t.Context(), servingSecret)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(beside)
		want := x509.NewCertPool()
		want.AddCert(authority)
		if pool.Equal(want) {
			return now
		}
	}
	t.Fatal("renewed ten times, and never by the new authority")
	return nil
}
