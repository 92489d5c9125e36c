package faults_test

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

// certificatesReplaced deletes the authority's Secret. The replicas make a new authority, register it beside the old one, and
// change over to certificates of the new one. Beside the calls, handshakes with both replicas are checked against the
// authorities that are registered at that moment: the API server keeps connections, and would notice less.
func certificatesReplaced() fault {
	return fault{name: "certificate and authority replaced", strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
		before := registeredAuthorities(t, s.admin)
		must(t, s.admin.CoreV1().Secrets(manifests.Namespace).Delete(t.Context(), authoritySecret, metav1.DeleteOptions{}))
		handshakes := 0
		must(t, gate.Await(t.Context(), time.Minute, func(context.Context) error {
			registered := registeredAuthorities(t, s.admin)
			var old error
			for _, replica := range s.service.Replicas {
				// A handshake that fails is no reason to try again.
				leaf, err := handshake(replica, registered)
				if err != nil {
					t.Fatalf("after %d handshakes, the registered authorities do not lead to the certificate of port %d: %v", handshakes, replica.Port, err)
				}
				handshakes++
				if signedByOneOf(leaf, before) {
					old = errors.Join(old, fmt.Errorf("port %d still serves a certificate of the old authority", replica.Port))
				}
			}
			return old
		}))
		t.Logf("%d handshakes", handshakes)
		calls.AwaitSteady(t, steady, s.right()...)
		must(t, s.service.AwaitReady(t.Context()))
		for _, call := range calls.Ended() {
			// What fails in the mutating phase is asked again in the validating one, and nobody would notice.
			if s.example == stuck && call.Outcome != traffic.InAdvance {
				t.Errorf("call %d was %s, want %s: %v", call.Number, call.Outcome, traffic.InAdvance, call.Err)
			}
		}
	}}
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
