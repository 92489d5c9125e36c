package drain

import (
	"fmt"
	"slices"
	"strings"

	policyv1 "k8s.io/api/policy/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// evacuationBudget begins the names of the budgets that the pre-drain job waits for, in any namespace (wait_evacuation_pdb_gone).
const evacuationBudget = "kubevirt-migration-pdb-kubevirt-evacuation-"

// emptyOfVMs simulates how the pre-drain job empties the node: Harvester's detector shuts VMs down, KubeVirt moves others, and the job
// waits until every VMI of the node has succeeded or is gone (harvester/harvester, upgrade_node.sh, wait_vms_out_or_shutdown).
func (m *model) emptyOfVMs() {
	var leaving []*kubevirtv1.VirtualMachineInstance
	for _, vmi := range m.guests[m.here.Name] {
		if m.leaves(vmi) {
			leaving = append(leaving, vmi)
		}
	}
	delete(m.guests, m.here.Name)
	m.migrate(leaving)
	m.awaitEvacuationBudgets()
	sortByVM(m.plan.Moves, func(v Move) (string, string) { return v.Namespace, v.Name })
	sortByVM(m.plan.ShutDowns, func(v ShutDown) (string, string) { return v.Namespace, v.Name })
}

// leaves tells whether a VMI has to be migrated. One that is not is shut down, goes by itself, or would be waited for without end.
func (m *model) leaves(vmi *kubevirtv1.VirtualMachineInstance) bool {
	switch {
	case vmi.DeletionTimestamp != nil:
		m.awaitDeletedVMI(vmi)
	case vmi.Status.Phase != kubevirtv1.Running:
		m.awaitPhase(vmi)
	case m.isBetweenNodes(vmi) || m.isPausedByError(vmi):
	default:
		return m.isMigrated(vmi)
	}
	return false
}

// isMigrated follows what Harvester's detector and KubeVirt's evacuation controller make of a running VM.
func (m *model) isMigrated(vmi *kubevirtv1.VirtualMachineInstance) bool {
	fate := m.fates.Of(vmi, m.here.Name)
	switch {
	case fate.Unknown != "":
		m.cannotTell(vmi, fate.Unknown)
		return false
	case len(fate.Stops) > 0:
		m.shutDown(vmi, strings.Join(fate.Stops, "; "), Certain, "unmigratable-vms")
		return false
	case len(fate.Stays) > 0:
		s := Stop{State: PreDraining, Confidence: Certain, Object: vmi, Check: "unmigratable-vms", Transient: fate.Waiting,
			Because:  vmName(vmi) + " is neither moved nor shut down: " + strings.Join(fate.Stays, " and "),
			Evidence: []string{"VirtualMachineInstance spec.evictionStrategy, status.conditions[LiveMigratable]"}}
		if fate.Waiting {
			s.Confidence = Likely
		}
		m.stop(s)
		return false
	}
	if tied := m.tiedVolume(vmi); tied != nil {
		m.cannotMove(vmi, *tied)
		return false
	}
	m.noteFailedEvacuation(vmi)
	return true
}

// cannotMove says what becomes of a VM whose migration fails: from v1.7.0 on the pre-drain job shuts it down, before it waits for it
// without end (upgrade_node.sh, check_migrations_phase). The Stop is what it would hang on then.
func (m *model) cannotMove(vmi *kubevirtv1.VirtualMachineInstance, s Stop) {
	if !cluster.Before(m.target, ReleaseStopsFailedMoves) {
		m.shutDown(vmi, s.Because, s.Confidence, s.Check)
		return
	}
	s.State, s.Object = PreDraining, vmi
	s.Because = vmName(vmi) + " is neither moved nor shut down: " + s.Because
	m.stop(s)
}

// shutDown stops a VM, if KubeVirt can: one without a VirtualMachine, or that is not to run anyhow, it cannot stop
// (harvester/harvester, pkg/upgradehelper/vmlivemigratedetector).
func (m *model) shutDown(vmi *kubevirtv1.VirtualMachineInstance, because string, confidence Confidence, check string) {
	vm := m.VirtualMachineOf(vmi)
	halted := false
	if vm != nil {
		strategy, err := vm.RunStrategy()
		halted = err == nil && strategy == kubevirtv1.RunStrategyHalted
	}
	if vm == nil || halted {
		owner, why := "residual-vmis", "it has no VirtualMachine"
		if halted {
			owner, why = "", "its VirtualMachine is halted already"
		}
		m.stop(Stop{State: PreDraining, Confidence: Certain, Object: vmi, Check: owner,
			Because:  fmt.Sprintf("%s is to be shut down (%s), and cannot be: %s", vmName(vmi), because, why),
			Remedy:   fmt.Sprintf("end its guest before the upgrade: kubectl -n %s delete vmi %s.", vmi.Namespace, vmi.Name),
			Evidence: []string{"VirtualMachine spec.runStrategy"}})
		return
	}
	m.plan.ShutDowns = append(m.plan.ShutDowns, ShutDown{Namespace: vmi.Namespace, Name: vmi.Name, Because: because, Confidence: confidence, Check: check, Object: vmi})
	if pod := m.launcherOf(vmi); pod != nil {
		m.leave(pod)
	}
}

// awaitEvacuationBudgets reports the budgets of evacuations that are still there; one whose migration has ended stays.
func (m *model) awaitEvacuationBudgets() {
	var left []*policyv1.PodDisruptionBudget
	for _, budget := range m.DisruptionBudgets() {
		if strings.HasPrefix(budget.Name, evacuationBudget) {
			left = append(left, budget)
		}
	}
	slices.SortFunc(left, func(a, b *policyv1.PodDisruptionBudget) int { return strings.Compare(objectKey(a), objectKey(b)) })
	for _, budget := range left {
		transient := m.migrates(budget)
		confidence := Certain
		if transient {
			confidence = Likely
		}
		m.stop(Stop{State: PreDraining, Confidence: confidence, Object: budget, Check: "in-flight-migrations", Transient: transient,
			Because:  fmt.Sprintf("budget %s/%s of an evacuation is still there, and the upgrade waits until it is gone", budget.Namespace, budget.Name),
			Evidence: []string{"PodDisruptionBudget metadata.name"}})
	}
}

// migrates tells whether the migration is under way that an evacuation's budget was made for.
func (m *model) migrates(budget *policyv1.PodDisruptionBudget) bool {
	name := strings.TrimPrefix(budget.Name, "kubevirt-migration-pdb-")
	for _, migration := range m.Migrations() {
		if migration.Namespace == budget.Namespace && migration.Name == name {
			return cluster.IsActive(migration)
		}
	}
	return false
}

func vmName(vmi *kubevirtv1.VirtualMachineInstance) string {
	return fmt.Sprintf("VM %s/%s", vmi.Namespace, vmi.Name)
}

// objectKey identifies an object among those of a plan.
func objectKey(object client.Object) string {
	if object == nil {
		return ""
	}
	return cluster.GVKOf(object).Kind + "/" + object.GetNamespace() + "/" + object.GetName()
}
