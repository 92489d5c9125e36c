package installed_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/installed"
	"github.com/upgrade-gate/upgrade-gate/e2e/pods"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

const (
	stuck = "stuck-pre-drained"
	// patience bounds the wait for something that takes milliseconds on an idle machine.
	patience = 60 * time.Second
	// replicas is what the manifests ask for.
	replicas = 2
	// serviceName is the name in the gate's certificate by which the API server calls it.
	serviceName = manifests.Name + "." + manifests.Namespace + ".svc"
)

// begin starts a cluster that holds the stuck example, which ends with the test.
func begin(t *testing.T) *installed.Cluster {
	t.Helper()
	cluster, err := installed.Start(t.Context(), stuck, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(cluster.Tails())
		}
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// ready waits until so many replicas are ready, and nobody else is behind the Service.
func ready(t *testing.T, cluster *installed.Cluster, replicas int) {
	t.Helper()
	if err := cluster.AwaitReady(t.Context(), replicas); err != nil {
		t.Fatal(err)
	}
}

// kubectl runs the real kubectl as admin, and returns all that it said.
func kubectl(t *testing.T, cluster *installed.Cluster, args ...string) (string, error) {
	t.Helper()
	stdout, stderr, err := cluster.Kubectl(t.Context(), nil, args...)
	return stdout + stderr, err
}

// must is kubectl that succeeds.
func must(t *testing.T, cluster *installed.Cluster, args ...string) string {
	t.Helper()
	text, err := kubectl(t, cluster, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return text
}

// press creates the Upgrade of the examples, for real.
func press(t *testing.T, cluster *installed.Cluster) (string, error) {
	t.Helper()
	return kubectl(t, cluster, "create", "-f", "../../examples/upgrade-v1.4.2.yaml")
}

// TestTheShippedManifestsGuardTheClusterAsTheyAre installs the overlay for clusters without cert-manager, which nobody has
// touched, looks at what came of it, and goes on as an operator would: a restart, a dead replica, none at all, and the end.
func TestTheShippedManifestsGuardTheClusterAsTheyAre(t *testing.T) {
	cluster := begin(t)
	if err := cluster.Apply(t.Context(), "self-managed"); err != nil {
		t.Fatal(err)
	}
	ready(t, cluster, replicas)

	t.Run("two replicas run on two nodes", func(t *testing.T) { onTwoNodes(t, cluster) })
	t.Run("their endpoints serve a certificate for the Service's name that the registered CA has signed", func(t *testing.T) { certificates(t, cluster) })
	t.Run("they have no privilege", func(t *testing.T) { unprivileged(t, cluster.Pods.Running()) })
	t.Run("the upgrade is refused through the Service", func(t *testing.T) {
		text, err := press(t, cluster)
		if err == nil || !strings.Contains(text, "VM billing/ledger-1 on node-2 is paused") {
			t.Errorf("kubectl create said %v:\n%s", err, text)
		}
	})
	t.Run("a rolling restart under load loses no call", func(t *testing.T) { rollingRestart(t, cluster) })
	t.Run("a node with a replica is drained under load, and no call is lost", func(t *testing.T) { drained(t, cluster) })
	t.Run("a replica that is killed comes back, and nothing is admitted meanwhile", func(t *testing.T) { killed(t, cluster) })
	t.Run("without replicas the upgrade is refused, and the way out works", func(t *testing.T) { emergencyExit(t, cluster) })
}

func onTwoNodes(t *testing.T, cluster *installed.Cluster) {
	running := cluster.Pods.Running()
	if len(running) != replicas || running[0].Node == running[1].Node {
		t.Errorf("running: %+v", running)
	}
	readyOnes, _, err := cluster.Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range readyOnes {
		if ip := net.ParseIP(address); ip == nil || ip.IsLoopback() {
			t.Errorf("endpoint %q", address)
		}
	}
}

func certificates(t *testing.T, cluster *installed.Cluster) {
	configuration, err := cluster.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(t.Context(), manifests.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	registered := x509.NewCertPool()
	if !registered.AppendCertsFromPEM(configuration.Webhooks[0].ClientConfig.CABundle) {
		t.Fatal("no authority is registered")
	}
	addresses, _, err := cluster.Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		dialer := &tls.Dialer{Config: &tls.Config{RootCAs: registered, ServerName: serviceName, MinVersion: tls.VersionTLS12}}
		connection, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(address, "9443"))
		if err != nil {
			t.Errorf("replica %s: %v", address, err)
			continue
		}
		_ = connection.Close()
	}
}

// unprivileged reads what the kernel says of the processes.
func unprivileged(t *testing.T, running []pods.Running) {
	for _, pod := range running {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pod.ProcessID))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(line, ":")
			switch name {
			case "Uid", "Gid", "CapEff", "CapPrm", "NoNewPrivs":
				got[name] = strings.Join(strings.Fields(value), " ")
			}
		}
		want := map[string]string{
			"Uid": "65532 65532 65532 65532", "Gid": "65532 65532 65532 65532",
			"CapEff": "0000000000000000", "CapPrm": "0000000000000000", "NoNewPrivs": "1",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", pod.Name, diff)
		}
		// Seen through the process's own root, and with all the power of root.
		if err := os.WriteFile(filepath.Join("/proc", fmt.Sprint(pod.ProcessID), "root", "written"), nil, 0o600); err == nil {
			t.Errorf("%s: the root file system can be written to", pod.Name)
		}
	}
}

