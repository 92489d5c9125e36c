package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// outcome is what one command line came to.
type outcome struct {
	code           int
	stdout, stderr string
}

// call runs a command line in this process.
func call(t *testing.T, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// only writes a policy that switches every check off but one, so that a test does not depend on the others.
func only(t *testing.T, name, enforcement string) string {
	t.Helper()
	text := "apiVersion: upgradegate.io/v1alpha1\nkind: Policy\nchecks:\n"
	for _, check := range checks.All() {
		switch {
		case check.Name != name:
			text += fmt.Sprintf("  %s: {enforcement: off}\n", check.Name)
		default:
			text += fmt.Sprintf("  %s: {enforcement: %s}\n", check.Name, enforcement)
		}
	}
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestBadUsageIsOneClearLineAndExitCode1(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("HOME", t.TempDir())
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	notADirectory := filepath.Join("testdata", "paused", "cluster.yaml", "below")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown command":             {[]string{"chek"}, `upgrade-gate: no command is named "chek"; upgrade-gate --help lists them`},
		"unknown flag":                {[]string{"check", "--bogus"}, `upgrade-gate: unknown flag: --bogus`},
		"an argument too much":        {[]string{"check", "folder"}, `upgrade-gate: check takes no argument, but got "folder"; see upgrade-gate check --help`},
		"an unknown form of output":   {[]string{"check", "-o", "xml"}, `upgrade-gate: --output "xml" is not known: it is text, `},
		"a bad version":               {[]string{"check", "--version", "1.4 2"}, `upgrade-gate: --version "1.4 2" is not the name of a version, like v1.4.2`},
		"a bad image":                 {[]string{"check", "--image", "iso"}, `upgrade-gate: --image "iso" is not NAMESPACE/NAME of an image`},
		"a bad time":                  {[]string{"check", "--from", "testdata/paused", "--at", "noon"}, `upgrade-gate: --at "noon" is not a time like 2026-11-20T10:00:00Z`},
		"no time at all":              {[]string{"check", "--timeout", "0s"}, `upgrade-gate: --timeout 0s is too short`},
		"a flag that needs a cluster": {[]string{"check", "--from", ".", "--read-secrets"}, `upgrade-gate: --read-secrets is for a cluster: the Secrets that files hold are read anyway`},
		"watching files":              {[]string{"check", "--from", ".", "--watch"}, `upgrade-gate: --watch is for a cluster: files do not change`},
		"watching as JSON":            {[]string{"check", "--watch", "-o", "json"}, `upgrade-gate: --watch prints text, not json`},
		"an unknown check to run":     {[]string{"check", "--only", "paused-vm"}, `upgrade-gate: no check is named "paused-vm"; did you mean paused-vms?`},
		"to run some and skip some":   {[]string{"check", "--only", "paused-vms", "--skip", "disk-space"}, `upgrade-gate: --only and --skip exclude each other`},
		"to skip everything":          {[]string{"check", "--skip", strings.Join(checkNames(), ",")}, `upgrade-gate: --skip leaves no check to run`},
		"an unknown failure":          {[]string{"check", "--fail-on", "passed"}, `upgrade-gate: --fail-on "passed" is not known: it is block or warn`},
		"nowhere to collect to":       {[]string{"collect"}, `upgrade-gate: --output is missing: where to write to, a folder or FILE.zip`},
		"a folder that is not there":  {[]string{"collect", "-o", "testdata/none/evidence.zip"}, `upgrade-gate: write the evidence: open testdata/none/`},
		"Secrets to collect":          {[]string{"collect", "-o", "x", "--read-secrets"}, `upgrade-gate: --read-secrets is not for collect: Secrets are never written to files`},
		"a user that cannot be bound": {[]string{"rbac", "--user", "a/b"}, `upgrade-gate: "a/b" cannot be bound: the name of a binding may hold no / and no %`},
		"a name that is none":         {[]string{"rbac", "--name", "a b"}, `upgrade-gate: --name "a b" is no name of an object`},
		"a flag that needs files":     {[]string{"check", "--assume-complete"}, `upgrade-gate: --assume-complete needs --from`},
		"no cluster":                  {[]string{"check"}, `upgrade-gate: no cluster to check: there is no kubeconfig, and this is no pod; use --kubeconfig, or --from for files`},
		"a kubeconfig that is absent": {[]string{"check", "--kubeconfig", "testdata/none"}, `upgrade-gate: read the kubeconfig: stat testdata/none: no such file or directory`},
		"a folder that is absent":     {[]string{"check", "--from", "testdata/none"}, `upgrade-gate: read the cluster: stat testdata/none: no such file or directory`},
		"a folder that is a file":     {[]string{"check", "--from", notADirectory}, `upgrade-gate: read the cluster: stat ` + notADirectory + `: not a directory`},
		"a folder without objects":    {[]string{"check", "--from", t.TempDir()}, `no .yaml, .yml or .json file with an object in it`},
		"broken YAML":                 {[]string{"check", "--from", "testdata/broken"}, `upgrade-gate: read testdata/broken: cluster.yaml:`},
		"a YAML bomb":                 {[]string{"check", "--from", "testdata/bomb"}, `upgrade-gate: read testdata/bomb: bomb.yaml:1: document contains excessive aliasing`},
		"a policy that is a cluster":  {[]string{"check", "--from", "testdata/paused", "--policy", "testdata/paused/cluster.yaml"}, `upgrade-gate: testdata/paused/cluster.yaml:`},
		"a policy that is absent":     {[]string{"check", "--from", "testdata/paused", "--policy", "testdata/none"}, `upgrade-gate: read the policy: open testdata/none: no such file or directory`},
		"an unknown check":            {[]string{"explain", "paused-vm"}, `upgrade-gate: no check is named "paused-vm"; did you mean paused-vms?`},
		"a check like no other":       {[]string{"explain", "xyzzy"}, `upgrade-gate: no check is named "xyzzy"; upgrade-gate explain lists them all`},
		"two checks":                  {[]string{"explain", "a", "b"}, `upgrade-gate: explain takes the name of one check, not 2`},
		"an argument to version":      {[]string{"version", "x"}, `upgrade-gate: version takes no argument, but got "x"; see upgrade-gate version --help`},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, c.args...)
			if got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, c.want) {
				t.Errorf("got exit code %d, stdout %q, stderr\n%s\nwant\n%s", got.code, got.stdout, got.stderr, c.want)
			}
			for line := range strings.Lines(got.stderr) {
				if !strings.HasPrefix(line, "upgrade-gate: ") || strings.Contains(line, "goroutine") || strings.Contains(line, "Usage:") {
					t.Errorf("the line is no plain error: %q", line)
				}
			}
		})
	}
}

