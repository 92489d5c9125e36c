package checks

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// residualVMIs finds VMIs that no controller will finish. The upgrade counts every VMI on a node by its label, whatever its phase, but
// for those that have succeeded.
func residualVMIs() Check {
	return Check{
		Name:  "residual-vmis",
		Title: "VMIs remain that are neither running nor gone",
		Why: "Before a node is upgraded, the upgrade counts the VMIs that are labelled with it and waits until none is left; one that has failed, hangs in " +
			"its start or cannot be deleted is counted for ever, and the node stays in Pre-draining.",
		Finds: "VMIs on a node that have been Failed, Unknown, Pending, Scheduling, Scheduled or WaitingForSync for more than ten minutes; VMIs that are being deleted " +
			"for longer than that and than their grace period; and running VMIs without a VirtualMachine, which Harvester cannot shut down (only a warning where " +
			"KubeVirt can move them).",
		Remedy: "see what holds the VMI with kubectl -n NAMESPACE describe vmi NAME; delete it with kubectl -n NAMESPACE delete vmi NAME, and only where its guest " +
			"surely runs no more, its launcher pod with kubectl -n NAMESPACE delete pod POD --grace-period=0 --force.",
		Severity: Block,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.VMIs, cluster.VirtualMachines, cluster.Migrations, cluster.KubeVirts, cluster.Nodes, cluster.Pods},
		Sources: []string{
			"harvester/harvester#4725", "harvester/harvester#4999", "harvester/harvester#6094", "harvester/harvester#6212",
			"harvester/harvester package/upgrade/upgrade_node.sh get_running_vm_count",
		},
		Run: runResidualVMIs,
	}
}

func runResidualVMIs(p *Pass) error {
	rules := newDrainRules(p)
	for _, vmi := range p.VMIs() {
		_, upgrades := vmi.Labels[cluster.LabelUpgrade]
		if upgrades || p.Excluded(vmi) || cluster.Text(vmi.Labels[kubevirtv1.NodeNameLabel]) == "" {
			continue // A VMI without the label is not counted on any node.
		}
		switch phase := vmi.Status.Phase; {
		case vmi.DeletionTimestamp != nil:
			reportEndlessDeletion(p, vmi)
		case !isKnownPhase(phase):
			p.Unknownf(vmi, "its phase is %s", phaseInWords(string(phase)))
		case phase == kubevirtv1.Running:
			reportWithoutVM(rules, vmi)
		case phase != kubevirtv1.Succeeded:
			reportResidual(p, vmi)
		}
	}
	return nil
}

// reportEndlessDeletion reports a VMI that is being deleted for longer than its guest has to shut down. One that has succeeded is
// counted no more, but its launcher pod may still hold up the drain.
func reportEndlessDeletion(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) {
	since := vmi.DeletionTimestamp.Time
	if p.Age(since) <= cluster.PatienceWithDeletion(vmi) {
		return
	}
	f := Finding{Object: ObjectOf(vmi), Since: since, Remedy: removal(p, vmi, "see what holds it")}
	f.Message = fmt.Sprintf("%s, phase %s, has been in deletion for %s and does not go", labelledVMI(vmi), phaseInWords(string(vmi.Status.Phase)), spell(p.Age(since)))
	if vmi.Status.Phase == kubevirtv1.Succeeded {
		f.Severity = Warn
	}
	p.Report(f)
}

// reportResidual reports a VMI that does not run and has not done so for longer than a start or a failure takes.
func reportResidual(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) {
	since := cluster.PhaseBegan(vmi)
	if !since.IsZero() && p.Age(since) <= cluster.PatienceWithVMIs {
		return
	}
	if since.IsZero() && !vmi.CreationTimestamp.IsZero() && p.Age(vmi.CreationTimestamp.Time) <= cluster.PatienceWithVMIs {
		return
	}
	f := Finding{Object: ObjectOf(vmi), Since: since}
	if since.IsZero() {
		f.Transient, f.Settles = true, cluster.PatienceWithVMIs
		f.Message = fmt.Sprintf("%s is %s", labelledVMI(vmi), vmi.Status.Phase)
	} else {
		f.Message = fmt.Sprintf("%s has been %s for %s", labelledVMI(vmi), vmi.Status.Phase, spell(p.Age(since)))
	}
	f.Message += ", and the upgrade waits until it is gone"
	switch vmi.Status.Phase {
	case kubevirtv1.Failed:
		f.Remedy = removal(p, vmi, "see why it failed")
	case kubevirtv1.Unknown:
		f.Remedy = removal(p, vmi, fmt.Sprintf("bring back node %s, on which its guest may still run", vmi.Labels[kubevirtv1.NodeNameLabel]))
	default:
		f.Remedy = fmt.Sprintf("see what it waits for: kubectl -n %[1]s describe vmi %[2]s; or give it up: virtctl stop %[2]s -n %[1]s.", vmi.Namespace, vmi.Name)
	}
	if f.Transient {
		f.Remedy = "wait ten minutes and retry; if it stays, " + f.Remedy
	}
	p.Report(f)
}

// reportWithoutVM reports a running VMI that Harvester cannot shut down, for it stops VMs. Where KubeVirt moves it, the upgrade
// goes on as long as that succeeds.
func reportWithoutVM(rules drainRules, vmi *kubevirtv1.VirtualMachineInstance) {
	if rules.VirtualMachineOf(vmi) != nil {
		return
	}
	f := Finding{Object: ObjectOf(vmi)}
	f.Message = fmt.Sprintf("%s runs without a VirtualMachine, so that Harvester cannot shut it down", labelledVMI(vmi))
	f.Remedy = fmt.Sprintf("end its guest for the time of the upgrade: kubectl -n %s delete vmi %s.", vmi.Namespace, vmi.Name)
	switch fate := rules.fates.Of(vmi, vmi.Status.NodeName); {
	case fate.Unknown != "":
		f.Message += ", and whether KubeVirt can move it is not known: " + fate.Unknown
	case len(fate.Stops)+len(fate.Stays) > 0:
		f.Message += ", and nothing else takes it off its node: " + abridge(append(fate.Stops, fate.Stays...))
	default:
		f.Severity = Warn
		f.Message += " should KubeVirt fail to move it"
	}
	rules.Report(f)
}

// removal says how to get rid of a VMI, after a first look; the launcher pods that are left over are named.
func removal(p *Pass, vmi *kubevirtv1.VirtualMachineInstance, first string) string {
	remedy := fmt.Sprintf("%[1]s: kubectl -n %[2]s describe vmi %[3]s; then kubectl -n %[2]s delete vmi %[3]s --wait=false", first, vmi.Namespace, vmi.Name)
	for _, pod := range p.LauncherPodsOf(vmi) {
		if pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
			remedy += fmt.Sprintf("; if it stays and its guest surely runs no more, kubectl -n %s delete pod %s --grace-period=0 --force", pod.Namespace, pod.Name)
		}
	}
	if p.VirtualMachine(vmi.Namespace, vmi.Name) != nil {
		remedy += fmt.Sprintf("; where it is needed, start its VM again: virtctl start %s -n %s", vmi.Name, vmi.Namespace)
	}
	return remedy + "."
}

func labelledVMI(vmi *kubevirtv1.VirtualMachineInstance) string {
	return fmt.Sprintf("VMI %s/%s on %s", vmi.Namespace, vmi.Name, vmi.Labels[kubevirtv1.NodeNameLabel])
}