// noneLost finishes the traffic: every call has got our verdict. One whose call in advance has failed gets it in the
// validating phase, which nobody notices but the API server's log: there nothing may stand but that a busy machine took
// more than the five seconds that such a call has.
func noneLost(t *testing.T, cluster *installed.Cluster, calls *traffic.Traffic) {
	t.Helper()
	calls.Count(t, traffic.InAdvance, traffic.Validated)
	text, err := os.ReadFile(cluster.APIServerLog)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "failing open "+manifests.MutatingWebhookName) && !strings.Contains(line, "context deadline exceeded") {
			t.Errorf("a call in advance has failed: %s", line)
		}
	}
}

// rollingRestart replaces both replicas while people press the button.
func rollingRestart(t *testing.T, cluster *installed.Cluster) {
	before := map[string]bool{}
	for _, pod := range cluster.Pods.Running() {
		before[pod.Name] = true
	}
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	must(t, cluster, "rollout", "restart", "deployment", manifests.Name, "--namespace="+manifests.Namespace)
	must(t, cluster, "rollout", "status", "deployment", manifests.Name, "--namespace="+manifests.Namespace, "--timeout=120s")
	ready(t, cluster, replicas)
	calls.Await(t, traffic.Steady)
	noneLost(t, cluster, calls)
	for _, pod := range cluster.Pods.Running() {
		if before[pod.Name] {
			t.Errorf("%s was not replaced", pod.Name)
		}
	}
}

// drained drains a replica's node with the real kubectl, as Harvester does in an upgrade, while people press the button.
func drained(t *testing.T, cluster *installed.Cluster) {
	node := cluster.Pods.Running()[0].Node
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	must(t, cluster, "drain", node, "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=120s",
		"--pod-selector=app.kubernetes.io/name="+manifests.Name)
	ready(t, cluster, replicas)
	calls.Await(t, traffic.Steady)
	noneLost(t, cluster, calls)
	for _, pod := range cluster.Pods.Running() {
		if pod.Node == node {
			t.Errorf("%s is still on %s", pod.Name, node)
		}
	}
	must(t, cluster, "uncordon", node)
}

// killed kills a replica while people press the button.
func killed(t *testing.T, cluster *installed.Cluster) {
	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	victim := cluster.Pods.Running()[0]
	if err := syscall.Kill(victim.ProcessID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gatetest.Await(t, patience, func(context.Context) error {
		for _, pod := range cluster.Pods.Running() {
			if pod.Name == victim.Name && pod.ProcessID != victim.ProcessID {
				return nil
			}
		}
		return errors.New("the killed replica has no new process")
	})
	ready(t, cluster, replicas)
	calls.Await(t, traffic.Steady)
	calls.Count(t, traffic.InAdvance, traffic.Validated, traffic.FailedClosed)
}

// emergencyExit takes all replicas away, and then the webhook, as docs/install.md tells.
func emergencyExit(t *testing.T, cluster *installed.Cluster) {
	must(t, cluster, "scale", "deployment", manifests.Name, "--namespace="+manifests.Namespace, "--replicas=0")
	ready(t, cluster, 0)
	text, err := press(t, cluster)
	if err == nil || !strings.Contains(text, `failed calling webhook "`+manifests.ValidatingWebhookName) {
		t.Errorf("kubectl create said %v:\n%s", err, text)
	}
	must(t, cluster, "delete", "validatingwebhookconfiguration", manifests.Name)
	gatetest.Await(t, patience, func(context.Context) error {
		text, err := press(t, cluster)
		if err != nil {
			return fmt.Errorf("kubectl create said %w:\n%s", err, text)
		}
		return nil
	})
}
