package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// podStartup is how long a pod of the platform may take to become ready: the pull of an image, leader election, probes.
	podStartup = 10 * time.Minute
	// stuckTermination is how long after its grace period a pod may still be there: time to unmount its volumes.
	stuckTermination = 10 * time.Minute
	// labelLonghornComponent says what a pod of Longhorn is.
	labelLonghornComponent = "longhorn.io/component"
	// labelNodePlan names, on a pod of the system-upgrade-controller, the plan that it carries out.
	labelNodePlan = "upgrade.cattle.io/plan"
)

// podsUnready finds pods of the platform that do not work, and pods of anybody that do not go away.
func podsUnready() Check {
	return Check{
		Name:  "pods-unready",
		Title: "Pods of the platform are not ready, or pods do not end",
		Why: "Pods that do not become ready now will not with a new image either, and the phase Upgrading System Services waits for them without a limit. A pod " +
			"that does not end keeps its node in Pre-drained: the drain waits for every pod that is being deleted until it is gone.",
		Finds: "Pods of any namespace that are still there 10 minutes after their grace period, except those that a drain passes over; and, as a " +
			"warning, pods in the namespaces of Harvester, Longhorn, Kubernetes and Rancher that are pending or not ready, unless they belong to an add-on that addons-unsettled reports.",
		Beyond: "Why a container cannot be stopped, a mount that hangs for example, is only in the kubelet's log on the node.",
		Remedy: "see what the pod waits for: kubectl -n NAMESPACE describe pod NAME; kubectl -n NAMESPACE logs NAME --all-containers --previous. " +
			"Repair that, or delete the pod so that its owner makes a new one: kubectl -n NAMESPACE delete pod NAME.",
		Severity: Block,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.Pods, cluster.Nodes, cluster.DaemonSets, cluster.VMIs},
		Sources: []string{
			"harvester/harvester#4402", "harvester/harvester#4484", "harvester/harvester#4846", "harvester/harvester#4599", "harvester/harvester#3839",
			"harvester/harvester#4537", "kubernetes/kubectl pkg/drain deleteOrEvictPods",
		},
		Elsewhere: Peers{
			Script: "pods of any namespace that are not ready",
		},
		Run: runPodsUnready,
	}
}

func runPodsUnready(p *Pass) error {
	unready, unsettled := unreadyNodes(p), unsettledAddons(p)
	for _, pod := range p.Pods() {
		switch {
		case pod.DeletionTimestamp == nil && (isRunningWell(pod) || cluster.IsEnded(pod)), unready[pod.Spec.NodeName]:
		case cluster.IsLauncher(pod) && (pod.DeletionTimestamp == nil || p.Excluded(pod) || isOfDeletedVMI(p, pod)):
		case pod.DeletionTimestamp != nil:
			reportStuckTermination(p, pod, addonOf(pod, unsettled))
		case cluster.IsSystemNamespace(pod.Namespace) && !isJudgedElsewhere(pod) && addonOf(pod, unsettled) == nil:
			reportUnreadyPod(p, pod)
		}
	}
	return nil
}

// unsettledAddons are those that addons-unsettled reports. There are none where add-ons could not be read, so that their pods are then
// judged like all others; that is why the check does not count add-ons among what it uses.
func unsettledAddons(p *Pass) []*cluster.Addon {
	var unsettled []*cluster.Addon
	for _, addon := range p.Addons() {
		if isReportedUnsettled(addon) {
			unsettled = append(unsettled, addon)
		}
	}
	return unsettled
}

// addonOf returns the unsettled add-on that a pod belongs to by its name, which holds that of the Helm release; nil where there is none.
func addonOf(pod *corev1.Pod, unsettled []*cluster.Addon) *cluster.Addon {
	for _, addon := range unsettled {
		if addon.Namespace == pod.Namespace && strings.Contains(pod.Name, addon.Name) {
			return addon
		}
	}
	return nil
}

func isRunningWell(pod *corev1.Pod) bool {
	ready := cluster.PodCondition(pod, corev1.PodReady)
	return pod.Status.Phase == corev1.PodRunning && ready != nil && ready.Status == corev1.ConditionTrue
}

// isOfDeletedVMI tells whether a launcher goes because its VMI is being deleted; residual-vmis reports the VMI.
func isOfDeletedVMI(p *Pass, pod *corev1.Pod) bool {
	vmi := p.VMI(pod.Namespace, pod.Annotations[cluster.AnnotationVMIDomain])
	return vmi != nil && vmi.DeletionTimestamp != nil
}

