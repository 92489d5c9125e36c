package certmanager_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// TestTheChartLivesWithCertManager installs the chart, with certificates of cert-manager, and upgrades it: Helm leaves the
// caBundle to the CA injector.
func TestTheChartLivesWithCertManager(t *testing.T) {
	cluster := begin(t)
	cluster.addCRDs(t)
	cluster.addCertManager(t)
	helm(t, cluster, "install", "--create-namespace", "--set=image.repository=registry.example.com/upgrade-gate,certificates.mode=cert-manager")
	replicas := cluster.replicate(t)
	replicas.awaitReady(t)
	cluster.awaitInjected(t, 1)
	cluster.awaitSaid(t, verdict)

	helm(t, cluster, "upgrade", "--reuse-values", "--set=replicas=3")
	if _, err := cluster.injected(t.Context()); err != nil {
		t.Errorf("after helm upgrade %v", err)
	}
	// The chart says 443.
	cluster.lead(t, replicas.Port())
	replicas.awaitReady(t)
	cluster.awaitSaid(t, verdict)
}

// helm runs a command of the real helm on our release, as the cluster's admin.
func helm(t *testing.T, cluster *cluster, command string, args ...string) {
	t.Helper()
	program, err := tools.Helm().Ensure(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), program, append([]string{command, "upgrade-gate", chart, "--namespace=upgrade-gate"}, args...)...)
	run.Env = cluster.Environment(cluster.Kubeconfig)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("helm %s: %v\n%s", command, err, out)
	}
}
