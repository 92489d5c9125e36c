package checks

import (
	"fmt"
	"strconv"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// highManagerCPU is the share of a node's CPU, in percent, above which the second instance manager that an upgrade starts beside
// the first hardly finds room: together they ask for more than half of the node. Longhorn's default is 12, its maximum 40.
const highManagerCPU = 25

// settingRebuildLimit is how many replicas Longhorn rebuilds on a node at once; with 0 it rebuilds none.
const settingRebuildLimit = "concurrent-replica-rebuild-per-node-limit"

// longhornSettings finds settings of Longhorn with which an upgrade hangs or volumes are lost to their VMs meanwhile.
func longhornSettings() Check {
	return Check{
		Name:  "longhorn-settings",
		Title: "Longhorn's settings make the upgrade hang or volumes unavailable",
		Why: "Longhorn lets a node's instance manager be evicted only as its setting node-drain-policy allows, and the next node is drained only when " +
			"every volume has been rebuilt: with the wrong policy each node stays in Pre-drained for ever, and with rebuilding switched off the second one in " +
			"Pre-draining. The upgrade itself changes the policy, but only where it is Longhorn's default and the chart does not name one.",
		Finds: "A node-drain-policy that waits until a node is empty, that waits for volumes with one good replica, or that waits for nothing; rebuilding " +
			"switched off (concurrent-replica-rebuild-per-node-limit 0); and, as a warning, replicas placed on cordoned nodes, degraded volumes that are not attached, salvage switched off, " +
			"and instance managers that reserve no CPU or more than a quarter of each node.",
		Beyond:   "Settings that are changed while the upgrade runs.",
		Remedy:   "set Longhorn's setting to its usual value: kubectl -n longhorn-system edit settings.longhorn.io NAME.",
		Severity: Block,
		Waivable: true,
		Needs: []cluster.Kind{
			cluster.LonghornSettings, cluster.Nodes, cluster.ManagedCharts, cluster.Volumes, cluster.Replicas,
		},
		Sources: []string{
			"harvester/harvester#6264", "harvester/harvester#6266", "harvester/harvester#6276", "harvester/harvester#3378", "longhorn/longhorn#2238",
			"longhorn/longhorn#5910", "longhorn/longhorn#6978", "longhorn/longhorn#3897", "longhorn/longhorn#4467",
			"longhorn/longhorn-manager canDeleteInstanceManagerPDB, shouldEvictReplica, replenishReplicas, handleNodeCordoned, reconcileVolumeCondition",
			"harvester/harvester package/upgrade/upgrade_manifests.sh patch_longhorn_settings",
		},
		Run: runLonghornSettings,
	}
}

// settingRule is what a check knows of one setting of Longhorn.
type settingRule struct {
	name string
	// since is the first release of Longhorn that has the setting; empty for one that all have.
	since string
	// usual is the value that Harvester's releases come with.
	usual string
	// drains is true where the setting matters only while a node is drained, which the only node of a cluster never is.
	drains bool
	// judge returns what is wrong with a value, without a message where nothing is; ok is false for a value that is not known.
	judge func(p *Pass, value string) (f Finding, ok bool)
}

// longhornSettingRules leaves out, on purpose, replica-replenishment-wait-interval: an upgrade sets it to 1800 seconds whatever it
// was, and back afterwards (harvester/harvester#3671).
func longhornSettingRules() []settingRule {
	return []settingRule{
		{name: settingDrainPolicy, since: "v1.4.0", usual: policyIfStopped, drains: true, judge: judgeDrainPolicy},
		{name: settingRebuildLimit, usual: "5", drains: true, judge: judgeRebuildLimit},
		{name: "disable-scheduling-on-cordoned-node", usual: "true", drains: true,
			judge: warnIfFalse("so that Longhorn rebuilds replicas on the very node that is about to go down")},
		{name: "allow-volume-creation-with-degraded-availability", usual: "true",
			judge: warnIfFalse("so that a volume is attached only when every replica has a place: while a node is down, VMs that stop cannot start again, nor can the upgrade's own volumes")},
		{name: "auto-salvage", usual: "true",
			judge: warnIfFalse("so that a volume that loses all replicas for a moment stays faulted until somebody salvages it by hand")},
		{name: "guaranteed-instance-manager-cpu", since: "v1.5.0", usual: "12", judge: judgeManagerCPU},
	}
}

func runLonghornSettings(p *Pass) error {
	for _, rule := range longhornSettingRules() {
		if rule.drains && isSingleNode(p) {
			continue
		}
		setting := p.LonghornSettingObject(rule.name)
		if setting == nil {
			if rule.since == "" || !before(p.Longhorn(), rule.since) {
				absent := &lhv1.Setting{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.LonghornNamespace, Name: rule.name}}
				p.Unknownf(absent, "it does not exist, although Longhorn writes every setting")
			}
			continue
		}
		value, ok := valueForV1(setting.Value)
		if !ok {
			p.Unknownf(setting, "its value %q has none for the data engine v1", setting.Value)
			continue
		}
		f, ok := rule.judge(p, value)
		switch {
		case !ok:
			p.Unknownf(setting, "its value %q is not known", value)
		case f.Message != "":
			f.Object = ObjectOf(setting)
			f.Message = fmt.Sprintf("Longhorn setting %s is %s, %s", rule.name, value, f.Message)
			if f.Remedy == "" {
				f.Remedy = fmt.Sprintf(`set it to its usual value: kubectl -n %s patch settings.longhorn.io %s --type merge -p '{"value":"%s"}'.`, cluster.LonghornNamespace, rule.name, rule.usual)
			}
			p.Report(f)
		}
	}
	return nil
}

