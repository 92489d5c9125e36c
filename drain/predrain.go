package drain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// evacuationBudget begins the names of the budgets that the pre-drain job waits for, in any namespace (wait_evacuation_pdb_gone).
const evacuationBudget = "kubevirt-migration-pdb-kubevirt-evacuation-"

// emptyOfVMs simulates how the pre-drain job empties the node: Harvester's detector shuts VMs down, KubeVirt moves others, and the job
// waits until every VMI of the node has succeeded or is gone (wait_vms_out_or_shutdown).
func (m *model) emptyOfVMs() {
	var leaving []*kubevirtv1.VirtualMachineInstance
	for _, vmi := range m.guests[m.here.Name] {
		if m.leaves(vmi) {
			leaving = append(leaving, vmi)
		}
	}
	m.migrate(leaving)
	delete(m.guests, m.here.Name)
	for _, budget := range m.DisruptionBudgets() {
		if strings.HasPrefix(budget.Name, evacuationBudget) {
			m.stop(Stop{State: PreDraining, Confidence: Certain, Object: budget, Check: "in-flight-migrations", Transient: true,
				Because: fmt.Sprintf("the budget %s/%s of an evacuation is still there", budget.Namespace, budget.Name), Evidence: []string{"PodDisruptionBudget metadata.name"}})
		}
	}
	sortByVM(m.plan.Moves, func(v Move) (string, string) { return v.Namespace, v.Name })
	sortByVM(m.plan.ShutDowns, func(v ShutDown) (string, string) { return v.Namespace, v.Name })
}

// leaves tells whether a VMI has to be migrated. One that is not is shut down, or would be waited for without end.
func (m *model) leaves(vmi *kubevirtv1.VirtualMachineInstance) bool {
	who := vmName(vmi)
	hold := func(check, because string, evidence ...string) {
		m.stop(Stop{State: PreDraining, Confidence: Certain, Object: vmi, Check: check, Because: who + " " + because, Evidence: evidence})
	}
	if vmi.Status.Phase != kubevirtv1.Running {
		hold("residual-vmis", fmt.Sprintf("is in phase %q, which the job waits for to end", vmi.Status.Phase), "VirtualMachineInstance status.phase")
		return false
	}
	if migration := m.ActiveMigrationOf(vmi); migration != nil {
		m.stop(Stop{State: PreDraining, Confidence: Likely, Object: vmi, Check: "in-flight-migrations", Transient: true,
			Because: fmt.Sprintf("%s is being migrated by %s, and is not moved again before that ends", who, migration.Name), Evidence: []string{"VirtualMachineInstanceMigration status.phase"}})
		return false
	}
	if paused := cluster.VMICondition(vmi, kubevirtv1.VirtualMachineInstancePaused); paused != nil && paused.Status == corev1.ConditionTrue && paused.Reason != "PausedByUser" {
		m.stop(Stop{State: PreDraining, Confidence: Likely, Object: vmi, Check: "paused-vms", Because: fmt.Sprintf("%s is paused (%s)", who, paused.Reason),
			Evidence: []string{"VirtualMachineInstance status.conditions[Paused]"}})
		return false
	}
	// The fate is that of the VM, wherever it has been moved to by now.
	fate := m.fates.Of(vmi)
	switch {
	case fate.Unknown != "":
		m.cannotTell(who + ": " + fate.Unknown)
	case len(fate.Stops) > 0:
		m.shutDown(vmi, strings.Join(fate.Stops, "; "), Certain, "unmigratable-vms")
	case len(fate.Stays) > 0:
		hold("unmigratable-vms", "is neither moved nor shut down: "+strings.Join(fate.Stays, " and "), "VirtualMachineInstance spec.evictionStrategy, status.conditions[LiveMigratable]")
	default:
		return true
	}
	return false
}

