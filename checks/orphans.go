package checks

import (
	"fmt"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// process names an engine process in an instance manager.
type process struct{ manager, name string }

// recordedOrphan is an engine process that Longhorn itself, from 1.9 on, has found to be lost.
type recordedOrphan struct {
	*lhv1.Orphan
	// listed is true once its instance manager was seen to list it.
	listed bool
}

// recordedOrphans returns the orphans that are engine processes.
func recordedOrphans(p *Pass) map[process]*recordedOrphan {
	var found map[process]*recordedOrphan
	for _, orphan := range p.Orphans() {
		if orphan.Spec.Type != lhv1.OrphanTypeEngineInstance {
			continue
		}
		if found == nil {
			found = map[process]*recordedOrphan{}
		}
		key := process{orphan.Spec.Parameters[lhv1.OrphanInstanceManager], orphan.Spec.Parameters[lhv1.OrphanInstanceName]}
		found[key] = &recordedOrphan{Orphan: orphan}
	}
	return found
}

// reportOrphans reports the orphans that no instance manager was seen to list, where Longhorn says that the process exists.
func reportOrphans(p *Pass, orphans map[process]*recordedOrphan) {
	for key, orphan := range orphans {
		exists := cluster.LonghornCondition(orphan.Status.Conditions, lhv1.OrphanConditionTypeInstanceExist)
		switch {
		case orphan.listed:
		case exists == nil:
			p.Unknownf(orphan.Orphan, "it does not say whether engine process %s still exists", key.name)
		case exists.Status == lhv1.ConditionStatusTrue:
			p.Report(Finding{
				Object:  ObjectOf(orphan.Orphan),
				Message: fmt.Sprintf("orphan %s says that engine process %s still runs in %s on %s", orphan.Name, key.name, nodeOr(key.manager, "an instance manager"), orphan.Spec.NodeID),
				Remedy:  fmt.Sprintf("check that every volume in use is healthy, then delete it: kubectl -n longhorn-system delete orphans.longhorn.io %s.", orphan.Name),
			})
		case exists.Status != lhv1.ConditionStatusFalse:
			p.Unknownf(orphan.Orphan, "its condition InstanceExist is %q", exists.Status)
		}
	}
}

// mayMigrate tells whether a migration in progress explains a process: its volume migrates, and the instance manager is on
// the node it comes from or goes to. in-flight-migrations reports the migration. Where it is not known whether one runs, the process is one that
// could not be judged.
func mayMigrate(p *Pass, manager *cluster.InstanceManager, engine *cluster.Engine, name, because string) bool {
	volumeName := ownerOf(name, "-e-")
	if engine != nil {
		volumeName = cluster.VolumeOf(engine.Spec.VolumeName, engine.Labels)
	}
	volume := p.Volume(volumeName)
	if volume == nil {
		return false
	}
	switch manager.Spec.NodeID {
	case volume.Spec.NodeID, volume.Status.CurrentNodeID, volume.Spec.MigrationNodeID, volume.Status.CurrentMigrationNodeID:
	default:
		return false
	}
	if unread := unreadWorkload(p, volume); unread != "" {
		p.Unknownf(manager, "it lists engine %s, which %s; whether %s migrates is not known, %s", name, because, describeVolume(p, volume), unread)
		return true
	}
	return p.ActiveMigrationOfVolume(volume) != nil
}

// ownerOf returns the volume in a process's name, "pvc-1" of "pvc-1-e-0" (longhorn-manager, GenerateEngineNameForVolume);
// empty where the name has another form.
func ownerOf(name, separator string) string {
	if at := strings.LastIndex(name, separator); at > 0 {
		return name[:at]
	}
	return ""
}

// judgeReplicaProcess warns of replica processes that the control plane lost. They do not hold the instance manager's
// PodDisruptionBudget.
func judgeReplicaProcess(p *Pass, manager *cluster.InstanceManager, name string) {
	replica := replicaNamed(p.ReplicasOf(ownerOf(name, "-r-")), name)
	because, moving := "no longer exists", true
	if replica != nil {
		if isToRunIn(p, manager, replica.Spec.VolumeName, replica.Labels, &replica.Spec.InstanceSpec, &replica.Status.InstanceStatus) {
			return
		}
		because, moving = misplaced(&replica.Spec.InstanceSpec, &replica.Status.InstanceStatus, manager)
	}
	if because == "" {
		return
	}
	f := Finding{
		Object: ObjectOf(manager), Rule: "replica/" + name, Severity: Warn,
		Message: fmt.Sprintf("instance manager %s on %s lists replica %s, which %s", manager.Name, manager.Spec.NodeID, name, because),
		Remedy: fmt.Sprintf("remove it when it suits, for it does not hold the drain: kubectl -n longhorn-system exec %s -- instance-manager process delete --name %s.",
			manager.Name, name),
	}
	if moving {
		f.Transient, f.Settles = true, p.Settings.LostEngineAge
		f.Remedy = "wait: replicas are listed for a short time while they start and stop. If it stays, " + f.Remedy
	}
	p.Report(f)
}