// judgeRebuildLimit finds rebuilding switched off: Longhorn then adds no replica to a volume that has lost one
// (replenishReplicas).
func judgeRebuildLimit(_ *Pass, value string) (Finding, bool) {
	limit, err := strconv.Atoi(value)
	if err != nil || limit < 0 {
		return Finding{}, false
	}
	if limit > 0 {
		return Finding{}, true
	}
	return Finding{Message: "so that no replica is rebuilt: every volume stays degraded after the first node, and the second is never drained"}, true
}

// rebuildsNothing tells whether rebuilding is known to be switched off, so that waiting for a replica never ends.
func rebuildsNothing(p *Pass) bool {
	text, _ := p.LonghornSetting(settingRebuildLimit)
	value, ok := valueForV1(text)
	limit, err := strconv.Atoi(value)
	return ok && err == nil && limit == 0
}

// rebuildFirst puts before a remedy that needs a rebuild what makes one possible, where none is.
func rebuildFirst(p *Pass, remedy string) string {
	if !rebuildsNothing(p) {
		return remedy
	}
	return fmt.Sprintf("first let Longhorn rebuild: see longhorn-settings, for %s is 0; then %s", settingRebuildLimit, remedy)
}

func judgeManagerCPU(_ *Pass, value string) (Finding, bool) {
	percent, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil || !(percent >= 0):
		return Finding{}, false
	case percent == 0:
		return Finding{Severity: Warn, Message: "so that no CPU is reserved for engines and replicas, which fail on a busy node while others are away"}, true
	case percent > highManagerCPU:
		return Finding{Severity: Warn, Message: fmt.Sprintf(
			"and the upgrade starts a second instance manager beside the first: together they request %g%% of each node's CPU, and where that is not free the upgrade waits for ever", 2*percent)}, true
	}
	return Finding{}, true
}

// warnIfFalse judges a setting that should be true; consequence is a clause.
func warnIfFalse(consequence string) func(*Pass, string) (Finding, bool) {
	return func(_ *Pass, value string) (Finding, bool) {
		on, err := strconv.ParseBool(value)
		if err != nil || on {
			return Finding{}, err == nil
		}
		return Finding{Severity: Warn, Message: consequence}, true
	}
}
