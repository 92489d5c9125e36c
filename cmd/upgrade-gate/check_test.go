package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// at is the date of the fixtures.
const at = "2026-11-20T09:12:00Z"

func TestExitCodesAndVerdicts(t *testing.T) {
	blocks, warns := only(t, "paused-vms", "block"), only(t, "paused-vms", "warn")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"a healthy cluster is ready":            {[]string{"--from", "testdata/healthy", "--assume-complete", "--policy", blocks}, 0, "READY: nothing stands in the way of an upgrade to v1.4.2 (from v1.4.1)."},
		"a paused VM blocks":                    {[]string{"--from", "testdata/paused", "--assume-complete", "--policy", blocks}, 2, "BLOCKED: 1 problem in 1 check would make an upgrade to v1.4.2 hang, fail or lose data."},
		"a policy that only warns admits":       {[]string{"--from", "testdata/paused", "--assume-complete", "--policy", warns}, 0, "What only warns:"},
		"what the files do not hold is unknown": {[]string{"--from", "testdata/healthy", "--policy", blocks}, 3, "INCOMPLETE: nothing that blocks an upgrade to v1.4.2 (from v1.4.1) was found, but 1 check could not be judged."},
		"a single file is a cluster too":        {[]string{"--from", "testdata/paused/cluster.yaml", "--assume-complete", "--policy", blocks}, 2, "since 2026-11-20T08:58:00Z, 14m ago."},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, append([]string{"check", "--version", "v1.4.2", "--at", at}, c.args...)...)
			if got.code != c.code || got.stderr != "" {
				t.Errorf("got exit code %d, want %d; stderr %q", got.code, c.code, got.stderr)
			}
			flat := strings.ToLower(strings.Join(strings.Fields(got.stdout), " "))
			if !strings.Contains(flat, strings.ToLower(c.want)) {
				t.Errorf("the report does not say %q:\n%s", c.want, got.stdout)
			}
		})
	}
}

func TestJSONHasWhatScriptsReadAndEveryCheck(t *testing.T) {
	got := call(t, "check", "--from", "testdata/paused", "--assume-complete", "--policy", only(t, "paused-vms", "block"), "--version", "v1.4.2", "--at", at, "-o", "json")
	if got.code != 2 {
		t.Fatalf("got %+v", got)
	}
	var object struct {
		SchemaVersion, Verdict, Target string
		Checks                         []map[string]any
	}
	if err := json.Unmarshal([]byte(got.stdout), &object); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"v1", "Blocked", "v1.4.2"}, []string{object.SchemaVersion, object.Verdict, object.Target}); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, check := range checks.All() {
		names = append(names, check.Name)
	}
	var got1 []string
	for _, check := range object.Checks {
		got1 = append(got1, check["name"].(string))
		for _, field := range []string{"outcome", "severity", "because"} {
			if _, ok := check[field].(string); !ok {
				t.Errorf("check %s has no %s", check["name"], field)
			}
		}
		if _, ok := check["findings"].([]any); !ok {
			t.Errorf("check %s: findings are %v", check["name"], check["findings"])
		}
	}
	if diff := cmp.Diff(names, got1); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	finding := object.Checks[0]["findings"].([]any)[0].(map[string]any)
	want := map[string]any{"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "namespace": "shop", "name": "web-2"}
	if diff := cmp.Diff(want, finding["object"]); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
	for _, field := range []string{"message", "remedy"} {
		if text, ok := finding[field].(string); !ok || text == "" {
			t.Errorf("%s is %v", field, finding[field])
		}
	}
	if finding["transient"] != false {
		t.Errorf("transient is %v", finding["transient"])
	}
}

func TestTheSameFilesGiveTheSameBytes(t *testing.T) {
	args := []string{"check", "--from", "testdata/paused", "--at", at}
	if diff := cmp.Diff(call(t, args...), call(t, args...), cmp.AllowUnexported(outcome{})); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutAnUpgradeTheClusterAloneIsJudged(t *testing.T) {
	got := call(t, "check", "--from", "testdata/healthy", "--assume-complete", "--at", at, "--policy", only(t, "paused-vms", "block"))
	if got.code != 0 || !strings.Contains(got.stdout, "in the way of an upgrade (from v1.4.1).") {
		t.Errorf("got %+v", got)
	}
}

func TestAnImageIsATarget(t *testing.T) {
	got := call(t, "check", "--from", "testdata/healthy", "--assume-complete", "--at", at, "--policy", only(t, "paused-vms", "block"), "--image", "harvester-system/iso-142")
	if got.code != 0 || !strings.Contains(got.stdout, "an upgrade from image harvester-system/iso-142") {
		t.Errorf("got %+v", got)
	}
}

func TestAnInterruptEndsACheckWithExitCode1(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	interrupt()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"check", "--from", "testdata/paused"}, &stdout, &stderr)
	if code != 1 || stdout.Len() > 0 || stderr.String() != "upgrade-gate: interrupted\n" {
		t.Errorf("got exit code %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
}

// closedPipe is what is left of a pipe whose reader has gone.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestAReaderThatHasGoneIsOneErrorLine(t *testing.T) {
	for _, args := range [][]string{{"check", "--from", "testdata/paused"}, {"check", "--from", "testdata/paused", "-o", "json"}, {"plan", "--from", "testdata/paused"}, {"plan", "--from", "testdata/paused", "-o", "svg"}, {"explain"}, {"explain", "paused-vms"}} {
		var stderr bytes.Buffer
		code := run(context.Background(), args, closedPipe{}, &stderr)
		if code != 1 || !strings.HasSuffix(stderr.String(), "broken pipe\n") || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%v: got exit code %d, stderr %q", args, code, stderr.String())
		}
	}
}
