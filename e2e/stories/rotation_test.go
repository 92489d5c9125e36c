package stories_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// authoritySecret holds the gate's certificate authority.
const authoritySecret = "upgrade-gate-ca"

// TestStory8TheCertificateAndItsAuthorityAreReplacedUnderLoad deletes the authority's Secret while people press
// the button. The gates make a new authority, register it beside the old one, and change over to certificates of
// the new one. Every call must get our verdict, and already from the mutating phase, whose failures the API server
// would hide. Beside the calls, handshakes with both replicas are checked against the authorities that are
// registered at that moment: the API server keeps connections, and would notice less.
func TestStory8TheCertificateAndItsAuthorityAreReplacedUnderLoad(t *testing.T) {
	cluster := begin(t, stuck, gate.ClusterOptions{})
	// A renewed certificate is used when it is a tenth of its life old.
	service := startReplicas(t, cluster, gate.Options{Args: []string{"--leaf-duration=30s", "--ca-duration=1h"}})
	admin, err := kubernetes.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	before := registeredAuthorities(t, admin)
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	if err := admin.CoreV1().Secrets(manifests.Namespace).Delete(t.Context(), authoritySecret, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}

	handshakes := 0
	await(t, 2*patience, func(context.Context) error {
		registered := registeredAuthorities(t, admin)
		var old error
		for _, replica := range service.Replicas {
			// A handshake that fails is no reason to try again.
			leaf, err := handshake(replica, registered)
			if err != nil {
				t.Errorf("after %d handshakes, the registered authorities do not lead to the certificate of port %d: %v", handshakes, replica.Port, err)
			}
			handshakes++
			if leaf != nil && signedByOneOf(leaf, before) {
				old = errors.Join(old, fmt.Errorf("port %d still serves a certificate of the old authority", replica.Port))
			}
		}
		if t.Failed() {
			return nil
		}
		return old
	})
	calls.Await(t, traffic.Steady)
	counts := calls.Count(t, traffic.InAdvance)
	t.Logf("%d handshakes", handshakes)
	if counts[traffic.InAdvance] < 2*traffic.Steady {
		t.Errorf("%d calls got our verdict, want at least %d", counts[traffic.InAdvance], 2*traffic.Steady)
	}
	for _, replica := range service.Replicas {
		if err := replica.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// registeredAuthorities returns what is in the caBundle of the validating configuration now.
func registeredAuthorities(t *testing.T, admin kubernetes.Interface) *x509.CertPool {
	t.Helper()
	configuration, err := admin.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(t.Context(), manifests.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(configuration.Webhooks[0].ClientConfig.CABundle) {
		t.Fatal("no authority is registered")
	}
	return pool
}

// handshake connects as the API server does, and returns the certificate that is served.
func handshake(replica *gate.Process, authorities *x509.CertPool) (*x509.Certificate, error) {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	connection, err := tls.DialWithDialer(dialer, "tcp", fmt.Sprintf("127.0.0.1:%d", replica.Port), &tls.Config{
		RootCAs: authorities, ServerName: "localhost", MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	return connection.ConnectionState().PeerCertificates[0], nil
}

func signedByOneOf(leaf *x509.Certificate, authorities *x509.CertPool) bool {
	_, err := leaf.Verify(x509.VerifyOptions{Roots: authorities})
	return err == nil
}
