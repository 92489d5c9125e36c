package certmanager_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/certs"
	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// serviceName is what the API server calls the gate.
const serviceName = manifests.Name + "." + manifests.Namespace + ".svc"

// TestTheOverlayLivesWithCertManager installs the overlay beside a cert-manager that runs, and does to the certificates what
// happens to certificates, while people press the button. Each part begins with two ready replicas.
func TestTheOverlayLivesWithCertManager(t *testing.T) {
	cluster := begin(t)
	cluster.addCRDs(t)
	controllers, _ := cluster.addCertManager(t)
	replicas := cluster.install(t)
	replicas.awaitReady(t)
	cluster.awaitInjected(t)
	cluster.awaitSaid(t, verdict)
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"nobody fights over the caBundle", func(t *testing.T) { testNobodyFights(t, cluster) }},
		{"a renewal loses no request", func(t *testing.T) { testRenewal(t, cluster, replicas) }},
		{"a deleted secret loses no request", func(t *testing.T) { testDeletedSecret(t, cluster, replicas) }},
		{"a renewed authority loses no request", func(t *testing.T) { testRenewedAuthority(t, cluster, replicas) }},
		{"a lost authority refuses until the files arrive", func(t *testing.T) { testLostAuthority(t, cluster, replicas) }},
		{"a certificate that nobody renews ends", func(t *testing.T) { testEnd(t, cluster, replicas, controllers) }},
	} {
		if !t.Run(part.name, part.run) {
			break // what follows begins with what this leaves
		}
		replicas.checkAlive(t)
	}
}

