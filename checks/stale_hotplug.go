package checks

import (
	"fmt"
	"strings"

	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// staleHotplug finds volumes that are on their way into or out of a guest, or in one without its VM knowing.
func staleHotplug() Check {
	return Check{
		Name:  "stale-hotplug",
		Title: "Volumes are half plugged in, or plugged into a guest without its VM knowing",
		Why: "From Harvester v1.8.0 on KubeVirt no longer carries out pending volume requests and does not look after a VM that has one; " +
			"a guest whose volumes are half attached, or other than its VM's, is not safely migrated: it stays on its node in Pre-draining, or loses the volume on the way.",
		Finds: "VMs with pending requests to add or remove a volume; running VMIs with a hot-plugged volume that their VM does not have; and hot-plugged volumes " +
			"that are not ready.",
		Remedy: "wait two minutes; if it stays, stop and start the VM: virtctl stop NAME -n NAMESPACE && virtctl start NAME -n NAMESPACE; " +
			"a volume that only the guest has must then be added to the VM again.",
		Severity: Block,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.VirtualMachines, cluster.VMIs, cluster.Nodes},
		Sources: []string{
			"harvester/harvester#10243", "harvester/harvester#10588", "harvester/harvester#10889", "kubevirt/kubevirt#13523",
			"harvester/harvester pkg/webhook/resources/upgrade checkStaleHotplugVolumes",
		},
		Elsewhere: Peers{
			Webhook: "from v1.8.0 on, pending requests and volumes that the VM does not have, unless VMs are restored after the upgrade",
		},
		Run: runStaleHotplug,
	}
}

func runStaleHotplug(p *Pass) error {
	if drain.NewFates(p.Snapshot, p.Target()).OnlyNode() {
		return nil // Every VM is shut down, which ends all of it.
	}
	for _, vm := range p.VirtualMachines() {
		if !p.Excluded(vm) {
			reportVolumeRequests(p, vm)
		}
	}
	for _, vmi := range p.VMIs() {
		switch {
		case p.Excluded(vmi) || vmi.DeletionTimestamp != nil:
		case !isKnownPhase(vmi.Status.Phase):
			p.Unknownf(vmi, "its phase is %s", phaseInWords(string(vmi.Status.Phase)))
		case vmi.Status.Phase == kubevirtv1.Running:
			reportHotplug(p, vmi)
		}
	}
	return nil
}

// reportVolumeRequests reports what KubeVirt was asked to plug and has not; it does so within seconds, or never.
func reportVolumeRequests(p *Pass, vm *kubevirtv1.VirtualMachine) {
	if cluster.Text(string(vm.Status.PrintableStatus)) == "" {
		p.Unknownf(vm, "it reports no status")
		return
	}
	var requests []string
	for _, request := range vm.Status.VolumeRequests {
		switch {
		case request.AddVolumeOptions != nil:
			requests = append(requests, "add "+request.AddVolumeOptions.Name)
		case request.RemoveVolumeOptions != nil:
			requests = append(requests, "remove "+request.RemoveVolumeOptions.Name)
		default:
			requests = append(requests, "an empty one")
		}
	}
	if len(requests) == 0 {
		return
	}
	restart := "stop and start it: virtctl stop %[1]s -n %[2]s && virtctl start %[1]s -n %[2]s"
	if p.VMI(vm.Namespace, vm.Name) == nil {
		restart = "start and stop it: virtctl start %[1]s -n %[2]s && virtctl stop %[1]s -n %[2]s"
	}
	p.Report(Finding{
		Object: ObjectOf(vm), Transient: true, Settles: vmAftermath,
		Message: fmt.Sprintf("VM %s/%s has volume requests that KubeVirt has not carried out (%d): %s", vm.Namespace, vm.Name, len(requests), abridge(requests)),
		Remedy:  fmt.Sprintf("wait two minutes and retry; if it stays, "+restart+".", vm.Name, vm.Namespace),
	})
}

