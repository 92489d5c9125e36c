package checks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/checks/checktest"
)

func TestEveryFixtureAboutAVMSaysWhatToDo(t *testing.T) {
	for _, c := range []struct{ check, name, want string }{
		{"unmigratable-vms", "a-disk-that-cannot-be-shared", "stop it for the time of the upgrade: virtctl stop db-1 -n default."},
		{"unmigratable-vms", "the-eviction-strategy-none", "let KubeVirt move it, from its next start on: kubectl -n default patch vm db-1 --type merge " +
			`-p '{"spec":{"template":{"spec":{"evictionStrategy":"LiveMigrate"}}}}' && virtctl restart db-1 -n default; or stop it for the time of the upgrade: virtctl stop db-1 -n default.`},
		{"unmigratable-vms", "kubevirt-has-not-said-whether-it-can-move", "wait two minutes and retry; if it stays, stop it for the time of the upgrade: virtctl stop db-1 -n default."},
		{"unmigratable-vms", "a-node-selector", "plan for it, or stop it yourself when it suits: virtctl stop db-1 -n default, and after the upgrade virtctl start db-1 -n default."},
		{"unmigratable-vms", "a-node-selector-that-a-failed-migration-left", "restart it when it suits, which drops what the migration left: virtctl restart db-1 -n default."},
		{"residual-vmis", "failed-for-hours", "see why it failed: kubectl -n default describe vmi db-1; then kubectl -n default delete vmi db-1 --wait=false; " +
			"if it stays and its guest surely runs no more, kubectl -n default delete pod virt-launcher-db-1-x7k2p --grace-period=0 --force; " +
			"where it is needed, start its VM again: virtctl start db-1 -n default."},
		{"residual-vmis", "scheduling-for-hours", "see what it waits for: kubectl -n default describe vmi db-1; or give it up: virtctl stop db-1 -n default."},
		{"residual-vmis", "a-running-vmi-without-a-vm", "end its guest for the time of the upgrade: kubectl -n default delete vmi db-1."},
		{"stale-hotplug", "a-request-of-a-vm-that-is-off", "wait two minutes and retry; if it stays, start and stop it: virtctl start off-1 -n default && virtctl stop off-1 -n default."},
		{"stale-hotplug", "a-volume-that-the-vm-does-not-have", "unplug it, once the guest does not use it any more: virtctl removevolume db-1 --volume-name=data-1 -n default; or add it to the VM, so that it has it " +
			"after its next start, and stop and start it: virtctl stop db-1 -n default && virtctl start db-1 -n default."},
		{"kubevirt-unready", "a-virt-handler-of-the-old-version", "delete it, and its DaemonSet makes it anew: kubectl -n harvester-system delete pod virt-handler-2."},
		{"kubevirt-unready", "on-its-way-to-its-new-version", "wait until it is done, some minutes, and retry; if it stays, see what it waits for: " +
			"kubectl -n harvester-system describe kubevirts.kubevirt.io kubevirt; kubectl -n harvester-system get pods -l kubevirt.io."},
	} {
		findings := findingsOf(t, c.check, c.name, checks.DefaultSettings())
		if len(findings) != 1 {
			t.Fatalf("%s: %d findings, want 1: %+v", c.name, len(findings), findings)
		}
		if diff := cmp.Diff(c.want, findings[0].Remedy); diff != "" {
			t.Errorf("%s: remedy (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestEveryFixtureAboutAVMInAnExcludedNamespacePasses(t *testing.T) {
	settings := checks.DefaultSettings()
	settings.ExcludedNamespaces = map[string]bool{"default": true}
	for check, name := range map[string]string{
		"unmigratable-vms": "a-disk-that-cannot-be-shared", "residual-vmis": "failed-for-hours", "stale-hotplug": "a-request-to-add-a-volume",
	} {
		if findings := findingsOf(t, check, name, settings); len(findings) != 0 {
			t.Errorf("%s has findings in an excluded namespace: %+v", check, findings)
		}
	}
}

// findingsOf runs a check on a fixture with the background's nodes, KubeVirt and VMs beneath it.
func findingsOf(t *testing.T, check, name string, settings checks.Settings) []checks.Finding {
	t.Helper()
	c, ok := checktest.Cases(t, check)[name]
	if !ok {
		t.Fatalf("%s has no fixture %s", check, name)
	}
	found, _ := checks.Find(check)
	return c.Result(t, found, settings).Findings
}
