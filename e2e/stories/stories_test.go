// Package stories_test tells what happens to people who press the upgrade button, with the real kubectl,
// the real API server and the real gate.
package stories_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
)

const (
	// manifest is the button.
	manifest = "../../examples/upgrade-v1.4.2.yaml"
	// upgradeName and upgradeNamespace are those of the Upgrade in it.
	upgradeName, upgradeNamespace = "upgrade-to-v1-4-2", "harvester-system"

	stuck, healthy = "stuck-pre-drained", "healthy"

	// patience bounds the wait for something that takes milliseconds on an idle machine.
	patience = 30 * time.Second
)

var (
	upgrades = schema.GroupVersionResource{Group: "harvesterhci.io", Version: "v1beta1", Resource: "upgrades"}

	update = flag.Bool("update", false, "write the golden files anew")
)

// begin starts a control plane that holds an example cluster. It ends with the test.
func begin(t *testing.T, example string, options gate.ClusterOptions) *gate.Cluster {
	t.Helper()
	var err error
	if options.Folder, err = gate.Example(example); err != nil {
		t.Fatal(err)
	}
	options.Progress = os.Stderr
	cluster, err := gate.StartCluster(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// beginGuarded is begin with a gate before the upgrade button.
func beginGuarded(t *testing.T, example string) (*gate.Cluster, *gate.Process) {
	t.Helper()
	cluster := begin(t, example, gate.ClusterOptions{})
	return cluster, guard(t, cluster, gate.Options{})
}

// guard starts a gate. When the test fails, what the gate has decided is shown.
func guard(t *testing.T, cluster *gate.Cluster, options gate.Options) *gate.Process {
	t.Helper()
	process, err := cluster.StartGate(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		decisions, err := process.Decisions()
		if err != nil {
			t.Log(err)
		}
		for _, decision := range decisions {
			t.Log("the gate:", decision.Raw)
		}
	})
	return process
}

// answer is what kubectl came to.
type answer struct {
	stdout, stderr string
	code           int
}

// kubectl runs the real kubectl as admin, in this folder.
func kubectl(t *testing.T, cluster *gate.Cluster, stdin string, args ...string) answer {
	t.Helper()
	stdout, stderr, err := cluster.Kubectl(t.Context(), strings.NewReader(stdin), args...)
	exit := (*exec.ExitError)(nil)
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	result := answer{stdout: stdout, stderr: stderr}
	if exit != nil {
		result.code = exit.ExitCode()
	}
	return result
}

// await tries until there is no error; after the timeout the test ends.
func await(t *testing.T, timeout time.Duration, try func(context.Context) error) {
	t.Helper()
	if err := gate.Await(t.Context(), timeout, try); err != nil {
		t.Fatal(err)
	}
}

// client returns an admin's client without types.
func client(t *testing.T, cluster *gate.Cluster) dynamic.Interface {
	t.Helper()
	config := rest.CopyConfig(cluster.Config)
	config.WarningHandler = rest.NoWarnings{} // kubectl shows them
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// button returns the Upgrade of the manifest.
func button(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	return object(t, string(text))
}

// exists tells whether the Upgrade of the manifest is there.
func exists(t *testing.T, cluster *gate.Cluster) bool {
	t.Helper()
	list, err := client(t, cluster).Resource(upgrades).Namespace(upgradeNamespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range list.Items {
		if item.GetName() == upgradeName {
			return true
		}
	}
	return false
}

// metric returns the value of one series of the gate.
func metric(t *testing.T, process *gate.Process, series string) float64 {
	t.Helper()
	value, err := process.Metric(t.Context(), series)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// admissions is the series that counts the decisions of a verdict.
func admissions(verdict string, dryRun bool) string {
	return fmt.Sprintf(`upgrade_gate_admissions_total{dry_run="%t",verdict=%q}`, dryRun, verdict)
}

// decisions returns the gate's log lines of its decisions.
func decisions(t *testing.T, process *gate.Process) []gate.LogLine {
	t.Helper()
	lines, err := process.Decisions()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// golden compares text with testdata/NAME.golden, in which times and ages are replaced by words. With
// -update the file is written.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	got := []byte(timeless(text))
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("other than %s, which go test -update writes anew (-want +got):\n%s", path, cmp.Diff(string(want), string(got)))
	}
}

// timeless replaces times by TIME and ages by AGE, and leaves out what follows an age in a warning, which
// is cut after 256 characters: how much remains depends on the age's length.
func timeless(text string) string {
	text = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(text, "TIME")
	text = regexp.MustCompile(`(since|for|seen) ((\d+[dhms])+( ago)?|\d+ (second|minute|hour|day|month)s?( ago)?|just now)`).ReplaceAllString(text, "$1 AGE")
	return regexp.MustCompile(`(?m)^(Warning: .*? AGE).*$`).ReplaceAllString(text, "$1 …")
}
