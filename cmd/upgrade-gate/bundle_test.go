package main

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// bundleOf writes a support bundle of an example cluster and returns its file, and the folder that it unpacks to.
func bundleOf(t *testing.T, example string) (zipped, unpacked string) {
	t.Helper()
	objects, err := clustertest.RawFolder(os.DirFS(filepath.Join("..", "..", "examples", "clusters", example)))
	if err != nil {
		t.Fatal(err)
	}
	files := clustertest.Bundle{Objects: objects}.Files()
	zipped = filepath.Join(t.TempDir(), clustertest.BundleTop+".zip")
	if err := os.WriteFile(zipped, clustertest.Zip(clustertest.BundleTop, files), 0o600); err != nil {
		t.Fatal(err)
	}
	unpacked = t.TempDir()
	for name, content := range files {
		file := filepath.Join(unpacked, clustertest.BundleTop, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return zipped, unpacked
}

// said is what a report says of each check: its outcome, and the messages of its findings.
func said(t *testing.T, text string) (bySource map[string][]string, verdict string) {
	t.Helper()
	var report struct {
		Verdict string
		Checks  []struct {
			Name, Outcome string
			Findings      []struct{ Message string }
			Reads         []cluster.Kind
		}
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	bySource = map[string][]string{}
	for _, check := range report.Checks {
		bySource[check.Name] = []string{check.Outcome}
		for _, finding := range check.Findings {
			bySource[check.Name] = append(bySource[check.Name], finding.Message)
		}
	}
	return bySource, report.Verdict
}

func TestABundleIsJudgedAsItsCluster(t *testing.T) {
	// beyond are the checks that rest on what a bundle cannot hold: what kubelets answer, served certificates, and the leases of nodes,
	// whose namespace is never collected.
	beyond := []string{"clock-skew", "disk-space", "expiring-certificates"}
	for name, verdict := range map[string]string{"healthy": "Incomplete", "stuck-pre-drained": "Blocked"} {
		t.Run(name, func(t *testing.T) {
			zipped, unpacked := bundleOf(t, name)
			args := []string{"check", "--version", "v1.4.2", "-o", "json", "--from"}
			want, _ := said(t, call(t, append(args, filepath.Join("..", "..", "examples", "clusters", name), "--assume-complete", "--at", at)...).stdout)
			got := call(t, append(args, zipped)...)
			if got.stderr != "" {
				t.Fatal(got.stderr)
			}
			outcomes, bundleVerdict := said(t, got.stdout)
			for _, check := range beyond {
				if outcome := outcomes[check][0]; outcome != "Unknown" {
					t.Errorf("%s is %s of a bundle", check, outcome)
				}
				delete(outcomes, check)
				delete(want, check)
			}
			if diff := cmp.Diff(want, outcomes); diff != "" {
				t.Errorf("checks (-folder +bundle):\n%s", diff)
			}
			if bundleVerdict != verdict {
				t.Errorf("the verdict is %s, want %s", bundleVerdict, verdict)
			}
			fromFolder := call(t, append(args, unpacked)...)
			if diff := cmp.Diff(got.stdout, strings.Replace(fromFolder.stdout, filepath.Base(unpacked), path.Base(zipped), 1)); diff != "" {
				t.Errorf("the unpacked bundle (-zip +folder):\n%s", diff)
			}
			plan := call(t, "plan", "--version", "v1.4.2", "--from", zipped)
			if plan.code == exitFailure || plan.stderr != "" || plan.stdout == "" {
				t.Errorf("the plan is %+v", plan)
			}
		})
	}
}

func TestABundleThatCannotBeReadIsOneLineAndExitCode1(t *testing.T) {
	zipped, unpacked := bundleOf(t, "healthy")
	content, err := os.ReadFile(zipped)
	if err != nil {
		t.Fatal(err)
	}
	half, other := filepath.Join(t.TempDir(), "half.zip"), filepath.Join(t.TempDir(), "other.zip")
	for file, bytes := range map[string][]byte{half: content[:len(content)/2], other: clustertest.Zip("", map[string][]byte{"a.txt": nil})} {
		if err := os.WriteFile(file, bytes, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const complete = "--assume-complete is for folders of YAML: a support bundle tells itself what it holds, and what it did not collect is not empty"
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"half of one":                   {[]string{half}, "read " + half + ": it is no zip archive, or not whole: its directory, which is at the end, is missing or damaged; copy it again"},
		"another archive":               {[]string{other}, "read " + other + ": it is no support bundle: neither it nor a directory at its top holds metadata.yaml or yamls/"},
		"no bundle is there":            {[]string{half + "x"}, "read the cluster: stat " + half + "x: no such file or directory"},
		"completeness is not assumed":   {[]string{zipped, "--assume-complete"}, "read " + zipped + ": " + complete},
		"nor of what has been unpacked": {[]string{unpacked, "--assume-complete"}, "read " + unpacked + ": " + complete},
	} {
		t.Run(name, func(t *testing.T) {
			for _, command := range []string{"check", "plan"} {
				got := call(t, append([]string{command, "--from"}, c.args...)...)
				if got.code != exitFailure || got.stdout != "" || got.stderr != "upgrade-gate: "+c.want+"\n" {
					t.Errorf("got %+v\nwant %s", got, c.want)
				}
			}
		})
	}
}
