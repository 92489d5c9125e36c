package checks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Rules of degraded-volumes beside the upgrade's own wait, which has none.
const (
	ruleExpansion    = "expansion"
	ruleReplicaCount = "replica-count"
)

// defaultReplenishment is Longhorn's default of the setting replica-replenishment-wait-interval: for so long it waits for a
// failed replica to come back before it builds another.
const defaultReplenishment = 10 * time.Minute

// reportRedundancy judges one volume by the upgrade's wait, and by what keeps it from getting all its replicas.
func reportRedundancy(p *Pass, wait waitRule, volume *cluster.Volume, all []*cluster.Engine) {
	if because := unreadRobustness(volume, all); because != "" {
		p.Unknownf(volume, "%s", because)
		return
	}
	engines := judgedEngines(all)
	unplaced := cluster.LonghornCondition(volume.Status.Conditions, lhv1.VolumeConditionTypeScheduled)
	if unplaced != nil && unplaced.Status == lhv1.ConditionStatusTrue || !wait.byRobustness() {
		unplaced = nil
	}
	if !isInUse(volume, engines) {
		if unplaced != nil && !hasBrokenReplicas(p, volume) {
			reportUnplaced(p, volume, unplaced, Warn)
		}
		return
	}
	rebuild, inUse := rebuildOf(p, volume, engines)
	short := wait.shortfall(volume, engines, inUse)
	switch {
	case short == "" && !rebuild.found() && unplaced == nil:
		reportProspects(p, wait, volume)
	case hasBrokenReplicas(p, volume):
		// One broken replica is one finding, and faulted-replicas has it.
	case short == "" && !rebuild.found():
		reportUnplaced(p, volume, unplaced, Block)
	case len(all) > 1 && volume.Status.Robustness == lhv1.VolumeRobustnessUnknown:
		// So says a volume between two engines; multi-engine-volumes or in-flight-migrations has it.
	case !rebuild.found() && unplaced == nil && isMoving(volume):
		// What moves and does not arrive stale-attachments has.
	default:
		reportWait(p, wait, volume, short, rebuild, unplaced)
	}
}

// isInUse tells whether the upgrade would look at a volume: it is attached, or has a running engine.
func isInUse(volume *cluster.Volume, engines []*cluster.Engine) bool {
	if volume.Status.State == lhv1.VolumeStateAttached {
		return true
	}
	for _, engine := range engines {
		if engine.Status.CurrentState == lhv1.InstanceStateRunning {
			return true
		}
	}
	return false
}

// reportWait reports what the upgrade would wait for, and whether it ends by itself.
func reportWait(p *Pass, wait waitRule, volume *cluster.Volume, short string, rebuild rebuild, unplaced *lhv1.Condition) {
	f := Finding{Object: ObjectOf(volume), Since: timeOf(volume.Status.LastDegradedAt)}
	if short == "" {
		short = "has the replicas that the upgrade waits for, but not all that are being built"
	}
	parts := []string{describeVolume(p, volume) + " " + short}
	parts = append(parts, rebuild.facts...)
	switch {
	case rebuild.failed:
		f.Remedy = fmt.Sprintf("look for the cause in kubectl -n longhorn-system describe engines.longhorn.io %s; "+
			"Longhorn tries again by itself once it is gone.", rebuild.engine)
		f.Remedy = rebuildFirst(p, f.Remedy)
		if volume.Status.Robustness == lhv1.VolumeRobustnessHealthy && wait.byRobustness() {
			f.Severity = Warn
		}
	case unplaced != nil:
		parts = append(parts, "Longhorn cannot place a replica"+inParentheses(explain(unplaced.Reason, unplaced.Message)))
		f.Remedy = rebuildFirst(p, placeReplicas(volume, wait))
	case rebuild.found():
		f.Transient = true
		f.Remedy = "wait until the rebuild is done, and try again: kubectl -n longhorn-system get volumes.longhorn.io " + volume.Name + " -w."
	case waitsForBackingImage(volume):
		parts = append(parts, "it waits for backing image "+volume.Spec.BackingImage)
		waitForImage(p, volume, &f)
	case wait.byRobustness() && tooFewHomes(p, wait.homes, volume):
		parts = append(parts, fmt.Sprintf("only %d Longhorn %s", wait.homes, counted(wait.homes, "node takes replicas", "nodes take replicas")))
		f.Remedy = rebuildFirst(p, placeReplicas(volume, wait))
	case areMoving(p.EnginesOf(volume.Name)):
		f.Transient, f.Settles = true, p.Settings.LostEngineAge
		f.Remedy = "wait until its engine runs, and try again."
	case !f.Since.IsZero() && p.Age(f.Since) < replenishment(p) && !rebuildsNothing(p):
		f.Transient = true
		parts = append(parts, "no rebuild has begun yet")
		f.Remedy = fmt.Sprintf("wait: Longhorn starts to rebuild it within %s; then try again.", spell(replenishment(p)))
	case volume.Status.Robustness == lhv1.VolumeRobustnessUnknown:
		f.Remedy = fmt.Sprintf("bring back %s and its instance manager: kubectl -n longhorn-system get nodes.longhorn.io,instancemanagers.longhorn.io.",
			nodeOr(volume.Status.CurrentNodeID))
	case rebuildsNothing(p):
		parts = append(parts, fmt.Sprintf("no rebuild is running, for setting %s is 0", settingRebuildLimit))
		f.Remedy = "let Longhorn rebuild: see longhorn-settings; then wait until the volume is healthy: kubectl -n longhorn-system get volumes.longhorn.io " + volume.Name + " -w."
	default:
		parts = append(parts, "no rebuild is running")
		f.Remedy = fmt.Sprintf("see why Longhorn does not rebuild it (no space, a cordoned node): "+
			"kubectl -n longhorn-system describe volumes.longhorn.io %s.", volume.Name)
	}
	f.Message = strings.Join(parts, "; ")
	p.Report(f)
}

