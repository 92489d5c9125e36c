package drain

import (
	"fmt"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// waitForVolumes simulates how the pre-drain job waits for the volumes of the whole cluster, not only of its node, to be as the upgrade
// wants them (harvester/harvester, upgrade_node.sh, wait_longhorn_engines). What held the first node is taken as repaired for the
// others; what the nodes before have cost is held against this one.
func (m *model) waitForVolumes() {
	if !m.readVolumes {
		m.readVolumes = true
		m.stopForVolumes()
		m.stopForLostVolumes()
	}
}

func (m *model) stopForVolumes() {
	waits := map[string][]*cluster.Volume{}
	because := map[*cluster.Volume]string{}
	for _, volume := range m.Volumes() {
		if m.IsOrdinary(volume) {
			continue
		}
		if check, why := m.awaited(volume); check != "" {
			because[volume] = why
			waits[check] = append(waits[check], volume)
		}
	}
	for _, check := range []string{"multi-engine-volumes", "faulted-replicas", "degraded-volumes"} {
		if volumes := waits[check]; len(volumes) > 0 {
			m.stop(Stop{State: PreDraining, Confidence: m.confidenceOf(volumes), Object: first(volumes), Check: check, Transient: check == "degraded-volumes" && m.anyRebuild(volumes),
				Because: withOthers(because[first(volumes)], len(volumes)), Evidence: []string{"Volume status.robustness, Engine status.currentState, status.replicaModeMap"}})
		}
	}
}

// stopForLostVolumes reports a running engine without its volume, whose robustness the job reads as empty; degraded-volumes has it too.
func (m *model) stopForLostVolumes() {
	var lost *cluster.Engine
	for _, engine := range m.Engines() {
		name := cluster.VolumeOf(engine.Spec.VolumeName, engine.Labels)
		if engine.Status.CurrentState == lhv1.InstanceStateRunning && m.Volume(name) == nil && (lost == nil || engine.Name < lost.Name) {
			lost = engine
		}
	}
	if lost != nil {
		m.stop(Stop{State: PreDraining, Confidence: Certain, Object: lost, Check: "degraded-volumes", Evidence: []string{"Engine spec.volumeName, status.currentState"},
			Because: fmt.Sprintf("engine %s runs, and its volume %q, which is to be healthy, does not exist", lost.Name, cluster.VolumeOf(lost.Spec.VolumeName, lost.Labels))})
	}
}

// awaited tells whether the job would wait for a volume, and which check reports why it is as it is.
func (m *model) awaited(volume *cluster.Volume) (check, because string) {
	running, usable := m.usableReplicas(volume)
	wanted := wantedReplicas(volume)
	switch {
	case running == 0:
		return "", ""
	case m.storageNodes > 2 && cluster.Text(volume.Status.Robustness) == "":
		m.cannotTell(volume, "runs and reports no robustness")
		return "", ""
	case m.storageNodes > 2 && volume.Status.Robustness == lhv1.VolumeRobustnessHealthy, m.storageNodes <= 2 && usable >= wanted:
		return "", ""
	case m.storageNodes > 2:
		because = fmt.Sprintf("volume %s is %s, and the upgrade waits until it is healthy", volume.Name, volume.Status.Robustness)
	default:
		because = fmt.Sprintf("volume %s has %s, and the upgrade waits until it has %d", volume.Name, many(usable, "usable replica"), wanted)
	}
	switch {
	case len(m.EnginesOf(volume.Name)) > 1 && m.ActiveMigrationOfVolume(volume) == nil:
		return "multi-engine-volumes", because + "; with several engines it is never rebuilt"
	case m.hasBroken(volume):
		return "faulted-replicas", because
	}
	return "degraded-volumes", because
}

// usableReplicas returns how many engines of a volume run, and how many replicas the worst off of them reads and writes.
func (m *model) usableReplicas(volume *cluster.Volume) (running, usable int) {
	for _, engine := range m.EnginesOf(volume.Name) {
		if cluster.Text(engine.Status.CurrentState) == "" && volume.Status.State == lhv1.VolumeStateAttached {
			m.cannotTell(engine, fmt.Sprintf("of the attached volume %s is in no state", volume.Name))
		}
		if engine.Status.CurrentState != lhv1.InstanceStateRunning {
			continue
		}
		readWrite := 0
		for _, mode := range engine.Status.ReplicaModeMap.All() {
			if mode == lhv1.ReplicaModeRW {
				readWrite++
			}
		}
		if running == 0 || readWrite < usable {
			usable = readWrite
		}
		running++
	}
	return running, usable
}

// wantedReplicas is how many usable replicas of a volume the job waits for where there are two nodes for storage.
func wantedReplicas(volume *cluster.Volume) int {
	if volume.Spec.NumberOfReplicas == 1 {
		return 1
	}
	return 2
}

// hasBroken tells whether a replica of a volume has failed, as faulted-replicas reports.
func (m *model) hasBroken(volume *cluster.Volume) bool {
	if volume.Status.Robustness == lhv1.VolumeRobustnessFaulted {
		return true
	}
	for _, engine := range m.EnginesOf(volume.Name) {
		for _, mode := range engine.Status.ReplicaModeMap.All() {
			if mode == lhv1.ReplicaModeERR {
				return true
			}
		}
	}
	for _, replica := range m.ReplicasOf(volume.Name) {
		if replica.Status.CurrentState == lhv1.InstanceStateError {
			return true
		}
	}
	return false
}

// anyRebuild tells whether a rebuild of one of the volumes is under way, which may end in time.
func (m *model) anyRebuild(volumes []*cluster.Volume) bool {
	for _, volume := range volumes {
		for _, engine := range m.EnginesOf(volume.Name) {
			for _, mode := range engine.Status.ReplicaModeMap.All() {
				if mode == lhv1.ReplicaModeWO {
					return true
				}
			}
		}
	}
	return false
}

func (m *model) confidenceOf(volumes []*cluster.Volume) Confidence {
	if m.anyRebuild(volumes) {
		return Likely
	}
	return Certain
}

// first returns the volume that comes first by name.
func first(volumes []*cluster.Volume) *cluster.Volume {
	least := volumes[0]
	for _, volume := range volumes[1:] {
		if strings.Compare(volume.Name, least.Name) < 0 {
			least = volume
		}
	}
	return least
}

// many counts things: "1 replica", "2 replicas".
func many(count int, thing string) string {
	if count == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", count, thing)
}

func withOthers(because string, count int) string {
	if count == 1 {
		return because
	}
	return fmt.Sprintf("%s, and so for %s", because, many(count-1, "more volume"))
}

// good tells whether a replica holds all of its volume's data and nobody is taking it away (longhorn-manager, IsAvailableHealthyReplica).
func good(replica *cluster.Replica) bool {
	return replica.DeletionTimestamp == nil && cluster.Text(replica.Spec.FailedAt) == "" && cluster.Text(replica.Spec.HealthyAt) != ""
}