// shutDown stops a VM, if KubeVirt can: one without a VirtualMachine, or that is not to run anyhow, it cannot stop.
func (m *model) shutDown(vmi *kubevirtv1.VirtualMachineInstance, because string, confidence Confidence, check string) {
	vm := m.VirtualMachineOf(vmi)
	halted := false
	if vm != nil {
		strategy, err := vm.RunStrategy()
		halted = err == nil && strategy == kubevirtv1.RunStrategyHalted
	}
	if vm == nil || halted {
		owner := "residual-vmis"
		if halted {
			owner = "unmigratable-vms"
		}
		m.stop(Stop{State: PreDraining, Confidence: Certain, Object: vmi, Check: owner,
			Because: fmt.Sprintf("%s cannot be moved (%s), nor shut down through its VirtualMachine", vmName(vmi), because), Evidence: []string{"VirtualMachine spec.runStrategy"}})
		return
	}
	m.plan.ShutDowns = append(m.plan.ShutDowns, ShutDown{Namespace: vmi.Namespace, Name: vmi.Name, Because: because, Confidence: confidence, Check: check, Object: vmi})
	if pod := m.launcherOf(vmi); pod != nil {
		m.room.Remove(pod)
		m.gone[pod] = true
	}
}

// migrate finds room for all VMs that leave the node at once.
func (m *model) migrate(leaving []*kubevirtv1.VirtualMachineInstance) {
	var targets []*corev1.Pod
	var vmis []*kubevirtv1.VirtualMachineInstance
	for _, vmi := range leaving {
		launcher := m.launcherOf(vmi)
		if launcher == nil {
			m.cannotTell(vmName(vmi) + ": it has no launcher pod on its node, so what it needs elsewhere is not known")
			continue
		}
		targets = append(targets, m.targetOf(vmi, launcher))
		vmis = append(vmis, vmi)
		m.moving += memoryGiB(vmi)
		m.gone[launcher] = true
	}
	if m.blind {
		return
	}
	for i, placed := range m.room.PlaceAll(targets).Pods {
		vmi := vmis[i]
		if placed.Node != "" {
			m.plan.Moves = append(m.plan.Moves, Move{Namespace: vmi.Namespace, Name: vmi.Name, To: placed.Node})
			m.launchers[vmi] = placed.Pod
			m.guests[placed.Node] = append(m.guests[placed.Node], vmi)
			continue
		}
		because := "no other node takes it: " + reasonsInWords(placed.Reasons)
		if !cluster.Before(m.target, ReleaseStopsFailedMoves) {
			m.shutDown(vmi, because, placed.Confidence, "")
			continue
		}
		m.stop(Stop{State: PreDraining, Confidence: placed.Confidence, Object: vmi, Because: vmName(vmi) + " is neither moved nor shut down: " + because,
			Remedy:   fmt.Sprintf("stop VMs for the time of the upgrade, this one first: virtctl stop %s -n %s.", vmi.Name, vmi.Namespace),
			Evidence: []string{"Pod spec of its launcher, Node status.allocatable"}})
	}
}

// targetOf returns the pod for which a VM that leaves the node needs room. Its own node is cordoned, so that the launcher itself will do, unless
// the new one asks for the CPU of the host on which the VM was started.
func (m *model) targetOf(vmi *kubevirtv1.VirtualMachineInstance, launcher *corev1.Pod) *corev1.Pod {
	if m.launchers[vmi] != nil || !isHostModel(vmi) || selectsHostModel(launcher) || !describesCPU(m.here) {
		return launcher
	}
	target := MigrationTarget(vmi, launcher, m.here)
	m.room.Remove(launcher)
	return target
}

// reasonsInWords counts the nodes by what keeps a pod off them, the most frequent first, as kube-scheduler words it.
func reasonsInWords(reasons map[string]Reason) string {
	count := map[string]int{}
	for _, reason := range reasons {
		count[reason.Text]++
	}
	texts := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	for i, text := range texts {
		texts[i] = fmt.Sprintf("%d %s", count[text], text)
	}
	return strings.Join(texts, ", ")
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