// waitForImage says what to do about a volume of which a replica waits for its backing image, which backing-images-unready reports.
func waitForImage(p *Pass, volume *cluster.Volume, f *Finding) {
	f.Remedy = rebuildFirst(p, "do what backing-images-unready says of that image; then wait until the volume is healthy: "+
		"kubectl -n longhorn-system get volumes.longhorn.io "+volume.Name+" -w.")
	since := timeOf(cluster.LonghornCondition(volume.Status.Conditions, lhv1.VolumeConditionTypeWaitForBackingImage).LastTransitionTime)
	if !since.IsZero() && p.Age(since) < backingImageSettles && !rebuildsNothing(p) {
		f.Transient, f.Settles, f.Since = true, backingImageSettles, since
		f.Remedy = "wait until the image is there, and try again. If it stays, " + f.Remedy
	}
}

func waitsForBackingImage(volume *cluster.Volume) bool {
	return isTrue(volume.Status.Conditions, lhv1.VolumeConditionTypeWaitForBackingImage)
}

// rebuild is what the engines of a volume say about replicas that are being built.
type rebuild struct {
	// facts are one phrase for each replica, sorted.
	facts []string
	// failed is true where a rebuild ended in an error.
	failed bool
	// engine is the engine that says so.
	engine string
}

func (r rebuild) found() bool { return len(r.facts) > 0 }

// rebuildOf returns that, and how many replicas the running engine with the fewest uses; less than zero where none runs.
func rebuildOf(p *Pass, volume *cluster.Volume, engines []*cluster.Engine) (r rebuild, inUse int) {
	inUse = -1
	for _, engine := range engines {
		if engine.Status.CurrentState != lhv1.InstanceStateRunning {
			continue
		}
		modes := modesOf(engine)
		r.add(engine, modes)
		if inUse < 0 || modes.readWrite < inUse {
			inUse = modes.readWrite
		}
	}
	if r.found() || volume.Status.Robustness == lhv1.VolumeRobustnessHealthy {
		return r, inUse
	}
	for _, replica := range currentReplicas(p.ReplicasOf(volume.Name)) {
		if isBeingRebuilt(replica) && replica.Status.CurrentState != lhv1.InstanceStateStopped {
			r.facts = append(r.facts, fmt.Sprintf("replica %s%s is being started for a rebuild", replica.Name, onNode(replica)))
		}
	}
	slices.Sort(r.facts)
	return r, inUse
}

func (r *rebuild) add(engine *cluster.Engine, modes replicaModes) {
	if len(engine.Status.RebuildStatus) > 0 {
		r.addProgress(engine)
	}
	if modes.rebuilding > 0 && len(r.facts) == 0 {
		r.facts = append(r.facts, fmt.Sprintf("%d %s not yet read from (WO)", modes.rebuilding, counted(modes.rebuilding, "replica is", "replicas are")))
	}
}

// addProgress adds a phrase for each replica that the engine is rebuilding, or failed to.
func (r *rebuild) addProgress(engine *cluster.Engine) {
	for _, address := range slices.Sorted(maps.Keys(engine.Status.RebuildStatus)) {
		status := engine.Status.RebuildStatus[address]
		switch {
		case status == nil:
		case cluster.Text(status.Error) != "":
			r.failed, r.engine = true, engine.Name
			r.facts = append(r.facts, fmt.Sprintf("the rebuild of %s failed: %s", replicaAt(engine, address), status.Error))
		case status.IsRebuilding:
			r.facts = append(r.facts, fmt.Sprintf("%s is being rebuilt (%d%%)", replicaAt(engine, address), status.Progress))
		}
	}
}

// replicaAt returns the name of the replica at an address, "tcp://10.52.3.9:10010", or the address where no replica has it.
func replicaAt(engine *cluster.Engine, address string) string {
	bare := strings.TrimPrefix(address, "tcp://")
	for name, listed := range engine.Spec.ReplicaAddressMap.All() {
		if strings.TrimPrefix(listed, "tcp://") == bare {
			return name
		}
	}
	return cmp.Or(bare, "a replica")
}

func replenishment(p *Pass) time.Duration {
	text, _ := p.LonghornSetting("replica-replenishment-wait-interval")
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 0 {
		return defaultReplenishment
	}
	return time.Duration(seconds) * time.Second
}
