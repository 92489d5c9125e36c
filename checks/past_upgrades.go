package checks

import (
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// upgradePrefix begins the names that Harvester makes up for an Upgrade, and those of nearly everything that belongs to one.
const upgradePrefix = "hvst-upgrade-"

// pastUpgrades tells by their names which upgrades have ended: true for one that has, false for one that has not, and nothing for one whose
// Upgrade or UpgradePlan is gone.
type pastUpgrades map[string]bool

func pastUpgradesOf(p *Pass) pastUpgrades {
	past := pastUpgrades{}
	for _, upgrade := range p.Upgrades() {
		past[upgrade.Name] = isOver(p, upgrade)
	}
	for _, plan := range p.UpgradePlans() {
		if ObjectOf(plan) == p.Request.Object && cluster.Text(plan.Status.CurrentPhase) == "" {
			continue // It is being judged and has not begun.
		}
		other, exists := past[plan.Name]
		past[plan.Name] = isFinalPlan(plan) && (other || !exists)
	}
	return past
}

// isOver tells whether an Upgrade does nothing any more, by its condition even where Harvester still waits for it because of its label.
func isOver(p *Pass, upgrade *cluster.Upgrade) bool {
	if fact, _ := unfinished(p, upgrade); fact == "" {
		return true
	}
	return hasCompleted(upgrade) && cluster.Text(upgrade.Labels[cluster.LabelUpgradeCleanup]) != cleanupPending
}

// anyUnfinished tells whether an upgrade runs, or is being cleaned up after.
func (past pastUpgrades) anyUnfinished() bool {
	for _, ended := range past {
		if !ended {
			return true
		}
	}
	return false
}

// exists tells whether there is still the Upgrade that an object belongs to.
func (past pastUpgrades) exists(object client.Object) bool {
	_, ok := past[upgradeOf(object)]
	return ok
}

// of names the earlier upgrade that an object belongs to, by its label or by its name: "of the ended upgrade hvst-upgrade-x7k2p".
// It is empty for what belongs to none, or to one that has not ended.
func (past pastUpgrades) of(object client.Object) string { return past.describe(upgradeOf(object)) }

// ofLabel is of by the label alone: VMs have the names that people give them.
func (past pastUpgrades) ofLabel(object client.Object) string {
	return past.describe(cluster.Text(object.GetLabels()[cluster.LabelUpgrade]))
}

func (past pastUpgrades) describe(name string) string {
	ended, exists := past[name]
	switch {
	case name == "" || exists && !ended:
		return ""
	case exists:
		return "of the ended upgrade " + name
	}
	return "of the deleted upgrade " + name
}

// upgradeOf returns the name of the upgrade that an object belongs to; empty for what belongs to none.
func upgradeOf(object client.Object) string {
	if name := cluster.Text(object.GetLabels()[cluster.LabelUpgrade]); name != "" {
		return name
	}
	rest, ok := strings.CutPrefix(object.GetName(), upgradePrefix)
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "-")
	return upgradePrefix + id
}
