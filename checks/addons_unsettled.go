package checks

import (
	"fmt"
	"strings"
	"time"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// addonSettles is how long switching an add-on takes at most when all is well: a Helm job and its images.
const addonSettles = 10 * time.Minute

// The states of an add-on (harvester/harvester, pkg/apis/harvesterhci.io/v1beta1, addon.go). The two that end in Failed are those of
// Harvester v1.1.
const (
	addonDeployed     = "AddonDeploySuccessful"
	addonDisabled     = "AddonDisabled"
	addonEnabling     = "AddonEnabling"
	addonDisabling    = "AddonDisabling"
	addonUpdating     = "AddonUpdating"
	addonDeployFailed = "AddonDeployFailed"
	addonUpdateFailed = "AddonUpdateFailed"
)

// addonsUnsettled finds add-ons that are neither on nor off.
func addonsUnsettled() Check {
	return Check{
		Name:  "addons-unsettled",
		Title: "Add-ons are between states",
		Why: "While it upgrades the system services, the upgrade changes the add-ons' charts and waits for them without a limit: one whose last operation " +
			"has not ended, or has failed, holds it there.",
		Finds: "Add-ons that are switched on but not deployed, switched off but not gone, or still being enabled, disabled or updated; those of an upgrade itself " +
			"are left to upgrade-leftovers.",
		Remedy:   "see what the add-on reports with kubectl describe addons.harvesterhci.io NAME -n NAMESPACE; repair it, or switch it off for the time of the upgrade.",
		Severity: Block,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.Addons},
		Sources: []string{
			"harvester/harvester#4402", "harvester/harvester#4484", "harvester/harvester#4846", "harvester/harvester#4599",
			"harvester/harvester#3839", "harvester/harvester#4537", "harvester/harvester#5337", "harvester/harvester pkg/webhook/resources/upgrade checkAddons",
		},
		Elsewhere: Peers{
			Webhook: "add-ons that are neither deployed nor disabled",
		},
		Run: runAddonsUnsettled,
	}
}

func runAddonsUnsettled(p *Pass) error {
	for _, addon := range p.Addons() {
		if strings.HasPrefix(addon.Name, upgradePrefix) {
			continue
		}
		switch state := cluster.Text(addon.Status.Status); {
		case isSettled(addon):
		case !isReportedUnsettled(addon):
			p.Unknownf(addon, "its state is %q, a word that is not known", state)
		case state == addonEnabling || state == addonDisabling || state == addonUpdating:
			reportMovingAddon(p, addon)
		default:
			p.Report(Finding{Object: ObjectOf(addon), Remedy: addonRemedy(addon),
				Message: fmt.Sprintf("add-on %s/%s is switched %s, but its state is %s%s", addon.Namespace, addon.Name, onOrOff(addon), phaseInWords(state), addonFailure(addon))})
		}
	}
	return nil
}

// isReportedUnsettled tells whether an add-on is a finding here: it is not as its switch says, in a state that is known, and not of an
// upgrade, of which upgrade-leftovers says more.
func isReportedUnsettled(addon *cluster.Addon) bool {
	if isSettled(addon) || strings.HasPrefix(addon.Name, upgradePrefix) {
		return false
	}
	switch cluster.Text(addon.Status.Status) {
	case "", addonEnabling, addonDisabling, addonUpdating, addonDeployed, addonDisabled, addonDeployFailed, addonUpdateFailed:
		return true
	}
	return false
}

// isSettled tells whether an add-on is as its switch says. One that was never switched on has no state at all.
func isSettled(addon *cluster.Addon) bool {
	state := cluster.Text(addon.Status.Status)
	if addon.Spec.Enabled {
		return state == addonDeployed
	}
	return state == "" || state == addonDisabled
}

// reportMovingAddon reports an add-on that is being switched, which takes minutes; one that has failed stays so.
func reportMovingAddon(p *Pass, addon *cluster.Addon) {
	since, failure := conditionSince(addonCondition(addon, "InProgress")), addonFailure(addon)
	f := Finding{Object: ObjectOf(addon), Since: since, Remedy: addonRemedy(addon),
		Message: fmt.Sprintf("add-on %s/%s is switched %s and in state %s%s%s", addon.Namespace, addon.Name, onOrOff(addon), addon.Status.Status, lasting(p, since), failure)}
	if failure == "" && p.Age(since) < addonSettles {
		f.Transient, f.Settles = true, addonSettles
		f.Remedy = fmt.Sprintf("wait until it has settled, a few minutes: kubectl get addons.harvesterhci.io %s -n %s.", addon.Name, addon.Namespace)
	}
	p.Report(f)
}

func addonRemedy(addon *cluster.Addon) string {
	return fmt.Sprintf("see why with kubectl describe addons.harvesterhci.io %[1]s -n %[2]s and kubectl get jobs -n %[2]s; repair it, and see whether old pods of it are still being deleted (kubectl get pods -n %[2]s); or switch it off for the time of "+
		"the upgrade: kubectl patch addons.harvesterhci.io %[1]s -n %[2]s --type merge -p '{\"spec\":{\"enabled\":false}}'.", addon.Name, addon.Namespace)
}

// addonFailure returns what the add-on reports about an operation that failed; empty where none did.
func addonFailure(addon *cluster.Addon) string {
	failed := addonCondition(addon, "Failed")
	if failed == nil || failed.Status != "True" {
		return ""
	}
	return "; its last operation failed" + quoted(failed.Message)
}

// addonCondition returns a condition of an add-on, or nil. Releases differ in whether its type begins with Operation.
func addonCondition(addon *cluster.Addon, conditionType string) *cluster.StatusCondition {
	if condition := cluster.Condition(addon.Status.Conditions, conditionType); condition != nil {
		return condition
	}
	return cluster.Condition(addon.Status.Conditions, "Operation"+conditionType)
}

func onOrOff(addon *cluster.Addon) string {
	if addon.Spec.Enabled {
		return "on"
	}
	return "off"
}
