package checks

import (
	"fmt"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// settingAutoCleanup lets Longhorn purge the snapshot that it made for a rebuild, as soon as the rebuild is done.
const settingAutoCleanup = "auto-cleanup-system-generated-snapshot"

// reportCleanupDuringRebuild finds the beginning of harvester/harvester#7679: a replica is being rebuilt, Longhorn will purge
// the rebuild's snapshot by itself, and its version starts a migration all the same (longhorn/longhorn#10495). There is one
// finding for the cluster, about the setting; the rebuilds themselves belong to degraded-volumes.
func reportCleanupDuringRebuild(p *Pass, rebuilding []*cluster.Volume) {
	if len(rebuilding) == 0 {
		return
	}
	slices.SortFunc(rebuilding, func(a, b *cluster.Volume) int { return strings.Compare(a.Name, b.Name) })
	setting := p.LonghornSettingObject(settingAutoCleanup)
	if setting != nil && cluster.Text(setting.Value) == "false" {
		return
	}
	running, _ := p.LonghornSetting(settingLonghornVersion)
	longhorn := p.Longhorn()
	if longhorn != nil && !purgesUnderMigration(longhorn) {
		return
	}
	if setting == nil || longhorn == nil {
		p.Unknownf(rebuilding[0], "it is being rebuilt, and it is not known whether Longhorn %q purges snapshots by itself meanwhile (longhorn/longhorn#10495)", running)
		return
	}
	names := make([]string, len(rebuilding))
	for i, volume := range rebuilding {
		names[i] = volume.Name
	}
	p.Report(Finding{
		Object: ObjectOf(setting),
		Message: fmt.Sprintf("setting %s is %q while %d %s being rebuilt (%s): Longhorn %s purges snapshots under a migration, which breaks the volume (longhorn/longhorn#10495)",
			setting.Name, setting.Value, len(names), counted(len(names), "volume is", "volumes are"), abridge(names), running),
		Remedy: fmt.Sprintf("wait for the rebuild, and switch it off until the upgrade is done: "+
			`kubectl -n longhorn-system patch settings.longhorn.io %s --type merge -p '{"value":"false"}'.`, settingAutoCleanup),
	})
}

// purgesUnderMigration tells whether a version of Longhorn lets a purge change the chain under a migration: fixed in 1.7.4,
// 1.8.2 and 1.9.0.
func purgesUnderMigration(longhorn *version.Version) bool {
	if atLeast(longhorn, "v1.8.0") {
		return before(longhorn, "v1.8.2")
	}
	return before(longhorn, "v1.7.4")
}

// isRebuilding tells whether a running engine has a replica that is being built.
func isRebuilding(engines []*cluster.Engine) bool {
	for _, engine := range engines {
		if engine.Status.CurrentState != lhv1.InstanceStateRunning {
			continue
		}
		for _, status := range engine.Status.RebuildStatus {
			if status != nil && status.IsRebuilding {
				return true
			}
		}
		if modesOf(engine).rebuilding > 0 {
			return true
		}
	}
	return false
}
