package main

import (
	"encoding/json"
	"flag"
	"os"
	"path"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

var update = flag.Bool("update", false, "rewrite the reports of the example clusters")

// example is one folder of examples/clusters, judged for the upgrade to a version at a time.
type example struct {
	name, version, at string
	// fails are the checks that fail there, in the order of reports; all others pass. What they say of the drain is in stuck.
	fails []string
	// stuck are those of the two checks of the simulated drain that fail.
	stuck []string
}

// examples are all clusters of examples/clusters; stuck-pre-drained-repairs is none.
func examples() []example { return append(wholeClusters(), families()...) }

// wholeClusters are the cluster of the README, healthy and stuck.
func wholeClusters() []example {
	return []example{
		{name: "healthy", version: "v1.4.2", at: at},
		{"stuck-pre-drained", "v1.4.2", at, []string{
			"paused-vms", "in-flight-migrations", "faulted-replicas", "multi-engine-volumes", "orphaned-engines", "snapshot-anomalies", "disk-space",
		}, []string{"drain-stuck"}},
	}
}

// families are the clusters that fail every check there is, each the checks that look at the same things.
func families() []example {
	const noon = "2026-11-20T12:00:00Z"
	return []example{
		{"storage", "v1.7.0", noon, []string{
			"faulted-replicas", "degraded-volumes", "multi-engine-volumes", "orphaned-engines", "snapshot-anomalies", "stale-attachments",
			"running-backups", "single-replica-volumes", "backing-images-unready", "inherited-replica-failures", "longhorn-evictions",
			"longhorn-settings", "longhorn-unsettled", "disk-space", "version-advisories",
		}, []string{"drain-stuck", "drain-disruption"}},
		{"virtual-machines", "v1.8.1", noon, []string{
			"paused-vms", "unmigratable-vms", "residual-vmis", "stale-hotplug", "in-flight-migrations", "kubevirt-unready", "two-node-cluster",
			"small-cdi-importer",
		}, []string{"drain-stuck"}},
		{"platform", "v1.4.2", noon, []string{
			"nodes-unready", "machines-mismatched", "blocking-disruption-budgets", "storage-network-exhausted", "clock-skew",
			"expiring-certificates", "cluster-unprovisioned", "charts-unready", "addons-unsettled", "pods-unready", "dead-webhooks",
		}, []string{"drain-stuck"}},
		{"leftovers", "v1.6.0", noon, []string{
			"upgrade-in-progress", "upgrade-leftovers", "unsupported-upgrade-path",
		}, []string{"drain-stuck"}},
	}
}

func (e example) folder() string { return path.Join("examples", "clusters", e.name) }

// check judges the example as from the repository's root.
func (e example) check(t *testing.T, args ...string) string {
	t.Helper()
	t.Chdir(path.Join("..", ".."))
	got := call(t, append([]string{"check", "--from", e.folder(), "--assume-complete", "--version", e.version, "--at", e.at}, args...)...)
	code := 0
	if len(e.fails) > 0 {
		code = 2
	}
	if got.code != code || got.stderr != "" {
		t.Fatalf("got exit code %d, want %d; stderr %q", got.code, code, got.stderr)
	}
	return got.stdout
}

func TestEveryExampleHasItsReport(t *testing.T) {
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			got, file := e.check(t), path.Join(e.folder(), "report.txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got), rewrite with -update:\n%s", file, diff)
			}
		})
	}
}

func TestEveryExampleFailsItsChecksAndPassesTheOthers(t *testing.T) {
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			var report struct {
				Checks []struct{ Name, Outcome string }
			}
			if err := json.Unmarshal([]byte(e.check(t, "-o", "json")), &report); err != nil {
				t.Fatal(err)
			}
			var fails []string
			for _, check := range report.Checks {
				switch checks.Outcome(check.Outcome) {
				case checks.Failed:
					fails = append(fails, check.Name)
				case checks.Passed:
				default:
					t.Errorf("%s is %s", check.Name, check.Outcome)
				}
			}
			if diff := cmp.Diff(slices.Concat(e.fails, e.stuck), fails); diff != "" {
				t.Errorf("checks that fail (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryCheckFailsInTheExampleOfItsFamilyAlone(t *testing.T) {
	for _, check := range checks.All() {
		var in []string
		for _, family := range families() {
			if slices.Contains(family.fails, check.Name) || len(in) == 0 && slices.Contains(family.stuck, check.Name) {
				in = append(in, family.name)
			}
		}
		if len(in) != 1 {
			t.Errorf("%s fails in %q, want one family", check.Name, in)
		}
	}
}

func TestExamplesHoldNoFieldThatIsNotThere(t *testing.T) {
	t.Chdir(path.Join("..", ".."))
	for _, e := range examples() {
		if _, err := cluster.ReadFS(os.DirFS(e.folder()), e.name, cluster.FolderOptions{Strict: true}); err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
	}
}
