package checks

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// flappingIOErrors is how many recent IOerror events tell that a guest is being paused and un-paused again and again;
// harvester/harvester#7679 had 402 of them in nine hours.
const flappingIOErrors = 3

// Reasons of the condition Paused, as virt-handler writes them (kubevirt/kubevirt, pkg/virt-handler, vm.go).
const (
	pausedIOError            = "PausedIOError"
	pausedByUser             = "PausedByUser"
	pausedByMigrationMonitor = "PausedByMigrationMonitor"
)

// pausedVMs finds guests that do not run although their VMI does: they cannot be migrated away from a node.
func pausedVMs() Check {
	return Check{
		Name:  "paused-vms",
		Title: "Virtual machines are paused",
		Why: "A paused guest cannot be live-migrated, so its node stays in Pre-draining for ever, or the guest is killed with it. " +
			"A guest paused on an I/O error has lost its disk.",
		Finds: "VMIs with the condition Paused, told apart by its reason and without those that their own migration pauses for a moment; and VMIs with " +
			"three or more IOerror warnings, by default within 30 minutes, which are paused and un-paused in turn.",
		Beyond: "A pause for any other cause, of which KubeVirt sets no condition.",
		Remedy: "find out why the guest is paused: kubectl -n NAMESPACE describe vmi NAME; " +
			"un-pause it with virtctl unpause vm NAME -n NAMESPACE, or stop it with virtctl stop NAME -n NAMESPACE.",
		Severity: Block,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.VMIs, cluster.Migrations, cluster.IOErrorEvents},
		Sources: []string{
			"harvester/harvester#7679", "harvester/harvester#7773", "harvester/harvester#11208", "harvester/harvester#11585",
			"kubevirt/kubevirt#5393", "kubevirt/kubevirt pkg/virt-handler updatePausedConditions",
		},
		Run: runPausedVMs,
	}
}

func runPausedVMs(p *Pass) error {
	for _, vmi := range p.VMIs() {
		if p.Excluded(vmi) || vmi.IsFinal() {
			continue
		}
		if len(vmi.Status.Conditions) == 0 {
			p.Unknownf(vmi, "it reports no conditions (phase %q)", vmi.Status.Phase)
			continue
		}
		condition := cluster.VMICondition(vmi, kubevirtv1.VirtualMachineInstancePaused)
		switch {
		case condition != nil && condition.Status == corev1.ConditionTrue:
			reportPaused(p, vmi, condition)
		case condition != nil && condition.Status != corev1.ConditionFalse:
			p.Unknownf(vmi, "its condition Paused is %q", condition.Status)
		default:
			reportFlapping(p, vmi)
		}
	}
	return nil
}

func reportPaused(p *Pass, vmi *kubevirtv1.VirtualMachineInstance, condition *kubevirtv1.VirtualMachineInstanceCondition) {
	if condition.Reason == pausedByMigrationMonitor && p.ActiveMigrationOf(vmi) != nil {
		return // The migration itself pauses the guest for its last step; in-flight-migrations reports the migration.
	}
	f := Finding{Object: ObjectOf(vmi), Since: condition.LastTransitionTime.Time}
	f.Message = fmt.Sprintf("%s is paused%s", runningVM(vmi), inParentheses(condition.Reason))
	switch condition.Reason {
	case pausedIOError:
		f.Message += " after an I/O error on its disk"
		f.Remedy = fmt.Sprintf("repair its volume first (free space, replicas, engines), then stop and start it: "+
			"virtctl stop %[1]s -n %[2]s && virtctl start %[1]s -n %[2]s; un-pausing does not bring a stale disk back.", vmi.Name, vmi.Namespace)
	case pausedByUser:
		f.Message += "; it will not be started again after the upgrade"
		f.Remedy = fmt.Sprintf("un-pause it: virtctl unpause vm %[1]s -n %[2]s; or stop it: virtctl stop %[1]s -n %[2]s.", vmi.Name, vmi.Namespace)
	default:
		f.Remedy = fmt.Sprintf("find out why the guest is paused: kubectl -n %[2]s describe vmi %[1]s; un-pause it with virtctl unpause vm %[1]s -n %[2]s, or stop it with virtctl stop %[1]s -n %[2]s.", vmi.Name, vmi.Namespace)
	}
	p.Report(f)
}

// reportFlapping finds guests that virt-handler un-pauses by itself, so that a single look may miss the pause.
func reportFlapping(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) {
	count, last := recentIOErrors(p, vmi)
	if count < flappingIOErrors {
		return
	}
	p.Report(Finding{
		Object:  ObjectOf(vmi),
		Message: fmt.Sprintf("%s had %d I/O errors, the last %s ago, and is paused and un-paused in turn", runningVM(vmi), count, spell(p.Age(last))),
		Remedy: fmt.Sprintf("repair its volume first, then stop and start it: virtctl stop %[1]s -n %[2]s && virtctl start %[1]s -n %[2]s.",
			vmi.Name, vmi.Namespace),
	})
}

// recentIOErrors counts a VMI's warnings within the window and returns the time of the last one.
func recentIOErrors(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) (int, time.Time) {
	count, last := 0, time.Time{}
	for _, event := range p.IOErrorsOf(vmi) {
		at, times := eventTime(event)
		if event.Type != corev1.EventTypeWarning || p.Age(at) > p.Settings.IOErrorWindow {
			continue
		}
		count += times
		if at.After(last) {
			last = at
		}
	}
	return count, last
}

// eventTime returns when an event last happened, and how often, in both forms in which events are written.
func eventTime(event *corev1.Event) (time.Time, int) {
	if event.Series != nil {
		return event.Series.LastObservedTime.Time, int(event.Series.Count)
	}
	at := event.LastTimestamp.Time
	if at.IsZero() {
		at = event.EventTime.Time
	}
	return at, max(int(event.Count), 1)
}
