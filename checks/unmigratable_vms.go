package checks

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

const (
	// settingUpgradeConfig is the setting of Harvester that says whether VMs are started again that the upgrade shut down.
	settingUpgradeConfig = "upgrade-config"
	// vmAftermath is how long a VM that has just been started or stopped may look half done.
	vmAftermath = 2 * time.Minute
)

// unmigratableVMs finds guests that the drain of their node will not get rid of, or only by shutting them down.
func unmigratableVMs() Check {
	return Check{
		Name:  "unmigratable-vms",
		Title: "Virtual machines can be neither moved nor shut down by the upgrade, or will be shut down",
		Why: "Before a node is upgraded, Harvester shuts down the VMs that it takes for immovable and KubeVirt migrates those that it can; a VM that neither " +
			"of them touches is waited for without a time limit, and its node stays in Pre-draining.",
		Finds: "Running VMs that Harvester does not shut down and KubeVirt does not move: not migratable by their condition, without an eviction strategy that " +
			"migrates, or bound to nodes that are not usable; and, as a warning, those that will be shut down, unless Harvester starts them again (a node selector, " +
			"also one left by a failed migration; host devices; a required node affinity; before v1.8.0 a CD-ROM or container disk).",
		Remedy: "stop the VM for the time of the upgrade: virtctl stop NAME -n NAMESPACE. With restoreVM in its setting upgrade-config Harvester starts again, " +
			"after each node, the VMs that it shut down itself.",
		Severity: Block,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.VMIs, cluster.VirtualMachines, cluster.Migrations, cluster.KubeVirts, cluster.Nodes, cluster.HarvesterSettings},
		Sources: []string{
			"harvester/harvester#7005", "harvester/harvester#8147", "harvester/harvester#8212", "harvester/harvester#9326", "harvester/harvester#9739", "harvester/harvester#9849",
			"harvester/harvester pkg/util/virtualmachineinstance GetAllNonLiveMigratableVMINames",
			"kubevirt/kubevirt pkg/virt-controller/watch/drain/evacuation", "harvester/harvester package/upgrade/upgrade_node.sh wait_vms_out_or_shutdown",
		},
		Elsewhere: Peers{
			Webhook: "VMs with a node selector, host devices or a required node affinity that no other node matches, unless VMs are restored after the upgrade; not whether KubeVirt can move a VM",
			Script:  "VMs with a CD-ROM or host devices",
		},
		Run: runUnmigratableVMs,
	}
}

func runUnmigratableVMs(p *Pass) error {
	rules, restored, undecided := newDrainRules(p), restoresVMs(p), false
	for _, vmi := range p.VMIs() {
		if _, upgrades := vmi.Labels[cluster.LabelUpgrade]; upgrades || p.Excluded(vmi) || vmi.DeletionTimestamp != nil {
			continue
		}
		switch vm := p.VirtualMachineOf(vmi); {
		case !isKnownPhase(vmi.Status.Phase):
			p.Unknownf(vmi, "its phase is %s", phaseInWords(string(vmi.Status.Phase)))
		case vmi.Status.Phase == kubevirtv1.Running && vm != nil: // residual-vmis reports a VMI without a VM.
			judgeDrainOf(rules, vmi, vm, restored)
			undecided = undecided || rules.fates.Target == nil && !rules.fates.OnlyNode() && len(drain.FixedMedia(vmi)) > 0
		}
	}
	if undecided {
		p.LeaveOut("the VMs that a target before v1.8.0 shuts down for their CD-ROM or container disk (the target version is not known)")
	}
	return nil
}

func judgeDrainOf(rules drainRules, vmi *kubevirtv1.VirtualMachineInstance, vm *kubevirtv1.VirtualMachine, restored bool) {
	f := rules.fates.Of(vmi, vmi.Status.NodeName)
	switch {
	case f.Unknown != "":
		rules.Unknownf(vmi, "%s", f.Unknown)
	case len(f.Stops) > 0 && isHalted(vm):
		reportUnstoppable(rules.Pass, vmi, f)
	case rules.fates.OnlyNode():
	case len(f.Stops) > 0:
		reportShutDown(rules, vmi, f, restored)
	case len(f.Stays) > 0:
		reportStranded(rules, vmi, f)
	case len(f.Unusable) > 0:
		reportNowhereToGo(rules, vmi, f)
	}
}

// isHalted tells whether a VM is not to run, so that KubeVirt refuses to stop it.
func isHalted(vm *kubevirtv1.VirtualMachine) bool {
	strategy, err := vm.RunStrategy()
	return err == nil && strategy == kubevirtv1.RunStrategyHalted
}

func reportUnstoppable(p *Pass, vmi *kubevirtv1.VirtualMachineInstance, f drain.Fate) {
	p.Report(Finding{
		Object: ObjectOf(vmi), Transient: true, Settles: vmAftermath,
		Message: fmt.Sprintf("%s cannot be moved (%s), nor shut down: it runs although its run strategy is Halted, and KubeVirt refuses to stop it",
			runningVM(vmi), strings.Join(f.Stops, "; ")),
		Remedy: fmt.Sprintf("wait two minutes until it has stopped, and retry; if it stays, kubectl -n %s delete vmi %s.", vmi.Namespace, vmi.Name),
	})
}