// reportHotplug reports the hot-plugged volumes of a running VMI that are not ready or that its VM does not have.
func reportHotplug(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) {
	unready := unreadyHotplugs(p, vmi)
	foreign := foreignHotplugs(p, vmi)
	if len(unready)+len(foreign) == 0 {
		return
	}
	var facts []string
	if len(unready) > 0 {
		facts = append(facts, "has hot-plugged volumes that are not ready: "+abridge(unready))
	}
	if len(foreign) > 0 {
		facts = append(facts, "has hot-plugged volumes that its VM does not have: "+abridge(foreign))
	}
	f := Finding{Object: ObjectOf(vmi), Message: fmt.Sprintf("%s %s", runningVM(vmi), strings.Join(facts, ", and "))}
	restart := fmt.Sprintf("stop and start it: virtctl stop %[1]s -n %[2]s && virtctl start %[1]s -n %[2]s", vmi.Name, vmi.Namespace)
	if len(foreign) > 0 {
		f.Remedy = fmt.Sprintf("unplug it, once the guest does not use it any more: virtctl removevolume %s --volume-name=%s -n %s; or add it to the VM, so that it has it after its next start, and %s.",
			vmi.Name, foreign[0], vmi.Namespace, restart)
	}
	if len(unready) > 0 {
		f.Transient, f.Settles = true, vmAftermath
		f.Remedy = "wait two minutes and retry; if it stays, " + restart + "."
	}
	p.Report(f)
}

// unreadyHotplugs lists the hot-plugged volumes that are being attached or detached, or whose memory dump runs.
func unreadyHotplugs(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) []string {
	var unready []string
	reported := map[string]bool{}
	for _, status := range vmi.Status.VolumeStatus {
		if status.HotplugVolume == nil {
			continue
		}
		reported[status.Name] = true
		switch status.Phase {
		case kubevirtv1.VolumeReady, kubevirtv1.MemoryDumpVolumeCompleted:
		case kubevirtv1.VolumePending, kubevirtv1.VolumeBound, kubevirtv1.HotplugVolumeAttachedToNode, kubevirtv1.HotplugVolumeMounted,
			kubevirtv1.HotplugVolumeDetaching, kubevirtv1.HotplugVolumeUnMounted, kubevirtv1.MemoryDumpVolumeInProgress, kubevirtv1.MemoryDumpVolumeFailed:
			unready = append(unready, fmt.Sprintf("%s (%s)", status.Name, status.Phase))
		default:
			p.Unknownf(vmi, "its hot-plugged volume %s is %s", status.Name, phaseInWords(string(status.Phase)))
		}
	}
	for _, volume := range vmi.Spec.Volumes {
		if isHotpluggable(volume) && !reported[volume.Name] {
			p.Unknownf(vmi, "it does not say whether its hot-plugged volume %s is ready", volume.Name)
		}
	}
	return unready
}

// foreignHotplugs lists the hot-plugged volumes of a VMI that are not in its VM's template. A VMI without a VM has nothing to compare
// with; residual-vmis reports it.
func foreignHotplugs(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) []string {
	var hotplugged []string
	for _, volume := range vmi.Spec.Volumes {
		if isHotpluggable(volume) {
			hotplugged = append(hotplugged, volume.Name)
		}
	}
	vm := p.VirtualMachineOf(vmi)
	if len(hotplugged) == 0 || vm == nil {
		return nil
	}
	if vm.Spec.Template == nil {
		p.Unknownf(vm, "it has no template")
		return nil
	}
	known := map[string]bool{}
	for _, volume := range vm.Spec.Template.Spec.Volumes {
		known[volume.Name] = true
	}
	var foreign []string
	for _, name := range hotplugged {
		if !known[name] {
			foreign = append(foreign, name)
		}
	}
	return foreign
}

func isHotpluggable(volume kubevirtv1.Volume) bool {
	return volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.Hotpluggable || volume.DataVolume != nil && volume.DataVolume.Hotpluggable
}
