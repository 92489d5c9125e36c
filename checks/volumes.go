package checks

import (
	"fmt"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// describeVolume returns what messages call a volume: "volume pvc-1 of VM default/db-1", or its claim where no VM uses it.
// The VM's name is a courtesy; where VMIs could not be read, the claim stands instead.
func describeVolume(p *Pass, volume *cluster.Volume) string {
	if vmis := p.VMIsOf(volume); len(vmis) > 0 {
		return fmt.Sprintf("volume %s of VM %s/%s", volume.Name, vmis[0].Namespace, vmis[0].Name)
	}
	claim := volume.Status.KubernetesStatus
	if name := cluster.Text(claim.PVCName); name != "" {
		return fmt.Sprintf("volume %s of claim %s/%s", volume.Name, cluster.Text(claim.Namespace), name)
	}
	return "volume " + volume.Name
}

// stopVM returns the command that stops the VM of a volume, or words where no VM is known.
func stopVM(p *Pass, volume *cluster.Volume) string {
	if vmis := p.VMIsOf(volume); len(vmis) > 0 {
		return fmt.Sprintf("stop its VM: virtctl stop %s -n %s", vmis[0].Name, vmis[0].Namespace)
	}
	return "stop the workload that uses it"
}

// judgedEngines returns the engines that speak for a volume: the active ones, or all where none is active. An inactive engine
// belongs to a migration, or is what one left behind; multi-engine-volumes and in-flight-migrations report those.
func judgedEngines(engines []*cluster.Engine) []*cluster.Engine {
	if len(engines) <= 1 {
		return engines
	}
	var active []*cluster.Engine
	for _, engine := range engines {
		if engine.Spec.Active {
			active = append(active, engine)
		}
	}
	if len(active) == 0 {
		return engines
	}
	return active
}

// unreadState says why a volume's status is no evidence; empty where it is. Longhorn always writes the state.
func unreadState(volume *cluster.Volume) string {
	switch state := cluster.Text(volume.Status.State); state {
	case lhv1.VolumeStateAttached, lhv1.VolumeStateDetached, lhv1.VolumeStateAttaching, lhv1.VolumeStateDetaching,
		lhv1.VolumeStateCreating, lhv1.VolumeStateDeleting:
		return ""
	case "":
		return "it reports no state"
	default:
		return fmt.Sprintf("its state is %q, a word that is not known", state)
	}
}

// unreadRobustness is unreadState for the robustness, and for the engine that a volume in use must have.
func unreadRobustness(volume *cluster.Volume, engines []*cluster.Engine) string {
	if because := unreadState(volume); because != "" {
		return because
	}
	switch robustness := cluster.Text(volume.Status.Robustness); robustness {
	case lhv1.VolumeRobustnessHealthy, lhv1.VolumeRobustnessDegraded, lhv1.VolumeRobustnessFaulted, lhv1.VolumeRobustnessUnknown:
	case "":
		return "it reports no robustness"
	default:
		return fmt.Sprintf("its robustness is %q, a word that is not known", robustness)
	}
	if volume.Status.State == lhv1.VolumeStateAttached && len(engines) == 0 {
		return "it is attached, but has no engine"
	}
	return unreadEngine(engines)
}

// unreadEngine says why an engine's status is no evidence; empty where all are.
func unreadEngine(engines []*cluster.Engine) string {
	for _, engine := range engines {
		switch state := cluster.Text(engine.Status.CurrentState); state {
		case lhv1.InstanceStateRunning:
			if len(engine.Status.ReplicaModeMap) == 0 {
				return fmt.Sprintf("its engine %s runs, but reports no replica modes", engine.Name)
			}
		case lhv1.InstanceStateStopped, lhv1.InstanceStateError, lhv1.InstanceStateStarting, lhv1.InstanceStateStopping,
			lhv1.InstanceStateUnknown, lhv1.InstanceStateTerminated:
		case "":
			return fmt.Sprintf("its engine %s reports no state", engine.Name)
		default:
			return fmt.Sprintf("its engine %s is in state %q, a word that is not known", engine.Name, state)
		}
	}
	return ""
}

// isMoving tells whether a volume is being attached or detached right now.
func isMoving(volume *cluster.Volume) bool {
	return volume.Status.State == lhv1.VolumeStateAttaching || volume.Status.State == lhv1.VolumeStateDetaching
}

// areMoving tells whether an engine is being started or stopped right now.
func areMoving(engines []*cluster.Engine) bool {
	for _, engine := range engines {
		if engine.Status.CurrentState == lhv1.InstanceStateStarting || engine.Status.CurrentState == lhv1.InstanceStateStopping {
			return true
		}
	}
	return false
}