// reportShutDown warns of a VM that Harvester shuts down. Where it starts it again this is what the administrator has chosen, but not
// where only the leftovers of a migration are the reason.
func reportShutDown(rules drainRules, vmi *kubevirtv1.VirtualMachineInstance, f drain.Fate, restored bool) {
	foreign := rules.fates.ForeignSelector(vmi)
	if rules.ActiveMigrationOf(vmi) != nil {
		foreign = nil
	}
	if restored && len(foreign) == 0 {
		return
	}
	message := fmt.Sprintf("%s will be shut down when its node is upgraded: %s", runningVM(vmi), strings.Join(f.Stops, "; "))
	remedy := fmt.Sprintf("plan for it, or stop it yourself when it suits: virtctl stop %[1]s -n %[2]s, and after the upgrade virtctl start %[1]s -n %[2]s.", vmi.Name, vmi.Namespace)
	if len(foreign) > 0 {
		message += fmt.Sprintf("; %s %s not in its VM's template, so that a migration left %s behind", abridge(foreign), counted(len(foreign), "is", "are"), counted(len(foreign), "it", "them"))
		remedy = fmt.Sprintf("restart it when it suits, which drops what the migration left: virtctl restart %s -n %s.", vmi.Name, vmi.Namespace)
	}
	rules.Report(Finding{Object: ObjectOf(vmi), Severity: Warn, Message: message, Remedy: remedy})
}

// reportStranded reports a VM that is waited for without end.
func reportStranded(rules drainRules, vmi *kubevirtv1.VirtualMachineInstance, f drain.Fate) {
	stop := fmt.Sprintf("stop it for the time of the upgrade: virtctl stop %s -n %s", vmi.Name, vmi.Namespace)
	finding := Finding{Object: ObjectOf(vmi), Remedy: stop + "."}
	finding.Message = fmt.Sprintf("%s will be neither moved nor shut down: %s", runningVM(vmi), strings.Join(f.Stays, " and "))
	if media := drain.FixedMedia(vmi); len(media) > 0 && rules.fates.Target == nil {
		finding.Message += fmt.Sprintf("; only a target before %s would shut it down, for its %s", drain.ReleaseMovesCDROMs, abridge(media))
	}
	condition := cluster.VMICondition(vmi, kubevirtv1.VirtualMachineInstanceIsMigratable)
	switch {
	case f.Waiting:
		finding.Transient, finding.Settles = true, vmAftermath
		finding.Remedy = "wait two minutes and retry; if it stays, " + stop + "."
	case condition != nil && len(f.Stays) == 1 && vmi.IsMigratable():
		finding.Remedy = fmt.Sprintf("let KubeVirt move it, from its next start on: kubectl -n %[2]s patch vm %[1]s --type merge "+
			`-p '{"spec":{"template":{"spec":{"evictionStrategy":"LiveMigrate"}}}}' && virtctl restart %[1]s -n %[2]s; or %[3]s.`, vmi.Name, vmi.Namespace, stop)
	}
	rules.Report(finding)
}

// reportNowhereToGo reports a VM whose migration would find no node. From v1.7.0 on the failed migration has it shut down, and a
// cordoned node has Harvester's detector do so at once.
func reportNowhereToGo(rules drainRules, vmi *kubevirtv1.VirtualMachineInstance, f drain.Fate) {
	var names, cordoned []string
	for _, node := range f.Unusable {
		names = append(names, node.Name)
		if node.Spec.Unschedulable {
			cordoned = append(cordoned, node.Name)
		}
	}
	finding := Finding{Object: ObjectOf(vmi), Remedy: fmt.Sprintf("make %s ready and schedulable, or stop the VM for the time of the upgrade: virtctl stop %s -n %s.",
		strings.Join(names, " or "), vmi.Name, vmi.Namespace)}
	end := "will be neither moved nor shut down"
	if len(cordoned) == len(names) || !before(rules.fates.Target, drain.ReleaseStopsFailedMoves) {
		finding.Severity, end = Warn, "will be shut down when its node is upgraded"
	}
	finding.Message = fmt.Sprintf("%s %s: its required node affinity leaves it only %s, not ready or cordoned", runningVM(vmi), end, abridge(names))
	if rules.fates.Target == nil && len(cordoned) < len(names) {
		finding.Message += fmt.Sprintf("; a target before %s would wait for it without end", drain.ReleaseStopsFailedMoves)
	}
	rules.Report(finding)
}

// runningVM names a VM and the node that it runs on, as far as it says.
func runningVM(vmi *kubevirtv1.VirtualMachineInstance) string {
	if vmi.Status.NodeName == "" {
		return fmt.Sprintf("VM %s/%s", vmi.Namespace, vmi.Name)
	}
	return fmt.Sprintf("VM %s/%s on %s", vmi.Namespace, vmi.Name, vmi.Status.NodeName)
}

// restoresVMs tells whether Harvester starts the VMs again that it shut down for the upgrade of their node; it does not by default.
func restoresVMs(p *Pass) bool {
	value, _ := p.Setting(settingUpgradeConfig)
	var config struct {
		RestoreVM bool `json:"restoreVM"`
	}
	return json.Unmarshal([]byte(value), &config) == nil && config.RestoreVM
}
