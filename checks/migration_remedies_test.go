package checks_test

import (
	"strings"
	"testing"
)

const markedVolume = `
apiVersion: longhorn.io/v1beta2
kind: Volume
metadata: {name: pvc-1, namespace: longhorn-system}
spec: {numberOfReplicas: 2, migratable: true, accessMode: rwx, migrationNodeID: "WANTED"}
status: {state: attached, robustness: healthy, currentNodeID: node-1, currentMigrationNodeID: "CURRENT"}
`

const twoTickets = `---
apiVersion: longhorn.io/v1beta2
kind: VolumeAttachment
metadata: {name: pvc-1, namespace: longhorn-system}
spec:
  volume: pvc-1
  attachmentTickets:
    csi-aa: {id: csi-aa, nodeID: node-1, type: csi-attacher}
    csi-bb: {id: csi-bb, nodeID: node-2, type: csi-attacher}
status:
  attachmentTicketStatuses:
    csi-aa: {id: csi-aa, satisfied: true}
    csi-bb: {id: csi-bb, satisfied: true}
`

func TestRemediesOfAHalfDoneMigrationUndoAllOfIt(t *testing.T) {
	const (
		spec   = `patch volumes.longhorn.io pvc-1 --type merge -p '{"spec":{"migrationNodeID":""}}'`
		status = `patch volumes.longhorn.io pvc-1 --type merge --subresource status -p '{"status":{"currentMigrationNodeID":""}}'`
		ticket = `remove the ticket for node-2 where it is still there: kubectl -n longhorn-system patch volumeattachments.longhorn.io pvc-1 --type json ` +
			`-p '[{"op":"remove","path":"/spec/attachmentTickets/csi-bb"}]'`
	)
	marked := func(wanted, current string) string {
		return strings.NewReplacer("WANTED", wanted, "CURRENT", current).Replace(markedVolume)
	}
	for name, test := range map[string]struct {
		objects     string
		wants, lack []string
	}{
		"a mark in spec and status is cleared in both": {marked("node-2", "node-2"), []string{spec + " && kubectl", status}, nil},
		"a mark in the spec alone is cleared there":    {marked("node-2", ""), []string{spec}, []string{"currentMigrationNodeID"}},
		"a mark in the status alone is cleared there":  {marked("", "node-2"), []string{status}, []string{`"migrationNodeID"`}},
		"the ticket of the other node is removed by name, before the mark": {marked("node-2", "node-2") + twoTickets,
			[]string{ticket + "; once it is detached, clear the mark: ", spec}, []string{"csi-aa"}},
	} {
		t.Run(name, func(t *testing.T) {
			remedy := onlyFinding(t, "multi-engine-volumes", test.objects).Remedy
			for _, want := range test.wants {
				if !strings.Contains(remedy, want) {
					t.Errorf("the remedy is %q, want it to say %q", remedy, want)
				}
			}
			for _, lack := range test.lack {
				if strings.Contains(remedy, lack) {
					t.Errorf("the remedy is %q, want it not to say %q", remedy, lack)
				}
			}
		})
	}
}
