package controlplane_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/crds"
	"github.com/upgrade-gate/upgrade-gate/e2e/forward"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// plane is the control plane that all tests of this package share.
var plane *controlplane.ControlPlane

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	definitions, err := crds.Handwritten()
	if err == nil {
		plane, err = controlplane.Start(context.Background(), controlplane.Options{CRDs: definitions, Progress: os.Stderr})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping:", err)
			code = 1
		}
	}()
	return m.Run()
}

func TestKubectlTalksToTheStampedAPIServer(t *testing.T) {
	stdout, stderr, err := plane.Kubectl(t.Context(), nil, "version", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var versions struct {
		Client struct{ GitVersion, Major string } `json:"clientVersion"`
		Server struct{ GitVersion, Minor string } `json:"serverVersion"`
	}
	if err := json.Unmarshal([]byte(stdout), &versions); err != nil {
		t.Fatal(err)
	}
	if os.Getenv(controlplane.AssetsVariable) == "" {
		want, err := tools.KubeAPIServer().Version()
		if err != nil {
			t.Fatal(err)
		}
		if versions.Client.GitVersion != want || versions.Server.GitVersion != want {
			t.Errorf("versions = %+v, want %s", versions, want)
		}
	}
	if versions.Client.Major != "1" || versions.Server.Minor == "" || strings.Contains(stderr, "WARNING") {
		t.Errorf("versions = %+v, stderr = %q", versions, stderr)
	}
}

func TestTheClusterCASignedTheAPIServersCertificate(t *testing.T) {
	connection, err := tls.Dial("tcp", plane.Address(), &tls.Config{RootCAs: plane.ClusterCA.Pool(), MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	if err := connection.Close(); err != nil {
		t.Error(err)
	}
}

func TestAServiceAccountMayDoWhatItsRulesSayAndNothingElse(t *testing.T) {
	identity, err := plane.AddServiceAccount(t.Context(), "upgrade-gate-system", "reader", controlplane.Rights{
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"list"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(identity.Config)
	if err != nil {
		t.Fatal(err)
	}
	// The authorizer reads roles through a watch, so the right comes some moments after the binding.
	eventually(t, func() error {
		_, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
		return err
	})
	_, err = client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("listing pods: err = %v, want forbidden", err)
	}
	stdout, _, err := plane.KubectlAs(t.Context(), identity.Kubeconfig, nil, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
	if err != nil || stdout != identity.Username {
		t.Errorf("whoami = %q, %v; want %s", stdout, err, identity.Username)
	}
}

func TestAUserIsBoundToExistingRoles(t *testing.T) {
	identity, err := plane.AddUser(t.Context(), "jane", nil, controlplane.Rights{ClusterRoles: []string{"cluster-admin"}})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, _, err := plane.KubectlAs(t.Context(), identity.Kubeconfig, nil, "get", "secrets", "-A")
		return err
	})
}

func TestAnIdentityGoesThroughAForwarder(t *testing.T) {
	forwarder, err := forward.Start(forward.Options{Backends: []string{plane.Address()}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := forwarder.Close(); err != nil {
			t.Error(err)
		}
	}()
	through, err := plane.Through(plane.Admin(), forwarder.Address())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := plane.KubectlAs(t.Context(), through.Kubeconfig, nil, "get", "namespaces"); err != nil {
		t.Error(err)
	}
	if err := forwarder.Refuse(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := plane.KubectlAs(t.Context(), through.Kubeconfig, nil, "get", "namespaces"); err == nil {
		t.Error("kubectl found another way to the API server")
	}
}

func TestTheAuditLogShowsWhoCreatedAnUpgrade(t *testing.T) {
	upgrade := `{"apiVersion":"harvesterhci.io/v1beta1","kind":"Upgrade",
		"metadata":{"name":"audited","namespace":"default"},"spec":{"version":"v1.6.0"}}`
	if _, _, err := plane.Kubectl(t.Context(), strings.NewReader(upgrade), "create", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		events, err := plane.AuditEvents()
		if err != nil {
			return err
		}
		for _, event := range events {
			if event.Verb == "create" && event.ObjectRef.Name == "audited" && event.Stage == "ResponseComplete" {
				if event.User.Username != "admin" || event.ResponseStatus.Code != 201 || event.AuditID == "" {
					t.Errorf("event = %+v", event)
				}
				return nil
			}
		}
		return fmt.Errorf("no line for the upgrade among %d", len(events))
	})
}

func TestAFailedKubectlKeepsItsExitCodeAndText(t *testing.T) {
	_, stderr, err := plane.Kubectl(t.Context(), nil, "get", "node", "nobody")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("err = %v, want exit code 1", err)
	}
	if !strings.Contains(stderr, "NotFound") {
		t.Errorf("stderr = %q", stderr)
	}
}

func TestAFlagThatTheAPIServerDoesNotKnowIsNamedAndLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	_, err := controlplane.Start(t.Context(), controlplane.Options{
		WorkDir:       folder,
		APIServerArgs: map[string][]string{"no-such-flag": {"1"}},
	})
	if err == nil || !strings.Contains(err.Error(), "no-such-flag") {
		t.Fatalf("err = %v, want the flag's name", err)
	}
	if left, err := filepath.Glob(filepath.Join(folder, "*.pid")); err != nil || len(left) > 0 {
		t.Errorf("notes of running processes: %v, %v", left, err)
	}
}

func TestStopLeavesNoProcess(t *testing.T) {
	folder := t.TempDir()
	second, err := controlplane.Start(t.Context(), controlplane.Options{WorkDir: folder})
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for _, name := range []string{"kube-apiserver", "etcd"} {
		id, err := second.ProcessID(name)
		if err != nil || syscall.Kill(id, 0) != nil {
			t.Errorf("%s: process %d, %v: not running", name, id, err)
		}
		ids = append(ids, id)
	}
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if err := syscall.Kill(id, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is alive: %v", id, err)
		}
	}
	if err := second.Stop(); err != nil {
		t.Errorf("stopping twice: %v", err)
	}
}

func TestIncompleteAssetsAreNotUsed(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "kube-apiserver"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(controlplane.AssetsVariable, folder)
	var progress strings.Builder
	binaries, err := controlplane.EnsureBinaries(t.Context(), &progress)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(binaries.APIServer, folder) || !strings.Contains(progress.String(), "no executable etcd") {
		t.Errorf("binaries = %+v, progress = %q", binaries, progress.String())
	}
	for _, name := range []string{"etcd", "kubectl"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if binaries, err := controlplane.EnsureBinaries(t.Context(), nil); err != nil || binaries.Etcd != filepath.Join(folder, "etcd") {
		t.Errorf("binaries = %+v, %v; want those in %s", binaries, err, folder)
	}
}

// eventually polls until f returns nil, for ten seconds.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("after 10 s still: %v", err)
		case <-tick.C:
		}
	}
}
