package checks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

const (
	settledCharts = `
apiVersion: management.cattle.io/v3
kind: ManagedChart
metadata: {name: harvester-crd, namespace: fleet-local}
status: {conditions: [{type: Ready, status: "True"}], summary: {desiredReady: 1, ready: 1}}
---
`
	harvesterChart = settledCharts + `
apiVersion: management.cattle.io/v3
kind: ManagedChart
metadata: {name: harvester, namespace: fleet-local}
spec: {paused: PAUSED}
status: {conditions: [{type: Ready, status: "READY", lastUpdateTime: "SINCE"}], summary: {desiredReady: 1, ready: 1}}
---
apiVersion: fleet.cattle.io/v1alpha1
kind: Bundle
metadata: {name: mcc-harvester, namespace: fleet-local}
spec: {forceSyncGeneration: 2}
status: {conditions: [{type: Ready, status: "True"}], summary: {desiredReady: 1, ready: 1}}
`
	unfinishedJob = `
apiVersion: batch/v1
kind: Job
metadata: {name: hvst-upgrade-x7k2p-apply-manifests, namespace: harvester-system}
---
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: local, namespace: fleet-local}
`
	drainedWorkers = `
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: local, namespace: fleet-local}
spec: {rkeConfig: {upgradeStrategy: {workerDrainOptions: {enabled: true}}}}
`
	waitingForMachine = `
apiVersion: cluster.x-k8s.io/v1beta1
kind: Cluster
metadata: {name: local, namespace: fleet-local}
status: {phase: Provisioned}
---
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: local, namespace: fleet-local}
status:
  conditions:
  - {type: Ready, status: "True"}
  - {type: Provisioned, status: "True"}
  - {type: Updated, status: Unknown, lastUpdateTime: "2026-11-02T06:20:33Z", message: "configuring etcd node(s) custom-4: waiting for probes: kubelet"}
---
apiVersion: cluster.x-k8s.io/v1beta1
kind: Machine
metadata: {name: custom-4, namespace: fleet-local, finalizers: [machine.cluster.x-k8s.io], deletionTimestamp: "2026-11-02T06:00:00Z"}
status: {phase: Deleting, nodeRef: {name: node-4}}
`
	movingAddon = `
apiVersion: harvesterhci.io/v1beta1
kind: Addon
metadata: {name: rancher-monitoring, namespace: cattle-monitoring-system}
spec: {enabled: true}
status: {status: AddonEnabling, conditions: [{type: InProgress, status: "True", lastUpdateTime: "SINCE"}]}
`
)

func TestRemediesForRanchersObjectsCanBePasted(t *testing.T) {
	const young, old = "2026-11-20T11:59:30Z", "2026-11-20T08:00:00Z"
	chart := func(paused, ready, since string) string {
		return strings.NewReplacer("PAUSED", paused, "READY", ready, "SINCE", since).Replace(harvesterChart)
	}
	for name, test := range map[string]struct{ check, objects, wants string }{
		"a bundle is applied again under the next number": {"charts-unready", chart("false", "False", old),
			`kubectl -n fleet-local patch bundles.fleet.cattle.io mcc-harvester --type merge -p '{"spec":{"forceSyncGeneration":3}}'.`},
		"a paused chart is resumed": {"charts-unready", chart("true", "True", old),
			`kubectl -n fleet-local patch managedcharts.management.cattle.io harvester --type merge -p '{"spec":{"paused":false}}'.`},
		"a chart that is being applied is waited for": {"charts-unready", chart("false", "False", young), "wait until Fleet has applied it"},
		"an add-on that is being enabled is waited for": {"addons-unsettled", strings.Replace(movingAddon, "SINCE", young, 1),
			"kubectl get addons.harvesterhci.io rancher-monitoring -n cattle-monitoring-system."},
		"an add-on that hangs can be switched off": {"addons-unsettled", strings.Replace(movingAddon, "SINCE", old, 1),
			`kubectl patch addons.harvesterhci.io rancher-monitoring -n cattle-monitoring-system --type merge -p '{"spec":{"enabled":false}}'.`},
		"a machine that is not removed to its end is described": {"machines-mismatched", waitingForMachine,
			"kubectl -n fleet-local describe machines.cluster.x-k8s.io custom-4; "},
		"a cluster that waits for such a machine refers to it": {"cluster-unprovisioned", waitingForMachine, "do what machines-mismatched says of machine custom-4, "},
		"a cluster that waits for another machine does not": {"cluster-unprovisioned", strings.Replace(waitingForMachine, "node(s) custom-4", "node(s) custom-5", 1),
			"finish or undo what is being done to the nodes; "},
		"a job is deleted by name": {"upgrade-leftovers", unfinishedJob, "kubectl -n harvester-system delete job hvst-upgrade-x7k2p-apply-manifests."},
		"only the drain options that are on are switched off": {"upgrade-leftovers", drainedWorkers,
			`-p '{"spec":{"rkeConfig":{"upgradeStrategy":{"workerDrainOptions":{"enabled":false}}}}}'.`},
	} {
		t.Run(name, func(t *testing.T) {
			finding := onlyFinding(t, test.check, test.objects)
			if !strings.Contains(finding.Remedy, test.wants) {
				t.Errorf("the remedy is %q, want it to say %q", finding.Remedy, test.wants)
			}
			if waits := strings.HasPrefix(finding.Remedy, "wait"); waits != finding.Transient {
				t.Errorf("the remedy waits: %t, and the finding is transient: %t", waits, finding.Transient)
			}
		})
	}
}

func TestAnAddonThatIsBeingEnabledSettlesWithTime(t *testing.T) {
	finding := onlyFinding(t, "addons-unsettled", strings.Replace(movingAddon, "SINCE", "2026-11-20T11:59:30Z", 1))
	now := time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	if finding.Settled(now) || !finding.Settled(now.Add(time.Hour)) {
		t.Errorf("a young operation counts at once, or an old one never: %+v", checks.Finding{Since: finding.Since, Settles: finding.Settles})
	}
}
