package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/report"
)

// saved writes the report of a folder into a file.
func saved(t *testing.T, folder, form string) string {
	t.Helper()
	got := call(t, "check", "--from", folder, "--assume-complete", "--version", "v1.4.2", "--at", at, "--policy", only(t, "paused-vms", "block"), "-o", form)
	file := filepath.Join(t.TempDir(), "report."+form)
	if err := os.WriteFile(file, []byte(got.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestExitCodesOfDiff(t *testing.T) {
	healthy, paused := saved(t, "testdata/healthy", "json"), saved(t, "testdata/paused", "yaml")
	for name, c := range map[string]struct {
		before, after string
		code          int
		want          string
	}{
		"something new is exit code 2":   {healthy, paused, 2, "WORSE: 1 new finding."},
		"something fixed is exit code 0": {paused, healthy, 0, "BETTER: nothing is new; 1 finding fixed."},
		"the same is exit code 0":        {paused, paused, 0, "NOTHING NEW: "},
	} {
		t.Run(name, func(t *testing.T) {
			for _, form := range []string{"text", "json", "yaml", "markdown"} {
				got := call(t, "diff", c.before, c.after, "-o", form)
				if got.code != c.code || got.stderr != "" || got.stdout == "" {
					t.Errorf("%s: got exit code %d, want %d; stderr %q", form, got.code, c.code, got.stderr)
				}
				if form == "text" && !strings.HasPrefix(got.stdout, c.want) {
					t.Errorf("the text does not begin with %q:\n%s", c.want, got.stdout)
				}
			}
		})
	}
}

func TestOneOfTheReportsMayBeStandardInput(t *testing.T) {
	healthy, paused := saved(t, "testdata/healthy", "json"), saved(t, "testdata/paused", "json")
	piped, err := os.ReadFile(paused)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-", healthy}, {healthy, "-"}} {
		var stdout bytes.Buffer
		root := newRootCommand(programName)
		root.SetArgs(append([]string{"diff", "-o", "json"}, args...))
		root.SetIn(bytes.NewReader(piped))
		root.SetOut(&stdout)
		err := root.ExecuteContext(context.Background())
		if code := exitCode(0); err != nil && !errors.As(err, &code) {
			t.Fatal(err)
		}
		var d report.Difference
		if err := json.Unmarshal(stdout.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		if d.Worse != (args[1] == "-") {
			t.Errorf("%v: worse is %t", args, d.Worse)
		}
	}
}

func TestBadUsageOfDiffIsExitCode1(t *testing.T) {
	healthy := saved(t, "testdata/healthy", "json")
	broken := filepath.Join("testdata", "broken", "cluster.yaml")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"one report":                {[]string{healthy}, "diff takes two reports, OLD and NEW, but got 1; see upgrade-gate diff --help"},
		"standard input twice":      {[]string{"-", "-"}, "only one of the two reports can be standard input"},
		"an unknown form of output": {[]string{healthy, healthy, "-o", "junit"}, `--output "junit" is not known: it is text, json, yaml or markdown`},
		"a report that is absent":   {[]string{healthy, "testdata/none"}, "read the report: open testdata/none: no such file or directory"},
		"a folder":                  {[]string{"testdata", healthy}, "read testdata: read testdata: is a directory"},
		"a cluster":                 {[]string{"testdata/paused/cluster.yaml", healthy}, "testdata/paused/cluster.yaml: "},
		"broken YAML":               {[]string{healthy, broken}, broken + ": "},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, append([]string{"diff"}, c.args...)...)
			if got.code != 1 || got.stdout != "" || !strings.HasPrefix(got.stderr, "upgrade-gate: "+c.want) || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("got exit code %d, stdout %q, stderr %q", got.code, got.stdout, got.stderr)
			}
		})
	}
	if got := call(t, "diff", "testdata/none", "testdata/nowhere"); strings.Count(got.stderr, "\n") != 2 {
		t.Errorf("not both files are named: %q", got.stderr)
	}
}
