// Package stories_test tells what happens to people who press the upgrade button, with the real kubectl,
// the real API server and the real gate.
package stories_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
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

// beginGuarded starts an example cluster with a gate before the upgrade button. Both end with the test.
func beginGuarded(t *testing.T, example string) (*gate.Cluster, *gate.Process) {
	t.Helper()
	cluster := gatetest.Start(t, example, gate.ClusterOptions{})
	return cluster, gatetest.Guard(t, cluster, gate.Options{})
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

// golden compares text with testdata/NAME.golden, as timeless leaves it.
func golden(t *testing.T, name, text string) {
	t.Helper()
	gatetest.Golden(t, *update, name, timeless(text))
}

// timeless replaces times and ages, and leaves out what follows an age in a warning, which is cut after 256 characters: how much remains
// depends on the age's length.
func timeless(text string) string {
	return regexp.MustCompile(`(?m)^(Warning: .*? AGE).*$`).ReplaceAllString(gatetest.Timeless(text), "$1 …")
}
