package checks

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// The final states of an Upgrade and of an UpgradePlan. Failed is as final as Succeeded.
const (
	upgradeSucceeded = "Succeeded"
	upgradeFailed    = "Failed"
)

const (
	// upgradeCompleted is the condition of an Upgrade that is Unknown until it has ended, and then True or False.
	upgradeCompleted = "Completed"
	// cleanupPending is the value of the label for an upgrade whose leftovers are still being removed.
	cleanupPending = "Pending"
)

// upgradeInProgress finds other upgrades that have not ended.
func upgradeInProgress() Check {
	return Check{
		Name:  "upgrade-in-progress",
		Title: "Another upgrade has not ended",
		Why: "Two upgrades at once take nodes away from under each other and write the same drain hooks; Harvester's documentation forbids " +
			"running the built-in upgrade beside the upgrade manager's.",
		Finds: "Upgrades that have not ended by their label or by their conditions, upgrades whose leftovers are still being removed, and UpgradePlans of the " +
			"upgrade manager that have not ended.",
		Remedy: "wait until the other upgrade has ended: kubectl get upgrades.harvesterhci.io -A; kubectl get upgradeplans.management.harvesterhci.io. " +
			"Delete it only when it is known to be dead.",
		Severity: Block,
		Needs:    []cluster.Kind{cluster.Upgrades},
		Uses:     []cluster.Kind{cluster.UpgradePlans},
		Sources: []string{
			"harvester/harvester pkg/webhook/resources/upgrade Create", "harvester/harvester#7112", "harvester/harvester#11577",
			"harvester/upgrade-toolkit isTerminalPhase",
		},
		Elsewhere: Peers{
			Webhook: "Upgrades that have not ended, by their labels alone; no UpgradePlan",
		},
		Run: runUpgradeInProgress,
	}
}

func runUpgradeInProgress(p *Pass) error {
	for _, upgrade := range p.Upgrades() {
		if ObjectOf(upgrade) == p.Request.Object {
			continue
		}
		if fact, remedy := unfinished(p, upgrade); fact != "" {
			p.Report(Finding{Object: ObjectOf(upgrade), Remedy: remedy,
				Message: fmt.Sprintf("upgrade %s/%s to %s %s", upgrade.Namespace, upgrade.Name, targetOf(upgrade.Spec), fact)})
		}
	}
	for _, plan := range p.UpgradePlans() {
		if isFinalPlan(plan) || ObjectOf(plan) == p.Request.Object {
			continue
		}
		p.Findf(plan, "upgrade plan %s to %s has not ended, phase %s%s", plan.Name, targetOf(plan.Spec), phaseInWords(plan.Status.CurrentPhase),
			ageOf(p, plan.CreationTimestamp.Time))
	}
	return nil
}

func isFinalPlan(plan *cluster.UpgradePlan) bool {
	phase := cluster.Text(plan.Status.CurrentPhase)
	return phase == upgradeSucceeded || phase == upgradeFailed
}

// hasCompleted tells whether an Upgrade has ended by its condition, well or not.
func hasCompleted(upgrade *cluster.Upgrade) bool {
	completed := cluster.Condition(upgrade.Status.Conditions, upgradeCompleted)
	return completed != nil && (completed.Status == string(corev1.ConditionTrue) || completed.Status == string(corev1.ConditionFalse))
}

// unfinished says why an Upgrade has not ended, and what to do where it is not the usual; both are empty for one that has.
// Harvester goes by the label alone, which a person can set; an Upgrade whose conditions say otherwise is believed over its
// label. One without a label has just been created.
func unfinished(p *Pass, upgrade *cluster.Upgrade) (fact, remedy string) {
	state := cluster.Text(upgrade.Labels[cluster.LabelUpgradeState])
	final := state == upgradeSucceeded || state == upgradeFailed
	completed := cluster.Condition(upgrade.Status.Conditions, upgradeCompleted)
	ended := hasCompleted(upgrade)
	switch {
	case final && !ended && len(upgrade.Status.Conditions) > 0:
		return fmt.Sprintf("is labelled %s, but its condition %s is %s: it has not ended", state, upgradeCompleted, statusInWords(completed)), ""
	case !final && ended:
		return fmt.Sprintf("is over by its condition %s=%s, but its label %s is %q, so that Harvester still waits for it", upgradeCompleted, completed.Status, cluster.LabelUpgradeState, state),
			fmt.Sprintf("make sure that it is over, then kubectl -n %s label upgrades.harvesterhci.io %s %s=%s --overwrite.", upgrade.Namespace, upgrade.Name, cluster.LabelUpgradeState, endState(completed))
	case state == "":
		return "has no state yet, so it has just begun" + ageOf(p, upgrade.CreationTimestamp.Time), ""
	case !final:
		return fmt.Sprintf("has not ended, state %s%s", state, ageOf(p, upgrade.CreationTimestamp.Time)), ""
	case cluster.Text(upgrade.Labels[cluster.LabelUpgradeCleanup]) == cleanupPending:
		return fmt.Sprintf("has ended (%s), but its leftovers are still being removed", state), "wait until the clean-up is done, a few minutes, and retry."
	}
	return "", ""
}

func endState(completed *cluster.StatusCondition) string {
	if completed.Status == string(corev1.ConditionTrue) {
		return upgradeSucceeded
	}
	return upgradeFailed
}

func statusInWords(condition *cluster.StatusCondition) string {
	if condition == nil {
		return "missing"
	}
	return fmt.Sprintf("%q", condition.Status)
}

func targetOf(spec cluster.UpgradeSpec) string {
	if version := cluster.Text(spec.Version); version != "" {
		return version
	}
	if image := cluster.Text(spec.Image); image != "" {
		return "image " + image
	}
	return "no version"
}

func ageOf(p *Pass, created time.Time) string {
	if created.IsZero() {
		return ""
	}
	return fmt.Sprintf(", created %s ago", spell(p.Age(created)))
}
