package checks

import (
	"fmt"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// orphanedEngines finds engine processes that an instance manager still lists although the control plane has no such engine
// there. All volumes look healthy in this state.
func orphanedEngines() Check {
	return Check{
		Name:  "orphaned-engines",
		Title: "Instance managers list engines that are not there",
		Why: "Longhorn keeps an instance manager's PodDisruptionBudget as long as the instance manager lists any engine, so the drain of " +
			"its node never ends and the upgrade stays in Pre-drained for ever.",
		Finds: "Engines that a running instance manager lists although the control plane has no such engine, has stopped it, or has it on another node or " +
			"in another instance manager; engine processes that Longhorn has recorded as orphans; and, as a warning, replica processes that are lost in the same way.",
		Beyond: "Processes on a node that its instance manager does not list.",
		Remedy: "check that every volume in use is healthy, then delete the process: " +
			"kubectl -n longhorn-system exec INSTANCE-MANAGER -- instance-manager process delete --name ENGINE.",
		Severity: Block,
		Waivable: false,
		Needs: []cluster.Kind{
			cluster.InstanceManagers, cluster.Engines, cluster.Replicas, cluster.Volumes, cluster.Orphans, cluster.VMIs, cluster.Migrations,
		},
		AsksKnown: []cluster.Kind{cluster.VMIs, cluster.Migrations},
		Sources: []string{
			"harvester/harvester#7366", "harvester/harvester#8977", "harvester/harvester#7679", "longhorn/longhorn#11605", "longhorn/longhorn#6552",
			"longhorn/longhorn-manager controller canDeleteInstanceManagerPDB, areAllInstanceRemovedFromNodeByType",
		},
		Run: runOrphanedEngines,
	}
}

func runOrphanedEngines(p *Pass) error {
	orphans := recordedOrphans(p)
	for _, manager := range p.InstanceManagers() {
		state := cluster.Text(manager.Status.CurrentState)
		if state != lhv1.InstanceManagerStateRunning {
			reportUnreadManager(p, manager, state)
			continue
		}
		if p.ListsOnlyItsOwn(manager) {
			continue
		}
		for name, process := range manager.Status.InstanceEngines.All() {
			judgeEngineProcess(p, manager, name, process, orphans)
		}
		for name, process := range manager.Status.Instances.All() {
			if isEngineProcess(manager, process) {
				judgeEngineProcess(p, manager, name, process, orphans)
			} else {
				judgeReplicaProcess(p, manager, name)
			}
		}
		for name := range manager.Status.InstanceReplicas.All() {
			judgeReplicaProcess(p, manager, name)
		}
	}
	reportOrphans(p, orphans)
	return nil
}

// reportUnreadManager says that an instance manager's lists are stale. One that is known to be down and lists nothing has no
// process either.
func reportUnreadManager(p *Pass, manager *cluster.InstanceManager, state lhv1.InstanceManagerState) {
	processes := len(manager.Status.InstanceEngines) + len(manager.Status.Instances)
	switch state {
	case lhv1.InstanceManagerStateStopped, lhv1.InstanceManagerStateStarting, lhv1.InstanceManagerStateError:
		if processes > 0 {
			p.Unknownf(manager, "it is in state %s, so what it lists (%d %s) is out of date", state, processes, counted(processes, "process", "processes"))
		}
	case "":
		p.Unknownf(manager, "it reports no state, so what it lists is no evidence")
	default:
		p.Unknownf(manager, "it is in state %q, so what it lists is no evidence", state)
	}
}

// isEngineProcess tells an engine from a replica in the list that Longhorn up to 1.4 kept both in.
func isEngineProcess(manager *cluster.InstanceManager, process cluster.InstanceProcess) bool {
	if process.Status.Type == lhv1.InstanceTypeNone {
		return manager.Spec.Type != lhv1.InstanceManagerTypeReplica
	}
	return process.Status.Type == lhv1.InstanceTypeEngine
}

func judgeEngineProcess(p *Pass, manager *cluster.InstanceManager, name string, listed cluster.InstanceProcess, orphans map[process]*recordedOrphan) {
	engine := p.Engine(name)
	because, moving := "no longer exists", true
	if engine != nil {
		if isToRunIn(p, manager, engine.Spec.VolumeName, engine.Labels, &engine.Spec.InstanceSpec, &engine.Status.InstanceStatus) {
			return
		}
		because, moving = misplaced(&engine.Spec.InstanceSpec, &engine.Status.InstanceStatus, manager)
		moving = moving || engine.DeletionTimestamp != nil || isPassing(listed.Status.State)
	}
	orphan := orphans[process{manager.Name, name}]
	if because == "" || orphan == nil && mayMigrate(p, manager, engine, name, because) {
		return
	}
	f := Finding{
		Object: ObjectOf(manager), Rule: "engine/" + name,
		Message: fmt.Sprintf("instance manager %s on %s lists engine %s%s, which %s", manager.Name, manager.Spec.NodeID, name, ofEnginesVM(p, name), because),
		Remedy: fmt.Sprintf(checkVolumes+"then delete the process: "+
			"kubectl -n longhorn-system exec %s -- instance-manager process delete --name %s.", manager.Name, name),
	}
	if orphan != nil {
		orphan.listed = true
		f.Since = orphan.CreationTimestamp.Time
		f.Message += fmt.Sprintf("; Longhorn has recorded it as orphan %s", orphan.Name)
		f.Remedy = fmt.Sprintf(checkVolumes+"then delete the orphan: kubectl -n longhorn-system delete orphans.longhorn.io %s.", orphan.Name)
	} else if moving {
		f.Transient, f.Settles = true, p.Settings.LostEngineAge
		f.Remedy = fmt.Sprintf("wait %s, in which Longhorn brings its lists up to date, and try again. If it stays: %s", spell(p.Settings.LostEngineAge), f.Remedy)
	}
	p.Report(f)
}

// checkVolumes is what to do before anything of an engine is deleted.
const checkVolumes = "check that every volume in use is healthy (kubectl -n longhorn-system get volumes.longhorn.io), "

// ofEnginesVM names the VM of an engine by the engine's name, for the engine may be gone; empty where no VM uses its volume.
func ofEnginesVM(p *Pass, engine string) string {
	at := strings.LastIndex(engine, "-e-")
	if at < 0 {
		return ""
	}
	volume := p.Volume(engine[:at])
	if volume == nil {
		return ""
	}
	if vmis := p.VMIsOf(volume); len(vmis) > 0 {
		return fmt.Sprintf(" (VM %s/%s)", vmis[0].Namespace, vmis[0].Name)
	}
	return ""
}

// isPassing tells whether a listed process is about to come or go, so that the control plane may already say otherwise of it.
func isPassing(state lhv1.InstanceState) bool {
	return state == lhv1.InstanceStateStarting || state == lhv1.InstanceStateStopping || state == lhv1.InstanceStateStopped
}

// isToRunIn tells whether a process of an attached volume is just where the control plane wants it. If it does not run there, it is not
// lost: degraded-volumes or faulted-replicas reports the volume, and nobody may delete the process.
func isToRunIn(p *Pass, manager *cluster.InstanceManager, of string, labels map[string]string, spec *cluster.InstanceSpec, status *cluster.InstanceStatus) bool {
	volume := p.Volume(cluster.VolumeOf(of, labels))
	return volume != nil && volume.Status.State == lhv1.VolumeStateAttached && spec.DesireState == lhv1.InstanceStateRunning &&
		spec.NodeID == manager.Spec.NodeID && status.InstanceManagerName == manager.Name
}

// misplaced says why an engine or replica is not where an instance manager lists it; empty where it is. moving is true
// where it is being started or stopped, so that the lists may differ for seconds (longhorn-manager, isEngineInTransitionState).
func misplaced(spec *cluster.InstanceSpec, status *cluster.InstanceStatus, manager *cluster.InstanceManager) (because string, moving bool) {
	state := cluster.Text(status.CurrentState)
	moving = spec.DesireState != state
	switch {
	case state != lhv1.InstanceStateRunning:
		return fmt.Sprintf("is %s for the control plane", stateOr(state)), moving
	case spec.NodeID != manager.Spec.NodeID:
		return "runs on " + nodeOr(spec.NodeID), moving
	case cluster.Text(status.InstanceManagerName) == "":
		return "runs in no instance manager that the control plane knows", true
	case status.InstanceManagerName != manager.Name:
		return "runs in " + status.InstanceManagerName, moving
	}
	return "", false
}

func isPlaced(spec *cluster.InstanceSpec, status *cluster.InstanceStatus, manager *cluster.InstanceManager) bool {
	because, _ := misplaced(spec, status, manager)
	return because == ""
}

func stateOr(state lhv1.InstanceState) string {
	if state == "" {
		return "in no state"
	}
	return string(state)
}