// isJudgedElsewhere tells whether another check says how a pod of the platform is: longhorn-unsettled of Longhorn's managers,
// instance managers and engine images, upgrade-leftovers of what an upgrade made.
func isJudgedElsewhere(pod *corev1.Pod) bool {
	if pod.Namespace == cluster.LonghornNamespace {
		component := pod.Labels[labelLonghornComponent]
		if component == componentInstanceManager || component == "engine-image" || pod.Labels["app"] == managerDaemon {
			return true
		}
	}
	return pod.Labels[cluster.LabelUpgrade] != "" || strings.HasPrefix(pod.Labels[labelNodePlan], upgradePrefix) || strings.HasPrefix(pod.Name, upgradePrefix)
}

// reportStuckTermination finds pods that are deleted and do not go. A deletion timestamp is the end of the grace period, not its
// beginning (k8s.io/apiserver, pkg/registry/rest, BeforeDelete).
func reportStuckTermination(p *Pass, pod *corev1.Pod, addon *cluster.Addon) {
	over := p.Age(pod.DeletionTimestamp.Time)
	if over < stuckTermination || isLeftByDrain(p, pod) {
		return
	}
	f := Finding{Object: ObjectOf(pod), Since: pod.DeletionTimestamp.Time, Message: podInWords(pod) + " is being deleted and still there " + spell(over)}
	if grace := pod.DeletionGracePeriodSeconds; grace != nil && *grace > 0 {
		f.Message += fmt.Sprintf(" after its grace period of %ds", *grace)
	} else {
		f.Message += " after it should have been gone"
	}
	f.Remedy = fmt.Sprintf("see what it waits for: kubectl -n %[1]s describe pod %[2]s; free its volume or restart its node's kubelet. Only if its processes have "+
		"certainly ended: kubectl -n %[1]s delete pod %[2]s --grace-period=0 --force.", pod.Namespace, pod.Name)
	if len(pod.Finalizers) > 0 {
		finalizers := strings.Join(slices.Sorted(slices.Values(pod.Finalizers)), ", ")
		f.Message += ", held by the finalizer " + finalizers
		f.Remedy = fmt.Sprintf("see why the controller that set the finalizer %[3]s does not remove it, and restart that controller; kubectl -n %[1]s describe pod %[2]s.",
			pod.Namespace, pod.Name, finalizers)
	}
	if addon != nil {
		f.Message += fmt.Sprintf("; its add-on %s is not settled either (see addons-unsettled)", addon.Name)
	}
	if !isDrained(p, pod) {
		f.Severity = Warn // No drain waits for it.
	}
	p.Report(f)
}

func reportUnreadyPod(p *Pass, pod *corev1.Pod) {
	ready := cluster.PodCondition(pod, corev1.PodReady)
	f := Finding{Object: ObjectOf(pod), Severity: Warn, Since: pod.CreationTimestamp.Time, Settles: podStartup}
	switch phase := cluster.Text(pod.Status.Phase); {
	case phase != corev1.PodRunning && phase != corev1.PodPending && phase != corev1.PodUnknown:
		p.Unknownf(pod, "its phase is %q", phase)
		return
	case phase != corev1.PodRunning:
		f.Message = fmt.Sprintf("%s is %s", podInWords(pod), strings.ToLower(string(phase)))
	case ready == nil:
		p.Unknownf(pod, "it runs but reports no condition Ready")
		return
	case ready.Status != corev1.ConditionFalse && ready.Status != corev1.ConditionUnknown:
		p.Unknownf(pod, "its condition Ready is %q", ready.Status)
		return
	default:
		f.Message = podInWords(pod) + " is not ready" + inParentheses(ready.Reason)
	}
	if ready != nil && !ready.LastTransitionTime.IsZero() {
		f.Since = ready.LastTransitionTime.Time
	}
	f.Message += lasting(p, f.Since)
	look := fmt.Sprintf("kubectl -n %[1]s describe pod %[2]s; kubectl -n %[1]s logs %[2]s --all-containers", pod.Namespace, pod.Name)
	f.Transient = f.Since.IsZero() || p.Age(f.Since) < podStartup
	if f.Transient {
		f.Remedy = fmt.Sprintf("wait %s, in which a pod should be ready, and try again. If it is not: %s.", spell(podStartup), look)
	} else {
		f.Remedy = fmt.Sprintf("see why: %s. Repair that, or let its owner make a new one: kubectl -n %s delete pod %s.", look, pod.Namespace, pod.Name)
	}
	p.Report(f)
}

// podInWords names a pod and its node.
func podInWords(pod *corev1.Pod) string {
	if pod.Spec.NodeName == "" {
		return fmt.Sprintf("pod %s/%s", pod.Namespace, pod.Name)
	}
	return fmt.Sprintf("pod %s/%s on %s", pod.Namespace, pod.Name, pod.Spec.NodeName)
}