// testNobodyFights applies the overlay once more, and looks who has written the caBundle.
func testNobodyFights(t *testing.T, cluster *cluster) {
	cluster.mustKubectl(t, "apply", "-k", overlay)
	cluster.awaitInjected(t)
	registrations := cluster.admin.AdmissionregistrationV1()
	validating, err := registrations.ValidatingWebhookConfigurations().Get(t.Context(), manifests.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mutating, err := registrations.MutatingWebhookConfigurations().Get(t.Context(), manifests.MutatingConfigurationName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, fields := range map[string][]metav1.ManagedFieldsEntry{validating.Name: validating.ManagedFields, mutating.Name: mutating.ManagedFields} {
		var owners []string
		for _, entry := range fields {
			if strings.Contains(entry.FieldsV1.String(), `"f:caBundle"`) {
				owners = append(owners, entry.Manager)
			}
		}
		if len(owners) != 1 || !strings.Contains(owners[0], "cainjector") {
			t.Errorf("the caBundle of %s is owned by %v, want the CA injector alone", name, owners)
		}
	}
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	calls.Count(t, traffic.InAdvance)
	after, err := registrations.ValidatingWebhookConfigurations().Get(t.Context(), manifests.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if after.ResourceVersion != validating.ResourceVersion {
		t.Errorf("%s was written again, at rest: %s became %s", manifests.Name, validating.ResourceVersion, after.ResourceVersion)
	}
}

// testRenewal renews the certificate. It reaches one replica, and only later the other.
func testRenewal(t *testing.T, cluster *cluster, replicas *replicas) {
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	before := cluster.mustIssued(t, servingSecret)
	replicas.mounts[1].hold()
	now := cluster.renew(t, certs.ServingCertificateName, servingSecret)
	replicas.awaitServed(t, cluster, 0, now)
	replicas.awaitServed(t, cluster, 1, before)
	calls.Await(t, traffic.Steady)
	replicas.mounts[1].release()
	replicas.awaitServed(t, cluster, 1, now)
	calls.Await(t, traffic.Steady)
	countAll(t, calls, 3*traffic.Steady)
	replicas.awaitReady(t)
}

// testDeletedSecret deletes the Secret of the serving certificate. The gates go on with what they have, until cert-manager has
// made another.
func testDeletedSecret(t *testing.T, cluster *cluster, replicas *replicas) {
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	before := cluster.mustIssued(t, servingSecret)
	cluster.mustKubectl(t, "delete", "-n", manifests.Namespace, "secret", servingSecret)
	now := cluster.awaitOther(t, servingSecret, before)
	replicas.awaitServed(t, cluster, 0, now)
	replicas.awaitServed(t, cluster, 1, now)
	calls.Await(t, traffic.Steady)
	countAll(t, calls, 2*traffic.Steady)
	replicas.awaitReady(t)
}

// testRenewedAuthority renews the authority, whose key the overlay keeps, and then the certificate. The CA injector replaces
// the caBundle at once, while the gates still serve what the old authority has signed.
func testRenewedAuthority(t *testing.T, cluster *cluster, replicas *replicas) {
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	old := cluster.mustIssued(t, authoritySecret)
	renewed := cluster.renew(t, authoritySecret, authoritySecret)
	if !bytes.Equal(old.RawSubjectPublicKeyInfo, renewed.RawSubjectPublicKeyInfo) {
		t.Error("the renewed authority has another key")
	}
	replicas.awaitServed(t, cluster, 0, cluster.mustIssued(t, servingSecret))

	before := cluster.mustIssued(t, servingSecret)
	replicas.hold()
	now := cluster.awaitRenewedUnder(t, renewed)
	cluster.awaitInjected(t)
	calls.Await(t, traffic.Steady)
	replicas.awaitServed(t, cluster, 0, before)
	replicas.release()
	replicas.awaitServed(t, cluster, 0, now)
	replicas.awaitServed(t, cluster, 1, now)
	calls.Await(t, traffic.Steady)
	countAll(t, calls, 3*traffic.Steady)
	replicas.awaitReady(t)
}

// testLostAuthority deletes the Secret of the authority, with its key. Nothing happens until the certificate is renewed; then
// the caBundle is replaced at once, and what the gates serve leads to no authority that the API server knows until their files
// arrive. In between nobody is admitted.
func testLostAuthority(t *testing.T, cluster *cluster, replicas *replicas) {
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	lost := cluster.mustIssued(t, authoritySecret)
	cluster.mustKubectl(t, "delete", "-n", manifests.Namespace, "secret", authoritySecret)
	made := cluster.awaitOther(t, authoritySecret, lost)
	if bytes.Equal(lost.RawSubjectPublicKeyInfo, made.RawSubjectPublicKeyInfo) {
		t.Error("the new authority has the lost key")
	}
	calls.Await(t, traffic.Steady)
	quiet := calls.Sent()

	replicas.hold()
	now := cluster.awaitRenewedUnder(t, made)
	cluster.awaitInjected(t)
	replicas.awaitUnready(t, "x509: certificate signed by unknown authority")
	calls.Await(t, traffic.Steady)
	cluster.awaitSaid(t, notCalled)
	released := time.Now()
	replicas.release()
	replicas.awaitServed(t, cluster, 0, now)
	replicas.awaitServed(t, cluster, 1, now)
	replicas.awaitReady(t)
	cluster.awaitSaid(t, verdict)
	t.Logf("%s after the files were written the gates are called again", time.Since(released).Round(time.Millisecond))
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

// awaitRenewedUnder renews the certificate until an authority has signed it: the Issuer may not know the authority yet.
func (c *cluster) awaitRenewedUnder(t *testing.T, authority *x509.Certificate) *x509.Certificate {
	t.Helper()
	for range 10 {
		now := c.renew(t, certs.ServingCertificateName, servingSecret)
		_, beside, err := c.issued(t.Context(), servingSecret)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(beside)
		if pool.Equal(poolOf(authority)) {
			return now
		}
	}
	t.Fatal("renewed ten times, and never by the new authority")
	return nil
}

func poolOf(certificate *x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return pool
}

// countAll finishes the traffic. Each call must have been refused by us in advance: what a gate does not answer in the mutating
// phase, the API server asks again in the validating one, and people notice nothing.
func countAll(t *testing.T, calls *traffic.Traffic, least int) {
	t.Helper()
	if counts := calls.Count(t, traffic.InAdvance); counts[traffic.InAdvance] < least {
		t.Errorf("%d calls got our verdict, want at least %d", counts[traffic.InAdvance], least)
	}
}

// hold and release do so to the mounts of all replicas.
func (r *replicas) hold() {
	for _, mount := range r.mounts {
		mount.hold()
	}
}

func (r *replicas) release() {
	for _, mount := range r.mounts {
		mount.release()
	}
}

// awaitServed waits until a replica serves a certificate. Until then, and then, the registered authority must lead to what is served,
// unless the replica says itself that it does not.
func (r *replicas) awaitServed(t *testing.T, cluster *cluster, number int, want *x509.Certificate) {
	t.Helper()
	await(t, func(context.Context) error {
		got, err := served(r.Replicas[number])
		if err == nil && !got.Equal(want) {
			err = fmt.Errorf("replica %d serves the certificate %x, want %x", number+1, got.SerialNumber, want.SerialNumber)
		}
		return err
	})
}

// served returns the certificate that a replica shows.
func served(replica *gate.Process) (*x509.Certificate, error) {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	connection, err := tls.DialWithDialer(dialer, "tcp", fmt.Sprintf("127.0.0.1:%d", replica.Port), &tls.Config{
		// It is compared, and the API server verifies it.
		InsecureSkipVerify: true, ServerName: serviceName, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	return connection.ConnectionState().PeerCertificates[0], nil
}

// injected returns an error if the caBundle of a configuration is not the authority beside the serving certificate.
func (c *cluster) injected(ctx context.Context) error {
	_, authority, err := c.issued(ctx, servingSecret)
	if err != nil {
		return err
	}
	validating, mutating, err := c.bundles(ctx)
	if err != nil {
		return err
	}
	if len(authority) == 0 || !bytes.Equal(validating, authority) || !bytes.Equal(mutating, authority) {
		return errors.New("a caBundle is not the authority of the serving certificate")
	}
	return nil
}
