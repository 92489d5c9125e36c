package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// multiEngineVolumes finds volumes that a migration left between two nodes: several engines, attachments or node names, and
// no migration that accounts for them. Such a volume can be attached and healthy (harvester/harvester#4477).
func multiEngineVolumes() Check {
	return Check{
		Name:  "multi-engine-volumes",
		Title: "Volumes have several engines, or a half-finished migration",
		Why: "Longhorn neither rebuilds nor migrates a volume that has a second engine, so it stays degraded after the first node's reboot, and the " +
			"next node never leaves Pre-draining; two active engines can corrupt the data.",
		Finds: "Volumes that have, while no migration runs, several engines, an engine or a Longhorn attachment that cannot be deleted, a migration node " +
			"in spec or status, several csi attachment tickets or several Kubernetes attachments; and, as a warning, a single engine that is inactive, and " +
			"engines that do not run and whose volume does not exist.",
		Beyond: "Which of two engines wrote last: only the replicas' files on the nodes' disks tell.",
		Remedy: "stop the VM, then delete the engine that is not on the volume's current node: " +
			"kubectl -n longhorn-system get engines.longhorn.io -l longhornvolume=VOLUME.",
		Severity: Block,
		Waivable: false,
		Needs: []cluster.Kind{
			cluster.Volumes, cluster.Engines, cluster.Attachments, cluster.VolumeAttachments, cluster.VMIs, cluster.Migrations,
		},
		AsksKnown: []cluster.Kind{cluster.VMIs, cluster.Migrations},
		Sources: []string{
			"harvester/harvester#7679", "harvester/harvester#4477", "harvester/harvester#6117", "longhorn/longhorn#6642",
			"longhorn/longhorn#7128", "longhorn/longhorn#11479",
			"longhorn/longhorn-manager datastore GetCurrentEngineAndExtras", "longhorn/longhorn-manager controller processMigration",
		},
		Run: runMultiEngineVolumes,
	}
}

func runMultiEngineVolumes(p *Pass) error {
	for _, volume := range p.Volumes() {
		if p.IsOrdinary(volume) {
			continue
		}
		traces := tracesOf(p, volume)
		switch {
		case len(traces) > 0:
			judgeTraces(p, volume, traces)
		case unreadState(volume) != "":
			p.Unknownf(volume, "%s", unreadState(volume))
		default:
			warnOfInactiveEngine(p, volume)
		}
	}
	reportEnginesWithoutVolume(p)
	return nil
}

// judgeTraces reports what a volume shows of a migration while there is none. One in progress has two of everything, and
// in-flight-migrations reports it; what not even that explains is reported all the same.
func judgeTraces(p *Pass, volume *cluster.Volume, traces []trace) {
	unread := unreadWorkload(p, volume)
	if unread == "" && p.ActiveMigrationOfVolume(volume) == nil {
		reportTraces(p, volume, traces, "and no migration is running")
		return
	}
	certain := slices.DeleteFunc(slices.Clone(traces), func(t trace) bool { return !t.certain })
	switch {
	case len(certain) > 0:
		reportTraces(p, volume, certain, "which no migration explains")
	case unread != "":
		facts := make([]string, 0, len(traces))
		for _, t := range traces {
			facts = append(facts, t.fact)
		}
		p.Unknownf(volume, "%s; whether a migration runs is not known, %s", strings.Join(facts, "; "), unread)
	}
}

// reportTraces merges everything that is between two nodes in one volume, which has one cause, into one finding, whose message ends with
// what there is to say of migrations.
func reportTraces(p *Pass, volume *cluster.Volume, traces []trace, migration string) {
	facts := make([]string, 0, len(traces))
	var steps []string
	since, certain := time.Time{}, false
	for _, t := range traces {
		facts = append(facts, t.fact)
		if t.remedy != "" {
			steps = append(steps, t.remedy)
		}
		if !t.since.IsZero() && (since.IsZero() || t.since.Before(since)) {
			since = t.since
		}
		certain = certain || t.certain
	}
	if ended := lastMigrationEnd(p, volume); ended.After(since) {
		since = ended
	}
	f := Finding{
		Object: ObjectOf(volume), Since: since,
		Message: describeVolume(p, volume) + " " + strings.Join(facts, "; ") + ", " + migration,
		Remedy:  stopVM(p, volume) + "; " + strings.Join(steps, "; ") + ".",
	}
	young := p.Age(since) < p.Settings.StaleEngineAge
	if since.IsZero() {
		young = isMoving(volume)
	}
	if young && !certain {
		f.Transient, f.Settles = true, p.Settings.StaleEngineAge
		f.Remedy = fmt.Sprintf("wait %s, in which Longhorn tidies up after a migration, and try again. If it stays: %s", spell(p.Settings.StaleEngineAge), f.Remedy)
	}
	p.Report(f)
}

// lastMigrationEnd returns when the last migration of a VMI that uses the volume ended; zero where none is known.
func lastMigrationEnd(p *Pass, volume *cluster.Volume) time.Time {
	var last time.Time
	for _, vmi := range p.VMIsOf(volume) {
		if state := vmi.Status.MigrationState; state != nil && state.EndTimestamp != nil && state.EndTimestamp.After(last) {
			last = state.EndTimestamp.Time
		}
		for _, migration := range p.MigrationsOf(vmi) {
			for _, phase := range migration.Status.PhaseTransitionTimestamps {
				final := phase.Phase == kubevirtv1.MigrationSucceeded || phase.Phase == kubevirtv1.MigrationFailed
				if final && phase.PhaseTransitionTimestamp.After(last) {
					last = phase.PhaseTransitionTimestamp.Time
				}
			}
		}
	}
	return last
}

// warnOfInactiveEngine finds a volume whose only engine is not the active one; Longhorn mostly repairs that itself.
func warnOfInactiveEngine(p *Pass, volume *cluster.Volume) {
	engines := p.EnginesOf(volume.Name)
	if len(engines) != 1 || engines[0].Spec.Active || p.ActiveMigrationOfVolume(volume) != nil {
		return
	}
	if unread := unreadWorkload(p, volume); unread != "" {
		p.Unknownf(volume, "its only engine, %s, is marked inactive; whether a migration runs is not known, %s", engines[0].Name, unread)
		return
	}
	p.Report(Finding{
		Object: ObjectOf(volume), Rule: "inactive-engine", Severity: Warn,
		Message: fmt.Sprintf("%s has no active engine: its only one, %s, is marked inactive", describeVolume(p, volume), engines[0].Name),
		Remedy:  stopVM(p, volume) + "; then start it again: Longhorn mostly repairs this when the volume is attached next.",
	})
}

// reportEnginesWithoutVolume finds engines whose volume is gone. A running one makes the upgrade wait, so degraded-volumes has it.
func reportEnginesWithoutVolume(p *Pass) {
	for _, engine := range p.Engines() {
		name := cluster.VolumeOf(engine.Spec.VolumeName, engine.Labels)
		if p.Volume(name) != nil || engine.Status.CurrentState == lhv1.InstanceStateRunning {
			continue
		}
		p.Report(Finding{
			Object: ObjectOf(engine), Rule: "no-volume", Severity: Warn,
			Message: fmt.Sprintf("engine %s (%s) belongs to volume %q, which does not exist", engine.Name, stateOr(engine.Status.CurrentState), name),
			Remedy:  fmt.Sprintf("delete it: kubectl -n longhorn-system delete engines.longhorn.io %s.", engine.Name),
		})
	}
}
