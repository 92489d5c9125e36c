package certmanager_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/certs"
	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
)

// testEnd lets a certificate end, because cert-manager's controllers do not get to their work. The gates warn, say that it has
// ended, and are no longer ready; the API server connects to none of them, and no upgrade can begin. When the controllers go on, all heals by itself.
func testEnd(t *testing.T, cluster *cluster, replicas *replicas, controllers *controlplane.Component) {
	// cert-manager's webhook would not let a Certificate be so short.
	gatetest.Kubectl(t, cluster.Cluster, "patch", "-n", manifests.Namespace, "certificates.cert-manager.io", certs.ServingCertificateName, "--type=merge",
		"--patch", `{"spec":{"duration":"30s","renewBefore":"10s"}}`)
	cluster.awaitShort(t)
	if err := controllers.Pause(); err != nil {
		t.Fatal(err)
	}
	short := cluster.mustIssued(t, servingSecret) // it may have been renewed once more
	replicas.awaitServed(t, 0, short)
	replicas.awaitServed(t, 1, short)
	for _, message := range []string{
		"cert-manager has not renewed the serving certificate; upgrades are refused when it has ended",
		"the serving certificate has ended; upgrades are refused until cert-manager renews it",
	} {
		for _, replica := range replicas.Replicas {
			line, err := replica.AwaitLog(t.Context(), patience, func(line gate.LogLine) bool { return line.Message == message })
			if err != nil {
				t.Fatalf("nobody logged %q: %v", message, err)
			}
			if got, want := line.Text("look"), "kubectl -n upgrade-gate describe certificate upgrade-gate-serving"; got != want {
				t.Errorf("%q says to look at %q, want %q", message, got, want)
			}
		}
	}
	replicas.awaitUnready(t, "x509: certificate has expired")
	// A connection that is open stays open, and what comes through it is answered.
	replicas.Forwarder.Cut()
	cluster.awaitSaid(t, notCalled)
	for _, replica := range replicas.Replicas {
		end, err := replica.Metric(t.Context(), "upgrade_gate_serving_certificate_expiry_timestamp_seconds")
		if err != nil || int64(end) != short.NotAfter.Unix() {
			t.Errorf("the metric says that the certificate ends at %d, want %d: %v", int64(end), short.NotAfter.Unix(), err)
		}
	}

	// Long again, so that nothing ends while it is looked at.
	gatetest.Kubectl(t, cluster.Cluster, "patch", "-n", manifests.Namespace, "certificates.cert-manager.io", certs.ServingCertificateName, "--type=merge",
		"--patch", `{"spec":{"duration":"2160h","renewBefore":"720h"}}`)
	if err := controllers.Resume(); err != nil {
		t.Fatal(err)
	}
	replicas.awaitReady(t)
	cluster.awaitSaid(t, verdict)
}

// awaitShort waits until a certificate is issued that lasts less than a minute.
func (c *cluster) awaitShort(t *testing.T) {
	t.Helper()
	gatetest.Await(t, patience, func(ctx context.Context) error {
		short, _, err := c.issued(ctx, servingSecret)
		if err == nil && short.NotAfter.Sub(short.NotBefore) > time.Minute {
			err = fmt.Errorf("the certificate lasts until %s", short.NotAfter)
		}
		return err
	})
}
