package stories_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// reading is what upgrade-gate check says of a cluster, reasons included.
type reading struct {
	Verdict, Target string
	Checks          []checkResult
	Evidence        []struct{ Kind, State string }
}

// missing is the evidence that was not, or not wholly, read, and how it stands.
func (r reading) missing() map[string]string {
	missing := map[string]string{}
	for _, evidence := range r.Evidence {
		if evidence.State != "Read" {
			missing[evidence.Kind] = evidence.State
		}
	}
	return missing
}

type checkResult struct {
	Name, Outcome, Severity, Because string
	Findings                         []finding
}

// said is the result without its reason, which names where the evidence comes from.
func (r checkResult) said() checkResult {
	r.Because = ""
	return r
}

func (r reading) check(t *testing.T, name string) checkResult {
	t.Helper()
	i := slices.IndexFunc(r.Checks, func(check checkResult) bool { return check.Name == name })
	if i < 0 {
		t.Fatalf("no check %s", name)
	}
	return r.Checks[i]
}

// judged runs upgrade-gate check as the gate's own account.
func judged(t *testing.T, cluster *gate.Cluster, args ...string) reading {
	t.Helper()
	binary, err := cluster.Binary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	account, err := cluster.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report(t, binary, cluster.Environment(account.Kubeconfig), args...)
}

// report runs upgrade-gate check, which has to come to a verdict.
func report(t *testing.T, binary string, environment []string, args ...string) reading {
	t.Helper()
	out, stderr, code := run(t, binary, environment, append([]string{"check", "--version=v1.4.2", "--output=json"}, args...)...)
	if code == 1 {
		t.Fatalf("upgrade-gate check %v: %s", args, stderr)
	}
	var said reading
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, check := range said.Checks {
		for i := range check.Findings {
			check.Findings[i].Message = timeless(check.Findings[i].Message)
		}
	}
	return said
}

// run runs a program to its end.
func run(t *testing.T, binary string, environment []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary, args...)
	command.Env = environment
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	err := command.Run()
	exit := (*exec.ExitError)(nil)
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		code = exit.ExitCode()
	}
	return out.String(), errOut.String(), code
}

// product is the binary, for stories without a control plane.
func product(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "upgrade-gate")
	if err := tools.Product(t.Context(), os.Stderr, binary); err != nil {
		t.Fatal(err)
	}
	return binary
}
