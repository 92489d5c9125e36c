package checks

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// migrationBudgetPrefix begins the names of the budgets with which KubeVirt before v1.6.0 protected migrations; the migration's
	// name follows.
	migrationBudgetPrefix = "kubevirt-migration-pdb-"
	// evacuationBudgetPrefix begins those that the upgrade waits for, in every namespace.
	evacuationBudgetPrefix = migrationBudgetPrefix + "kubevirt-evacuation-"
	// drainTaint makes KubeVirt evacuate a node; the upgrade sets it on the node that it drains.
	drainTaint = "kubevirt.io/drain"
)

// reportEvacuationBudgets reports disruption budgets of evacuations that are over. The upgrade waits for every one of them on
// every node, whichever namespace it is in, so that no namespace is left out here.
func reportEvacuationBudgets(p *Pass) {
	var active map[types.NamespacedName]bool
	for _, budget := range p.DisruptionBudgets() {
		if !strings.HasPrefix(budget.Name, evacuationBudgetPrefix) {
			continue
		}
		if active == nil {
			active = activeMigrations(p)
		}
		migration := strings.TrimPrefix(budget.Name, migrationBudgetPrefix)
		fact := "is left over: its migration " + migration + " is not running"
		if active[types.NamespacedName{Namespace: budget.Namespace, Name: migration}] {
			if !p.Excluded(budget) {
				continue // The migration is reported, and takes its budget with it.
			}
			fact = "protects the unfinished migration " + migration
		}
		p.Report(Finding{
			Object: ObjectOf(budget), Since: budget.CreationTimestamp.Time, Settles: migrationAftermath,
			Transient: p.Age(budget.CreationTimestamp.Time) < p.Settings.StuckMigrationAge,
			Message:   fmt.Sprintf("budget %s/%s %s, and the upgrade waits on every node until the budget is gone", budget.Namespace, budget.Name, fact),
			Remedy:    fmt.Sprintf("wait two minutes; if it stays and its migration has ended, kubectl -n %s delete pdb %s.", budget.Namespace, budget.Name),
		})
	}
}

func activeMigrations(p *Pass) map[types.NamespacedName]bool {
	active := map[types.NamespacedName]bool{}
	for _, migration := range p.Migrations() {
		if cluster.IsActive(migration) {
			active[cluster.NameOf(migration)] = true
		}
	}
	return active
}

// reportDrainTaints reports nodes that are being evacuated already.
func reportDrainTaints(p *Pass) {
	for _, node := range p.Nodes() {
		for _, taint := range node.Spec.Taints {
			if taint.Key != drainTaint {
				continue
			}
			p.Report(Finding{
				Object: ObjectOf(node),
				Message: fmt.Sprintf("node %s carries the taint %s as if it were being drained, so that VMs leave it and none can move to it",
					node.Name, taintInWords(taint)),
				Remedy: fmt.Sprintf("make sure that nobody is draining the node, then kubectl taint node %s %s-.", node.Name, drainTaint),
			})
			break
		}
	}
}
