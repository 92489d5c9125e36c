package checks

import (
	"fmt"
	"strings"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// isBeingCloned tells whether a volume is still getting its data from another one.
func isBeingCloned(volume *cluster.Volume) bool {
	state := cluster.Text(volume.Status.CloneStatus.State)
	return state == lhv1.VolumeCloneStateInitiated || state == lhv1.VolumeCloneStateCopyCompletedAwaitingHealthy
}

// unreadClone says why the state of a volume's cloning is no evidence; empty where it is.
func unreadClone(volume *cluster.Volume) string {
	switch state := cluster.Text(volume.Status.CloneStatus.State); state {
	case lhv1.VolumeCloneStateEmpty, lhv1.VolumeCloneStateInitiated, lhv1.VolumeCloneStateCopyCompletedAwaitingHealthy,
		lhv1.VolumeCloneStateCompleted, lhv1.VolumeCloneStateFailed:
		return ""
	default:
		return fmt.Sprintf("its clone is in state %q, a word that is not known", state)
	}
}

// reportRestoresAndClones reports volumes whose data is still arriving, by what themselves say or by what their engines do.
func reportRestoresAndClones(p *Pass, ofVMs vmOperations) {
	restored, cloned := engineCopies(p.Engines())
	for _, volume := range p.Volumes() {
		if !ofVMs.includeRestoreOf(volume) {
			reportRestoreOrClone(p, volume, restored[volume.Name], cloned[volume.Name])
		}
	}
}

func reportRestoreOrClone(p *Pass, volume *cluster.Volume, restoring, cloning bool) {
	if because := unreadState(volume); because != "" {
		p.Unknownf(volume, "%s", because)
	}
	if because := unreadClone(volume); because != "" {
		p.Unknownf(volume, "%s", because)
	}
	restoring = restoring || volume.Status.RestoreRequired
	cloning = cloning || isBeingCloned(volume)
	if !restoring && !cloning && !volume.Status.IsStandby {
		return
	}
	var facts []string
	f := Finding{Object: ObjectOf(volume), Transient: true,
		Remedy: fmt.Sprintf("wait until it is done: kubectl -n longhorn-system get volumes.longhorn.io %s -o yaml.", volume.Name)}
	if restoring {
		f.Since = restoreBegan(volume)
		facts = append(facts, "is being restored from a backup"+lasting(p, f.Since))
	}
	if cloning {
		fact := "is being cloned"
		if source := cluster.Text(volume.Status.CloneStatus.SourceVolume); source != "" {
			fact += " from volume " + source
		}
		facts = append(facts, fact+inParentheses(string(cluster.Text(volume.Status.CloneStatus.State))))
	}
	if volume.Status.IsStandby && volume.Status.State != lhv1.VolumeStateDetached {
		f.Transient = false
		facts = []string{fmt.Sprintf("is a standby volume, which is restored for ever and never leaves %s", nodeOr(volume.Status.CurrentNodeID, volume.Spec.NodeID))}
		f.Remedy = fmt.Sprintf("activate it in Longhorn's UI, or delete it and create it again after the upgrade: kubectl -n longhorn-system delete volumes.longhorn.io %s.", volume.Name)
	}
	if len(facts) > 0 {
		f.Message = describeVolume(p, volume) + " " + strings.Join(facts, " and ")
		p.Report(f)
	}
}

// engineCopies names the volumes with an engine that is restoring a backup, and with one that is cloning a snapshot.
func engineCopies(engines []*cluster.Engine) (restored, cloned map[string]bool) {
	restored, cloned = map[string]bool{}, map[string]bool{}
	for _, engine := range engines {
		for _, status := range engine.Status.RestoreStatus {
			if status != nil && status.IsRestoring {
				restored[cluster.VolumeOf(engine.Spec.VolumeName, engine.Labels)] = true
			}
		}
		for _, status := range engine.Status.CloneStatus {
			if status != nil && status.IsCloning {
				cloned[cluster.VolumeOf(engine.Spec.VolumeName, engine.Labels)] = true
			}
		}
	}
	return restored, cloned
}

// restoreBegan is when the condition Restore became true; zero where the volume does not say.
func restoreBegan(volume *cluster.Volume) time.Time {
	condition := cluster.LonghornCondition(volume.Status.Conditions, lhv1.VolumeConditionTypeRestore)
	if condition == nil || condition.Status != lhv1.ConditionStatusTrue {
		return time.Time{}
	}
	return timeOf(condition.LastTransitionTime)
}
