package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	stuckExample   = "../../examples/clusters/stuck-pre-drained"
	healthyExample = "../../examples/clusters/healthy"
)

// lonely writes a cluster of one node, of which nothing else is known.
func lonely(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "node.yaml")
	text := "apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestExitCodesOfPlan(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"nothing would hang in a healthy cluster":         {[]string{"--from", healthyExample, "--assume-complete"}, 0, "PASSES: nothing was found that an upgrade to v1.4.2 (from v1.4.1) would hang on."},
		"a stuck cluster would hang":                      {[]string{"--from", stuckExample, "--assume-complete"}, 2, "HANGS: in an upgrade to v1.4.2"},
		"a certain stop matters more than what is unread": {[]string{"--from", stuckExample}, 2, "HANGS: in an upgrade to v1.4.2"},
		"what the files do not hold is unknown":           {[]string{"--from", lonely(t)}, 3, "engines.longhorn.io could not be read"},
		"a cluster without nodes is unknown":              {[]string{"--from", "testdata/healthy", "--assume-complete"}, 3, "no node is known"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, form := range []string{"text", "svg"} {
				got := call(t, append([]string{"plan", "--version", "v1.4.2", "--at", at, "-o", form}, c.args...)...)
				if got.code != c.code || got.stderr != "" {
					t.Errorf("%s: got exit code %d, want %d; stderr %q", form, got.code, c.code, got.stderr)
				}
				if flat := strings.Join(strings.Fields(got.stdout), " "); form == "text" && !strings.Contains(flat, c.want) {
					t.Errorf("the plan does not say %q:\n%s", c.want, got.stdout)
				}
			}
		})
	}
}

func TestBadUsageOfPlanIsExitCode1(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an unknown form of output":   {[]string{"-o", "png"}, `--output "png" is not known: it is text, json, yaml or svg`},
		"an argument too much":        {[]string{"folder"}, `plan takes no argument, but got "folder"; see upgrade-gate plan --help`},
		"a bad version":               {[]string{"--version", "1.4 2"}, `--version "1.4 2" is not the name of a version, like v1.4.2`},
		"a bad time":                  {[]string{"--from", stuckExample, "--at", "noon"}, `--at "noon" is not a time like 2026-11-20T10:00:00Z`},
		"a flag that needs files":     {[]string{"--assume-complete"}, `--assume-complete needs --from`},
		"a folder that is absent":     {[]string{"--from", "testdata/none"}, `read the cluster: stat testdata/none: no such file or directory`},
		"a kubeconfig that is absent": {[]string{"--kubeconfig", "testdata/none"}, `read the kubeconfig: stat testdata/none: no such file or directory`},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, append([]string{"plan"}, c.args...)...)
			if got.code != 1 || got.stdout != "" || got.stderr != "upgrade-gate: "+c.want+"\n" {
				t.Errorf("got exit code %d, stdout %q, stderr %q", got.code, got.stdout, got.stderr)
			}
		})
	}
}

func TestPlanAsJSONHasWhatScriptsRead(t *testing.T) {
	got := call(t, "plan", "--from", stuckExample, "--assume-complete", "--version", "v1.4.2", "--at", at, "-o", "json")
	var plan struct {
		SchemaVersion, Outcome, Target string
		Nodes                          []struct {
			Node  string
			Stops []struct {
				State, Confidence, Check string
				Object                   map[string]string
			}
			Time map[string]int
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &plan); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"v1", "Hangs", "v1.4.2"}, []string{plan.SchemaVersion, plan.Outcome, plan.Target}); diff != "" {
		t.Error(diff)
	}
	found := false
	for _, node := range plan.Nodes {
		if node.Time["lowSeconds"] <= 0 || node.Time["highSeconds"] < node.Time["lowSeconds"] {
			t.Errorf("%s takes %v", node.Node, node.Time)
		}
		for _, stop := range node.Stops {
			found = found || stop.State == "Pre-drained" && stop.Confidence == "certain" && stop.Check == "orphaned-engines" && stop.Object["kind"] != ""
		}
	}
	if !found {
		t.Errorf("no node hangs on an orphaned engine: %+v", plan.Nodes)
	}
}

func TestThePictureIsXMLAndEveryFormIsTheSameTwice(t *testing.T) {
	for _, form := range []string{"text", "json", "yaml", "svg"} {
		args := []string{"plan", "--from", stuckExample, "--assume-complete", "--version", "v1.4.2", "--at", at, "-o", form}
		got := call(t, args...)
		if diff := cmp.Diff(got, call(t, args...), cmp.AllowUnexported(outcome{})); diff != "" {
			t.Error(diff)
		}
		if form != "svg" {
			continue
		}
		decoder := xml.NewDecoder(strings.NewReader(got.stdout))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}
