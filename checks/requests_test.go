package checks_test

import (
	"context"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/checks/checktest"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func TestACheckWithoutATargetSkipsTheUpgradePath(t *testing.T) {
	result := runOn(t, "unsupported-upgrade-path", onlyRunning("v1.4.1"), checks.Request{Unspecified: true}, checks.DefaultSettings())
	if result.Outcome != checks.Skipped || result.Because == "" {
		t.Errorf("outcome is %s because %q, want Skipped and a reason", result.Outcome, result.Because)
	}
}

func TestACheckWithoutAnUpgradeBlamesWhatDoesNotExist(t *testing.T) {
	for kind, request := range map[string]checks.Request{
		"Version":             {Version: "v9.9.9"},
		"VirtualMachineImage": {Image: "harvester-system/v9.9.9"},
	} {
		result := runOn(t, "unsupported-upgrade-path", onlyRunning("v1.4.1"), request, checks.DefaultSettings())
		want := checks.Object{APIVersion: "harvesterhci.io/v1beta1", Kind: kind, Namespace: cluster.HarvesterNamespace, Name: "v9.9.9"}
		if len(result.Findings) != 1 || result.Findings[0].Object != want {
			t.Errorf("findings are %+v, want one about %s", result.Findings, want)
		}
	}
}

// A waiver of one rule must leave the others of the check in force.
func TestEveryDiskFindingNamesItsRule(t *testing.T) {
	want := map[string]string{
		"full-beyond-the-image-gc-threshold":                         "image-gc-threshold",
		"less-free-than-the-upgrade-needs":                           "minimum-free",
		"both-too-full-and-too-little-free":                          "minimum-free",
		"a-node-that-reports-disk-pressure":                          "disk-pressure",
		"disk-pressure-and-a-kubelet-that-did-not-answer":            "disk-pressure",
		"longhorn-has-promised-all-its-space":                        "longhorn-capacity",
		"images-on-a-full-file-system-of-their-own":                  "minimum-free",
		"a-threshold-that-could-not-be-read":                         "image-gc-threshold",
		"longhorn-nodes-that-are-down-or-being-emptied":              "longhorn-capacity",
		"an-upgrade-that-failed-before-it-loaded-images":             "image-gc-threshold",
		"room-only-on-a-disk-of-the-other-data-engine":               "longhorn-capacity",
		"no-overprovisioning-and-disks-that-are-taken":               "longhorn-capacity",
		"longhorn-may-place-nothing-on-any-disk":                     "longhorn-capacity",
		"a-kubelet-that-names-no-threshold":                          "image-gc-threshold",
		"images-of-a-failed-upgrade-to-the-same-version-count-twice": "image-gc-threshold",
	}
	got := map[string]string{}
	for name := range want {
		result := runOn(t, "disk-space", os.DirFS("testdata/disk-space/"+name), checks.Request{Version: "v1.4.2"}, checks.DefaultSettings())
		for _, f := range result.Findings {
			got[name] = f.Rule
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules differ (-want +got):\n%s", diff)
	}
}

func TestDiskThresholdsAreThoseOfThePolicy(t *testing.T) {
	files := os.DirFS("testdata/disk-space/both-too-full-and-too-little-free")
	settings := checks.DefaultSettings()
	settings.DiskHeadroomBytes, settings.DiskMinimumFreeBytes = 0, 0
	settings.DiskMinimumFreeBytes = 21 << 30
	result := runOn(t, "disk-space", files, checks.Request{}, settings)
	want := "node node-2 has 20.0 GiB free, less than 21.0 GiB, and would be 90.0% full with 0.0 GiB of new images (180.0 GiB of 200.0 GiB are used), " +
		"above its image GC threshold of 85% (the default; its kubelet's own could not be read: the files hold no kubelet/node-2.configz.json)"
	if len(result.Findings) != 1 {
		t.Fatalf("%d findings, want 1", len(result.Findings))
	}
	if diff := cmp.Diff(want, result.Findings[0].Message); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

// What a controller clears within seconds needs a second look; a migration in flight does not.
func TestOnlyTracesOfAMigrationNeedASecondLook(t *testing.T) {
	for name, settled := range map[string]bool{
		"a-migration-that-runs-for-four-minutes":            true,
		"a-migration-without-a-phase":                       true,
		"a-migration-that-began-and-never-ended":            true,
		"harvesters-annotations-outlive-the-migration":      true,
		"a-vm-told-to-leave-its-node":                       false,
		"harvesters-annotation-seconds-after-the-migration": false,
	} {
		result := runOn(t, "in-flight-migrations", os.DirFS("testdata/in-flight-migrations/"+name), checks.Request{}, checks.DefaultSettings())
		if len(result.Findings) != 1 || result.Findings[0].Settled(checktest.Now()) != settled {
			t.Errorf("%s: settled is not %t in %+v", name, settled, result.Findings)
		}
	}
}

func TestRemediesAreThoseOfTheSituation(t *testing.T) {
	for _, c := range []struct{ check, name, want string }{
		{"in-flight-migrations", "a-migration-that-runs-for-four-minutes", "wait until it is done, a few minutes, and retry; to abort it: kubectl -n default delete vmim db-1-move."},
		{"in-flight-migrations", "a-migration-that-has-been-pending-for-hours", "abort it, unless its guest is very large: kubectl -n default delete vmim db-1-move; then retry."},
		{"in-flight-migrations", "kubevirt-moves-a-vm-to-its-new-release-by-itself", "wait and retry: KubeVirt moves VMs to its new release by itself and ends by itself; if it stays, kubectl -n default delete vmim kubevirt-workload-update-abcde."},
		{"in-flight-migrations", "a-migration-that-began-and-never-ended", "stop and start it: virtctl stop db-1 -n default && virtctl start db-1 -n default."},
		{"in-flight-migrations", "a-vm-told-to-leave-its-node", "wait two minutes and retry; if it stays, stop and start it: virtctl stop db-1 -n default && virtctl start db-1 -n default."},
		{"in-flight-migrations", "a-node-with-the-drain-taint", "make sure that nobody is draining the node, then kubectl taint node node-2 kubevirt.io/drain-."},
		{"nodes-unready", "a-cordoned-node", "if nobody is working on it: kubectl uncordon node-2."},
		{"nodes-unready", "a-taint-of-ones-own", "remove the taint for the time of the upgrade: kubectl taint node node-2 dedicated=gpu:NoSchedule-."},
		{"nodes-unready", "several-things-at-once-are-one-finding", "see what the node reports: kubectl describe node node-2; repair it, or remove it from the cluster."},
		{"upgrade-in-progress", "an-upgrade-that-is-being-cleaned-up", "wait until the clean-up is done, a few minutes, and retry."},
		{"upgrade-in-progress", "an-ended-upgrade-that-harvester-still-waits-for", "make sure that it is over, then kubectl -n harvester-system label upgrades.harvesterhci.io hvst-upgrade-x1 harvesterhci.io/upgradeState=Failed --overwrite."},
	} {
		check, _ := checks.Find(c.check)
		if c.want == "" {
			c.want = check.Remedy
		}
		result := runOn(t, c.check, os.DirFS("testdata/"+c.check+"/"+c.name), checks.Request{}, checks.DefaultSettings())
		if len(result.Findings) != 1 {
			t.Fatalf("%s: %d findings, want 1", c.name, len(result.Findings))
		}
		if diff := cmp.Diff(c.want, result.Findings[0].Remedy); diff != "" {
			t.Errorf("%s: remedy (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestAnExcludedNamespaceStillHoldsTheUpgradeByItsBudgets(t *testing.T) {
	settings := checks.DefaultSettings()
	settings.ExcludedNamespaces = map[string]bool{"default": true}
	result := runOn(t, "in-flight-migrations", os.DirFS("testdata/in-flight-migrations/an-evacuation-in-flight"), checks.Request{}, settings)
	want := []string{"budget default/kubevirt-migration-pdb-kubevirt-evacuation-x1 protects the unfinished migration kubevirt-evacuation-x1, " +
		"and the upgrade waits on every node until the budget is gone"}
	var got []string
	for _, f := range result.Findings {
		got = append(got, f.Message)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func onlyRunning(version string) fs.FS {
	return fstest.MapFS{"settings.yaml": {Data: []byte(
		"apiVersion: harvesterhci.io/v1beta1\nkind: Setting\nmetadata:\n  name: server-version\nvalue: " + version + "\n")}}
}

// runOn runs a check on files alone, without the background of the fixtures.
func runOn(t *testing.T, name string, files fs.FS, request checks.Request, settings checks.Settings) checks.Result {
	t.Helper()
	folder, err := cluster.ReadFS(files, "the fixture", cluster.FolderOptions{AssumeComplete: true, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	check, ok := checks.Find(name)
	if !ok {
		t.Fatalf("there is no check %s", name)
	}
	snapshot := cluster.Load(context.Background(), folder, checktest.Now())
	input := checks.Input{Snapshot: snapshot, Request: request, Settings: settings}
	return checks.Run(context.Background(), []checks.Check{check}, input)[0]
}