func TestAllBadFlagsAreToldAtOnce(t *testing.T) {
	got := call(t, "check", "--version", "a/b", "--image", "x/y", "-o", "xml")
	if lines := strings.Count(got.stderr, "\n"); lines != 3 {
		t.Errorf("got %d lines, want 3:\n%s", lines, got.stderr)
	}
}

func TestHelpIsNoError(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"check", "--help"}, {"plan", "--help"}, {"explain", "--help"}, {"help", "check"}} {
		if got := call(t, args...); got.code != 0 || !strings.Contains(got.stdout, "Usage:") || got.stderr != "" {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

func TestVersion(t *testing.T) {
	if got := call(t, "version"); got.code != 0 || strings.TrimSpace(got.stdout) == "" {
		t.Errorf("got %+v", got)
	}
	if got := versionOf("v1.2.3"); got != "v1.2.3" {
		t.Errorf("got %s", got)
	}
}

func TestExplainListsEveryCheckInColumns(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(call(t, "explain").stdout, "\n"), "\n")
	all := checks.All()
	if len(lines) != len(all) {
		t.Fatalf("got %d lines for %d checks", len(lines), len(all))
	}
	column := strings.Index(lines[0], string(all[0].Severity))
	for i, check := range all {
		if !strings.HasPrefix(lines[i], check.Name+" ") || !strings.HasSuffix(lines[i], check.Title) || strings.Index(lines[i], " "+string(check.Severity)+" ") != column-1 {
			t.Errorf("got %q for check %s", lines[i], check.Name)
		}
	}
}

func TestExplainTellsEverythingAboutEveryCheck(t *testing.T) {
	for _, check := range checks.All() {
		got := call(t, "explain", check.Name)
		flat := strings.Join(strings.Fields(got.stdout), " ")
		for _, want := range []string{check.Title, strings.Join(strings.Fields(check.Why), " "), check.Finds, check.Beyond, strings.TrimRight(strings.Join(strings.Fields(check.Remedy), " "), "."), string(check.Needs[0])} {
			if !strings.Contains(flat, want) {
				t.Errorf("explain %s does not say %q:\n%s", check.Name, want, got.stdout)
			}
		}
	}
	if got := call(t, "explain", "paused-vms").stdout; !strings.Contains(got, "  https://github.com/harvester/harvester/issues/7679\n") {
		t.Errorf("the issue is no link:\n%s", got)
	}
}

func TestExplainTellsWhatCannotBeSeenOnlyWhereThereIsSomething(t *testing.T) {
	for name, want := range map[string]bool{"disk-space": true, "nodes-unready": false} {
		if got := strings.Contains(call(t, "explain", name).stdout, "\nWhat it cannot see:\n"); got != want {
			t.Errorf("explain %s tells of what it cannot see: %t, want %t", name, got, want)
		}
	}
}
