package checks_test

import (
	"strings"
	"testing"
)

const rebuildingOff = `---
apiVersion: longhorn.io/v1beta2
kind: Setting
metadata: {name: concurrent-replica-rebuild-per-node-limit, namespace: longhorn-system}
value: "0"
`

const evictedDisk = `
apiVersion: longhorn.io/v1beta2
kind: Node
metadata: {name: node-1, namespace: longhorn-system}
spec: {disks: {disk-1: {evictionRequested: true}}}
status: {diskStatus: {disk-1: {diskUUID: uuid-1}}}
---
apiVersion: v1
kind: Node
metadata: {name: node-1}
---
apiVersion: longhorn.io/v1beta2
kind: Replica
metadata: {name: pvc-1-r-1, namespace: longhorn-system, labels: {longhornvolume: pvc-1}}
spec: {nodeID: node-1, diskID: uuid-1, evictionRequested: true}
`

func TestRemediesThatNeedARebuildBeginByAllowingOne(t *testing.T) {
	const first = "first let Longhorn rebuild: see longhorn-settings, for concurrent-replica-rebuild-per-node-limit is 0; then "
	for name, test := range map[string]struct{ check, objects, then string }{
		"a broken replica": {"faulted-replicas", volumeOnNode1 + activeEngine + goodReplica + failedReplica, "delete the broken replica"},
		"an eviction":      {"longhorn-evictions", evictedDisk, "wait until Longhorn has moved everything"},
	} {
		t.Run(name, func(t *testing.T) {
			if remedy := onlyFinding(t, test.check, test.objects).Remedy; !strings.HasPrefix(remedy, test.then) {
				t.Errorf("the remedy is %q, want it to begin %q", remedy, test.then)
			}
			if remedy := onlyFinding(t, test.check, test.objects+rebuildingOff).Remedy; !strings.HasPrefix(remedy, first+test.then) {
				t.Errorf("without rebuilds the remedy is %q, want it to begin %q", remedy, first+test.then)
			}
		})
	}
}
