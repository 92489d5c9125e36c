package certmanager_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/certs"
	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// serviceName is what the API server calls the gate.
const serviceName = manifests.Name + "." + manifests.Namespace + ".svc"

// TestTheOverlayLivesWithCertManager installs the overlay beside a cert-manager that runs, and does to the certificates what
// happens to certificates, while people press the button. Each part begins with two ready replicas.
func TestTheOverlayLivesWithCertManager(t *testing.T) {
	cluster := begin(t)
	cluster.addCRDs(t)
	controllers, injector := cluster.addCertManager(t)
	replicas := cluster.install(t)
	replicas.awaitReady(t)
	cluster.awaitInjected(t, 1)
	cluster.awaitSaid(t, verdict)
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"nobody fights over the caBundle", func(t *testing.T) { testNobodyFights(t, cluster, replicas) }},
		{"a renewal loses no request", func(t *testing.T) { testRenewal(t, cluster, replicas) }},
		{"a deleted secret loses no request", func(t *testing.T) { testDeletedSecret(t, cluster, replicas, controllers) }},
		{"a lost authority loses no request", func(t *testing.T) { testLostAuthority(t, cluster, replicas) }},
		{"a renewed authority loses no request, even if the injector forgets the old one", func(t *testing.T) {
			injector = cluster.forgetful(t, injector)
			testRenewedAuthority(t, cluster, replicas)
		}},
		{"a lost authority that the injector forgets admits nobody", func(t *testing.T) { testForgottenAuthority(t, cluster, replicas) }},
		{"a certificate that nobody renews ends", func(t *testing.T) { testEnd(t, cluster, replicas, controllers) }},
	} {
		if !t.Run(part.name, part.run) {
			break // what follows begins with what this leaves
		}
		replicas.checkAlive(t)
	}
}

// testNobodyFights applies the overlay once more, and looks who has written the caBundle.
func testNobodyFights(t *testing.T, cluster *cluster, replicas *replicas) {
	gatetest.Kubectl(t, cluster.Cluster, "apply", "-k", overlay)
	if _, err := cluster.injected(t.Context()); err != nil {
		t.Errorf("after the overlay was applied again: %v", err)
	}
	cluster.lead(t, replicas.Port()) // the overlay says 443
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
	cluster.awaitSaid(t, verdict)
	calls := cluster.startLoad(t)
	calls.Await(t, traffic.Steady)
	calls.countAll(t, traffic.Steady)
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
	calls := cluster.startLoad(t)
	calls.Await(t, traffic.Steady)
	before := cluster.mustIssued(t, servingSecret)
	replicas.mounts[1].hold()
	now := cluster.renew(t, certs.ServingCertificateName, servingSecret)
	replicas.awaitServed(t, 0, now)
	replicas.awaitServed(t, 1, before)
	calls.Await(t, traffic.Steady)
	replicas.mounts[1].release()
	replicas.awaitServed(t, 1, now)
	calls.Await(t, traffic.Steady)
	calls.countAll(t, 3*traffic.Steady)
	replicas.awaitReady(t)
}

// testDeletedSecret deletes the Secret of the serving certificate while cert-manager's controllers do not get to their work. The
// gates go on with what they have, until the controllers go on and make another.
func testDeletedSecret(t *testing.T, cluster *cluster, replicas *replicas, controllers *controlplane.Component) {
	calls := cluster.startLoad(t)
	calls.Await(t, traffic.Steady)
	before := cluster.mustIssued(t, servingSecret)
	if err := controllers.Pause(); err != nil {
		t.Fatal(err)
	}
	gatetest.Kubectl(t, cluster.Cluster, "delete", "-n", manifests.Namespace, "secret", servingSecret)
	calls.Await(t, traffic.Steady)
	replicas.awaitServed(t, 0, before)
	if err := controllers.Resume(); err != nil {
		t.Fatal(err)
	}
	now := cluster.awaitOther(t, servingSecret, before)
	replicas.awaitServed(t, 0, now)
	replicas.awaitServed(t, 1, now)
	calls.Await(t, traffic.Steady)
	calls.countAll(t, 3*traffic.Steady)
	replicas.awaitReady(t)
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

// awaitServed waits until a replica serves a certificate.
func (r *replicas) awaitServed(t *testing.T, number int, want *x509.Certificate) {
	t.Helper()
	gatetest.Await(t, patience, func(context.Context) error {
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
