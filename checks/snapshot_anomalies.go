package checks

import (
	"fmt"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// snapshotErrorLost is how Longhorn marks a Snapshot object whose snapshot the engine no longer has; that holds nothing up.
const snapshotErrorLost = "lost track of the corresponding snapshot info"

// snapshotAnomalies finds snapshot chains that keep replicas from being rebuilt, or that change under a migration.
func snapshotAnomalies() Check {
	return Check{
		Name:  "snapshot-anomalies",
		Title: "Snapshot chains are full, being purged, or stuck",
		Why: "Every rebuild makes a snapshot: a volume whose chain is full stays degraded after the first node's reboot. A purge that runs while a VM " +
			"migrates changes the chain under the new engine; its replicas fail and the guest is paused on an I/O error (harvester/harvester#7679).",
		Finds: "Volumes whose snapshots are close to their limit by number or at it by size, or so many that Longhorn warns of them; purges that run or have " +
			"failed; snapshots that cannot be listed, are stuck in deletion or are not usable; and a rebuild while a Longhorn with longhorn/longhorn#10495 purges snapshots by itself.",
		Remedy: "delete snapshots that are no longer needed, with their backups and VM snapshots in Harvester's UI, and wait until the purge is done: " +
			"kubectl -n longhorn-system get snapshots.longhorn.io -l longhornvolume=VOLUME.",
		Severity: Block,
		Waivable: true,
		Needs: []cluster.Kind{
			cluster.Volumes, cluster.Engines, cluster.Replicas, cluster.LonghornSnapshots, cluster.LonghornSettings,
		},
		Sources: []string{
			"harvester/harvester#7679", "harvester/harvester#9520", "harvester/harvester#2640", "longhorn/longhorn#10495",
			"longhorn/longhorn#2979", "longhorn/longhorn-manager controller reconcileVolumeCondition",
		},
		Run: runSnapshotAnomalies,
	}
}

func runSnapshotAnomalies(p *Pass) error {
	warnAt := snapshotWarningThreshold(p)
	var rebuilding []*cluster.Volume
	for _, volume := range p.Volumes() {
		if p.IsOrdinary(volume) && warnAt > cluster.OrdinarySnapshots {
			continue
		}
		if because := unreadState(volume); because != "" {
			p.Unknownf(volume, "%s", because)
		}
		chains := chainsOf{pass: p, volume: volume, engines: judgedEngines(p.EnginesOf(volume.Name))}
		chains.reportLength(warnAt)
		chains.reportSize()
		chains.reportPurge()
		if isRebuilding(chains.engines) {
			rebuilding = append(rebuilding, volume)
		}
	}
	reportCleanupDuringRebuild(p, rebuilding)
	for _, snapshot := range p.LonghornSnapshots() {
		judgeSnapshot(p, snapshot)
	}
	return nil
}

// judgeSnapshot finds snapshots that cannot be deleted or were never made. Of a volume with several engines the snapshot
// controller can say nothing; multi-engine-volumes reports that.
func judgeSnapshot(p *Pass, snapshot *cluster.LonghornSnapshot) {
	deleting := snapshot.DeletionTimestamp
	failed := cluster.Text(snapshot.Status.Error) != "" && !snapshot.Status.ReadyToUse && !snapshot.Status.MarkRemoved
	unread := cluster.Text(snapshot.Status.OwnerID) == "" && !snapshot.Status.ReadyToUse && !snapshot.Status.MarkRemoved
	if deleting == nil && !failed && !unread || len(p.EnginesOf(snapshot.Spec.Volume)) > 1 {
		return
	}
	switch {
	case deleting != nil && p.Age(deleting.Time) >= p.Settings.SnapshotDeletionAge:
		remedy := fmt.Sprintf("attach volume %s (start its VM), and wait until the snapshot is gone: ", snapshot.Spec.Volume)
		if p.Volume(snapshot.Spec.Volume) == nil {
			remedy = "see what holds it, for its volume does not exist: "
		}
		p.Report(Finding{
			Object: ObjectOf(snapshot), Severity: Warn, Since: deleting.Time,
			Message: fmt.Sprintf("snapshot %s of volume %s has been in deletion for %s%s",
				snapshot.Name, snapshot.Spec.Volume, spell(p.Age(deleting.Time)), quoted(snapshot.Status.Error)),
			Remedy: fmt.Sprintf("%skubectl -n longhorn-system describe snapshots.longhorn.io %s.", remedy, snapshot.Name),
		})
	case deleting == nil && !failed:
		// Longhorn names an owner within seconds; until then the object says nothing.
		if p.Age(snapshot.CreationTimestamp.Time) >= p.Settings.LostEngineAge {
			p.Unknownf(snapshot, "it has no owner and reports no state")
		}
	case deleting == nil && !strings.Contains(snapshot.Status.Error, snapshotErrorLost):
		p.Report(Finding{
			Object: ObjectOf(snapshot), Severity: Warn,
			Message: fmt.Sprintf("snapshot %s of volume %s is not usable: %s", snapshot.Name, snapshot.Spec.Volume, snapshot.Status.Error),
			Remedy:  fmt.Sprintf("delete it if nobody needs it: kubectl -n longhorn-system delete snapshots.longhorn.io %s.", snapshot.Name),
		})
	}
}
