package stories_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
)

// From a terminal: one stuck cluster, and all that an operator does with it.
func TestAnOperatorAtATerminal(t *testing.T) {
	cluster := gatetest.Start(t, stuck, gate.ClusterOptions{})
	binary, err := cluster.Binary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	authority, err := cluster.KubeletCA(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	account, err := cluster.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	terminal := operator{cluster, binary, authority, account.Kubeconfig}
	t.Run("collects the evidence, which says what the cluster says", terminal.collects)
	t.Run("runs it as a plugin of kubectl", terminal.usesThePlugin)
	t.Run("is told which rights are missing, and gives them", terminal.getsRights)
	t.Run("watches a repair", terminal.watches)
}

// operator sits at a terminal.
type operator struct {
	cluster *gate.Cluster
	binary  string
	// authority is the file of the kubelets' CA.
	authority string
	// kubeconfig is that of an account with the rights that the program needs. Kubelets know tokens alone.
	kubeconfig string
}

func (o operator) collects(t *testing.T) {
	for _, name := range []string{"evidence.zip", "evidence"} {
		path := filepath.Join(t.TempDir(), name)
		out, stderr, code := run(t, o.binary, o.cluster.Environment(o.kubeconfig), "collect", "--kubelet-ca="+o.authority, "-o", path)
		if code != 0 || stderr != "" || !strings.HasSuffix(out, "upgrade-gate check --from "+path+"\n") {
			t.Fatalf("exit code %d, %q, %q", code, out, stderr)
		}
		live := judged(t, o.cluster, "--kubelet-ca="+o.authority)
		if diff := cmp.Diff(live, judged(t, o.cluster, "--from="+path)); diff != "" {
			t.Errorf("%s (-API server +collected):\n%s", name, diff)
		}
	}
}

func (o operator) usesThePlugin(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"kubectl-upgrade_gate", "kubectl_complete-upgrade_gate"} {
		if err := os.Symlink(o.binary, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	environment := append(o.cluster.Environment(o.kubeconfig), "PATH="+folder)
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"a check":      {[]string{"upgrade-gate", "check", "--version=v1.4.2", "--kubelet-ca=" + o.authority}, 2, "BLOCKED: 7 problems in 7 checks"},
		"its help":     {[]string{"upgrade-gate", "plan", "--help"}, 0, "kubectl upgrade-gate plan --version v1.4.2"},
		"a completion": {[]string{"__complete", "upgrade-gate", "explain", "paus"}, 0, "paused-vms\n"},
	} {
		out, stderr, code := run(t, o.cluster.KubectlPath, environment, c.args...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit code %d, want %d and %q: %s%s", name, code, c.code, c.want, out, stderr)
		}
	}
}

func (o operator) getsRights(t *testing.T) {
	environment := o.cluster.Environment(o.cluster.Kubeconfig)
	asAnna := func() (stderr string, code int) {
		_, stderr, code = run(t, o.binary, environment, "check", "--version=v1.4.2", "--as=anna", "--kubelet-ca="+o.authority)
		return stderr, code
	}
	stderr, code := asAnna()
	if code != 3 || !strings.HasPrefix(stderr, "This account has no right to list nodes, list pods, ") {
		t.Errorf("without rights: exit code %d, %q", code, stderr)
	}
	rights, _, _ := run(t, o.binary, nil, "rbac", "--user=anna")
	if given := kubectl(t, o.cluster, rights, "apply", "-f", "-"); given.code != 0 {
		t.Fatalf("%+v", given)
	}
	gatetest.Await(t, time.Minute, func(context.Context) error {
		if stderr, code := asAnna(); code != 2 || stderr != "" {
			return fmt.Errorf("with the rights that were printed: exit code %d, %q", code, stderr)
		}
		return nil
	})
}

func (o operator) watches(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, o.binary, "check", "--version=v1.4.2", "--watch", "--kubelet-ca="+o.authority)
	command.Env = o.cluster.Environment(o.kubeconfig)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var passed []string
	read := func(start string) string {
		for lines.Scan() {
			passed = append(passed, lines.Text())
			if strings.Contains(lines.Text(), start) {
				return lines.Text()
			}
		}
		t.Fatalf("no line with %q: %v, %s, but\n%s", start, lines.Err(), stderr.String(), strings.Join(passed, "\n"))
		return ""
	}
	if first := read("BLOCKED:"); !strings.HasPrefix(first, "BLOCKED: 7 problems in 7 checks") {
		t.Errorf("the first report begins with %q", first)
	}
	read("Passed:")
	folder, err := gate.Example("stuck-pre-drained-repairs")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.cluster.Repair(t.Context(), filepath.Join(folder, "01-paused-vms")); err != nil {
		t.Fatal(err)
	}
	read(" BETTER: ")
	read("paused-vms: VirtualMachineInstance billing/ledger-1")
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	exit := (*exec.ExitError)(nil)
	if err := command.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 2 || stderr.Len() > 0 {
		t.Errorf("an interrupt ends the watch with %v, %q; want exit code 2, for the cluster is still stuck", err, stderr.String())
	}
}
