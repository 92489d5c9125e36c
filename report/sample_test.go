package report

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// now is when the evidence of every sample was read.
var now = time.Date(2026, 11, 20, 9, 12, 0, 0, time.UTC)

// snapshot is a cluster of which only the running version is known.
func snapshot(t testing.TB) *cluster.Snapshot {
	t.Helper()
	files := fstest.MapFS{"settings.yaml": {Data: []byte(
		"apiVersion: harvesterhci.io/v1beta1\nkind: Setting\nmetadata: {name: server-version}\nvalue: v1.4.1\n")}}
	folder, err := cluster.ReadFS(files, "a sample", cluster.FolderOptions{AssumeComplete: true})
	if err != nil {
		t.Fatal(err)
	}
	return cluster.Load(context.Background(), folder, now)
}

func check(name string, waivable bool) checks.Check {
	return checks.Check{Name: name, Title: "Something is wrong", Severity: checks.Block, Waivable: waivable}
}

func passed(name string) checks.Result {
	return checks.Result{Check: check(name, true), Outcome: checks.Passed}
}

func leavingOut(result checks.Result, because ...string) checks.Result {
	result.LeftOut = because
	return result
}

func failed(c checks.Check, findings ...checks.Finding) checks.Result {
	for i := range findings {
		if findings[i].Severity == "" {
			findings[i].Severity = c.Severity
		}
	}
	return checks.Result{Check: c, Outcome: checks.Failed, Findings: findings}
}

func vmi(name string) checks.Object {
	return checks.Object{APIVersion: "kubevirt.io/v1", Kind: "VirtualMachineInstance", Namespace: "shop", Name: name}
}

func node(name string) checks.Object {
	return checks.Object{APIVersion: "v1", Kind: "Node", Name: name}
}

func pausedVM(name string) checks.Finding {
	return checks.Finding{
		Object: vmi(name), Since: now.Add(-14 * time.Minute),
		Message: fmt.Sprintf("VM shop/%s on node-2 is paused (PausedIOError) after an I/O error on its disk", name),
		Remedy: fmt.Sprintf("repair its volume first (free space, replicas, engines), then stop and start it: "+
			"virtctl stop %[1]s -n shop && virtctl start %[1]s -n shop; un-pausing does not bring a stale disk back.", name),
	}
}

// stuck is a cluster in which much is wrong.
func stuck(t *testing.T) Report {
	t.Helper()
	degraded := checks.Finding{
		Object: checks.Object{APIVersion: "longhorn.io/v1beta2", Kind: "Volume", Namespace: "longhorn-system", Name: "pvc-1"}, Transient: true,
		Since:   now.Add(-40 * time.Second),
		Message: "volume pvc-1 of VM shop/db-1 is degraded: 2 of 3 replicas are healthy, and one is being rebuilt",
		Remedy:  "wait until the rebuild has ended: kubectl -n longhorn-system get volumes.longhorn.io pvc-1 -w; then retry.",
	}
	disk := checks.Finding{
		Object: node("node-4"), Rule: "image-gc-threshold", Message: "node node-4 would be 92.7% full with 13.0 GiB of new images",
		Remedy: "remove images that are not used (crictl rmi --prune on the node) and old files below /usr/local.",
	}
	results := []checks.Result{
		failed(check("paused-vms", true), pausedVM("web-2"), pausedVM("web-3")),
		failed(check("degraded-volumes", true), degraded),
		leavingOut(failed(check("disk-space", true), disk), "the COS_STATE partition of node-4 (nobody has told its size)",
			"the certificates of node-4 (no probe has reached it)"),
		{Check: check("nodes-unready", true), Outcome: checks.Unknown, Because: "nodes could not be read: no answer before the deadline"},
		{Check: check("upgrade-in-progress", false), Outcome: checks.Skipped, Because: "the upgrade manager add-on is not installed"},
		passed("orphaned-engines"),
	}
	annotations := map[string]string{"harvesterhci.io/skipGarbageCollectionThresholdCheck": "true"}
	return New(Input{
		Snapshot: snapshot(t), Request: checks.Request{Version: "v1.4.2"},
		Decision: policy.Default().Decide(results, annotations),
	})
}

// unread is a cluster of which not everything could be read.
func unread(t *testing.T) Report {
	t.Helper()
	gone := "nodes could not be read: no answer before the deadline"
	results := []checks.Result{
		passed("paused-vms"),
		{Check: check("nodes-unready", true), Outcome: checks.Unknown, Because: gone},
		{Check: check("disk-space", true), Outcome: checks.Unknown, Because: gone},
		{Check: check("in-flight-migrations", false), Outcome: checks.Unknown, Because: "VirtualMachineInstance shop/web-2: it reports no conditions",
			Gaps: []checks.Gap{{Object: vmi("web-2"), Because: `it reports no conditions (phase "Running")`}}},
	}
	return New(Input{Snapshot: snapshot(t), Request: checks.Request{Image: "harvester-system/iso-142"}, Decision: policy.Default().Decide(results, nil)})
}

// ready is a healthy cluster under a policy that softens much.
func ready(t *testing.T) Report {
	t.Helper()
	file := "apiVersion: upgradegate.io/v1alpha1\nkind: Policy\nchecks:\n  paused-vms: {enforcement: warn}\nexcludeNamespaces: [sandbox]\n"
	rules, err := policy.Parse("policy.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	results := []checks.Result{failed(check("paused-vms", true), pausedVM("web-2")), leavingOut(passed("disk-space"), "the COS_STATE partitions (nobody has told their sizes)"), passed("nodes-unready")}
	return New(Input{Snapshot: snapshot(t), Request: checks.Request{Version: "v1.4.2"}, Decision: rules.Decide(results, nil)})
}

// overwhelmed is a cluster with more problems than a message can hold, some of them with hostile texts.
func overwhelmed(t *testing.T) Report {
	t.Helper()
	var paused []checks.Finding
	for i := range 30 {
		paused = append(paused, pausedVM(fmt.Sprintf("web-%02d", i)))
	}
	long := strings.Repeat("very-long-", 25)
	hostile := checks.Finding{
		Object: vmi(long), Message: "VM shop/" + long + " says \x1b[31m\"<b>it\u2028is\n\tfine</b>\"\x07", Remedy: "delete " + long + "; then retry",
	}
	results := []checks.Result{failed(check("paused-vms", true), paused...), failed(check("faulted-replicas", false), hostile)}
	annotations := map[string]string{"harvesterhci.io/skipGarbageCollectionThresholdCheck": "perhaps"}
	results = append(results, passed("disk-space"))
	return New(Input{Snapshot: snapshot(t), Decision: policy.Default().Decide(results, annotations)})
}
