package checks

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Rules of snapshot-anomalies about a volume's chain.
const (
	ruleChainLength = "chain-length"
	ruleChainSize   = "chain-size"
	rulePurge       = "purge"
)

const (
	// defaultSnapshotMaxCount is the limit of a volume that does not set one; none can be higher (longhorn-manager,
	// types.MaxSnapshotNum).
	defaultSnapshotMaxCount = 250
	// defaultSnapshotWarning is how many snapshots Longhorn warns of (longhorn-manager, VolumeSnapshotsWarningThreshold).
	defaultSnapshotWarning = 100
)

// snapshotWarningThreshold returns how many snapshots Longhorn warns of; releases after 1.10 have a setting for it.
func snapshotWarningThreshold(p *Pass) int {
	text, _ := p.LonghornSetting("snapshot-count-warning-threshold")
	threshold, err := strconv.Atoi(text)
	if err != nil || threshold <= 0 {
		return defaultSnapshotWarning
	}
	return threshold
}

// chainsOf judges the snapshot chains of one volume: one, but for a broken migration.
type chainsOf struct {
	pass    *Pass
	volume  *cluster.Volume
	engines []*cluster.Engine
}

// reportLength compares the number of snapshots with the volume's limit. Longhorn lists the volume's head among them
// (longhorn-manager, volume_controller.go), which is none.
func (c chainsOf) reportLength(warnAt int) {
	limit := c.volume.Spec.SnapshotMaxCount
	if limit <= 0 || limit > defaultSnapshotMaxCount {
		limit = defaultSnapshotMaxCount
	}
	// A small limit is meant; the margin takes at most half of it.
	blockAt := max(limit-c.pass.Settings.SnapshotMargin, (limit+1)/2)
	count := 0
	for _, engine := range c.engines {
		if engine.Status.CurrentState == lhv1.InstanceStateRunning && engine.Status.Snapshots == nil && cluster.Text(engine.Status.SnapshotsError) == "" {
			c.pass.Unknownf(c.volume, "its engine %s runs, but does not list its snapshots", engine.Name)
		}
		if len(engine.Status.Snapshots) > count {
			count = max(count, snapshotCount(engine))
		}
	}
	switch {
	case count >= blockAt:
		c.report(ruleChainLength, Block, fmt.Sprintf("has %d snapshots of at most %d: a replica can hardly be rebuilt, for each rebuild makes another", count, limit))
	case count >= warnAt || c.tooMany():
		c.report(ruleChainLength, Warn, fmt.Sprintf("has %d %s, so many that rebuilds and purges are slow", count, counted(count, "snapshot", "snapshots")))
	}
}

// report adds a finding about the volume; the check's remedy names its label.
func (c chainsOf) report(rule string, severity Severity, fact string) {
	c.pass.Report(Finding{
		Object: ObjectOf(c.volume), Rule: rule, Severity: severity,
		Message: describeVolume(c.pass, c.volume) + " " + fact,
		Remedy: "delete snapshots that are no longer needed, in Harvester's UI, and wait until the purge is done: " +
			"kubectl -n longhorn-system get snapshots.longhorn.io -l longhornvolume=" + c.volume.Name + ".",
	})
}

// tooMany tells whether Longhorn itself warns of the volume.
func (c chainsOf) tooMany() bool {
	condition := cluster.LonghornCondition(c.volume.Status.Conditions, lhv1.VolumeConditionTypeTooManySnapshots)
	return condition != nil && condition.Status == lhv1.ConditionStatusTrue
}

// snapshotCount returns the length of an engine's chain. A snapshot that is only marked as removed still takes its place.
func snapshotCount(engine *cluster.Engine) int {
	count := len(engine.Status.Snapshots)
	if _, ok := engine.Status.Snapshots.Get(cluster.VolumeHead); ok {
		count--
	}
	return count
}

// reportSize compares what the snapshots take with the volume's limit, where it has one. The head counts, for the next
// snapshot is made of it; what is marked as removed does not.
func (c chainsOf) reportSize() {
	limit := c.volume.Spec.SnapshotMaxSize
	if limit <= 0 {
		return
	}
	for _, engine := range c.engines {
		var sum int64
		for name, info := range engine.Status.Snapshots.All() {
			if info == nil || info.Removed {
				continue
			}
			size, err := strconv.ParseInt(info.Size, 10, 64)
			if err != nil {
				c.pass.Unknownf(c.volume, "the size %q of its snapshot %s is no number", info.Size, name)
				continue
			}
			sum += size
		}
		if sum >= limit {
			c.report(ruleChainSize, Block, fmt.Sprintf("has snapshots of %s, of at most %s: none can be made for a rebuild", gib(sum), gib(limit)))
			return
		}
	}
}

// reportPurge finds snapshots that are being removed from the replicas, could not be, or cannot be listed.
func (c chainsOf) reportPurge() {
	for _, engine := range c.engines {
		if cluster.Text(engine.Status.SnapshotsError) != "" || len(engine.Status.PurgeStatus) > 0 {
			c.reportPurgeOf(engine)
		}
	}
}

func (c chainsOf) reportPurgeOf(engine *cluster.Engine) {
	var failed, running []string
	if text := cluster.Text(engine.Status.SnapshotsError); text != "" {
		failed = append(failed, "its snapshots cannot be listed: "+text)
	}
	for _, address := range slices.Sorted(maps.Keys(engine.Status.PurgeStatus)) {
		status := engine.Status.PurgeStatus[address]
		switch {
		case status == nil:
		case cluster.Text(status.Error) != "":
			failed = append(failed, fmt.Sprintf("the purge of its snapshots failed on %s: %s", replicaAt(engine, address), status.Error))
		case status.IsPurging:
			running = append(running, fmt.Sprintf("%s (%d%%)", replicaAt(engine, address), status.Progress))
		}
	}
	f := Finding{Object: ObjectOf(c.volume), Rule: rulePurge}
	switch who := describeVolume(c.pass, c.volume); {
	case len(failed) > 0:
		f.Message = fmt.Sprintf("%s: %s", who, strings.Join(failed, "; "))
		f.Remedy = fmt.Sprintf("look for the cause on that replica's disk (mostly no space), then delete any one snapshot of volume %s in Longhorn's UI, "+
			"which purges again.", c.volume.Name)
	case len(running) > 0:
		f.Transient = true
		f.Message = fmt.Sprintf("%s is having its snapshots purged, on %s", who, strings.Join(running, ", "))
		f.Remedy = "wait until the purge is done (minutes), and try again."
	default:
		return
	}
	c.pass.Report(f)
}
