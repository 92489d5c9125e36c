package checks_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	volumeOnNode1 = `
apiVersion: longhorn.io/v1beta2
kind: Volume
metadata: {name: pvc-1, namespace: longhorn-system}
spec: {numberOfReplicas: 2}
status: {state: attached, robustness: degraded, currentNodeID: node-1, kubernetesStatus: {namespace: default, pvcName: disk}}
`
	activeEngine = `---
apiVersion: longhorn.io/v1beta2
kind: Engine
metadata: {name: pvc-1-e-0, namespace: longhorn-system, labels: {longhornvolume: pvc-1}}
spec: {active: true, nodeID: node-1}
status: {currentState: running, replicaModeMap: {pvc-1-r-1: RW, pvc-1-r-2: ERR}}
`
	inactiveEngine = `---
apiVersion: longhorn.io/v1beta2
kind: Engine
metadata: {name: pvc-1-e-1, namespace: longhorn-system, labels: {longhornvolume: pvc-1}}
spec: {active: false, nodeID: node-2}
`
	vmOnNode2 = `---
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata: {name: vm-1, namespace: default}
spec: {domain: {devices: {}}, volumes: [{name: root, persistentVolumeClaim: {claimName: disk}}]}
status: {nodeName: node-2}
`
	goodReplica = `---
apiVersion: longhorn.io/v1beta2
kind: Replica
metadata: {name: pvc-1-r-1, namespace: longhorn-system, labels: {longhornvolume: pvc-1}}
spec: {active: true, healthyAt: "2026-10-02T08:00:10Z", desireState: running}
status: {currentState: running}
`
	failedReplica = `---
apiVersion: longhorn.io/v1beta2
kind: Replica
metadata: {name: pvc-1-r-2, namespace: longhorn-system, labels: {longhornvolume: pvc-1}}
spec: {active: true, healthyAt: "2026-10-02T08:00:10Z", desireState: running}
status: {currentState: error}
`
)

func TestRemediesNeverDeleteWhatMayHoldTheData(t *testing.T) {
	for name, test := range map[string]struct {
		check, objects, wants string
		deletes               bool
	}{
		"an inactive engine beside the volume's own is deleted by name": {
			"multi-engine-volumes", volumeOnNode1 + activeEngine + inactiveEngine, "delete engines.longhorn.io pvc-1-e-1", true},
		"of two active engines none is named": {
			"multi-engine-volumes", volumeOnNode1 + activeEngine + strings.Replace(inactiveEngine, "false", "true", 1), "find out which engine has the current data", false},
		"an engine on the node that the VM runs on is not named": {
			"multi-engine-volumes", volumeOnNode1 + activeEngine + inactiveEngine + vmOnNode2, "find out which engine has the current data", false},
		"a failed replica beside a good one is deleted by name": {
			"faulted-replicas", volumeOnNode1 + activeEngine + goodReplica + failedReplica, "delete replicas.longhorn.io pvc-1-r-2", true},
		"without a good replica none is deleted": {
			"faulted-replicas", volumeOnNode1 + activeEngine + failedReplica, "delete none", false},
		"a replica on a node that is down may come back": {
			"faulted-replicas", volumeOnNode1 + strings.Replace(activeEngine, ", pvc-1-r-2: ERR", "", 1) + goodReplica + strings.Replace(failedReplica, "error", "unknown", 1),
			"bring back the node of pvc-1-r-2", false},
	} {
		t.Run(name, func(t *testing.T) {
			remedy := onlyFinding(t, test.check, test.objects).Remedy
			if !strings.Contains(remedy, test.wants) {
				t.Errorf("the remedy is %q, want it to say %q", remedy, test.wants)
			}
			if deletes := strings.Contains(remedy, "longhorn-system delete "); deletes != test.deletes {
				t.Errorf("the remedy deletes something: %t, want %t: %q", deletes, test.deletes, remedy)
			}
		})
	}
}

// onlyFinding runs a check on a few objects and returns the one finding that they must give.
func onlyFinding(t *testing.T, name, objects string) checks.Finding {
	t.Helper()
	files := fstest.MapFS{"cluster.yaml": &fstest.MapFile{Data: []byte(objects)}}
	folder, err := cluster.ReadFS(files, "the objects", cluster.FolderOptions{AssumeComplete: true})
	if err != nil {
		t.Fatal(err)
	}
	check, ok := checks.Find(name)
	if !ok {
		t.Fatalf("no check is named %s", name)
	}
	now := time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	input := checks.Input{Snapshot: cluster.Load(context.Background(), folder, now), Settings: checks.DefaultSettings()}
	findings := checks.Run(context.Background(), []checks.Check{check}, input)[0].Findings
	if len(findings) != 1 {
		t.Fatalf("%s has %d findings, want 1: %+v", name, len(findings), findings)
	}
	return findings[0]
}
