package checks

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// kubevirtRollOut is how long KubeVirt may take to bring itself to another state.
	kubevirtRollOut = 30 * time.Minute
	// virtHandlerApp is the value of KubeVirt's label for the pods that run on every node.
	virtHandlerApp = "virt-handler"
)

// kubevirtUnready finds a KubeVirt that has not come to rest: it refuses migrations, and the upgrade waits for it.
func kubevirtUnready() Check {
	return Check{
		Name:  "kubevirt-unready",
		Title: "KubeVirt is not deployed, not available or not at its version",
		Why: "The upgrade brings KubeVirt to its new release before it drains the first node, and waits until it is Deployed; while KubeVirt is not available it " +
			"migrates nothing, so that system services hang, or the first node in Pre-draining.",
		Finds: "A KubeVirt that is not in phase Deployed, not available, or at another version than its target; and virt-handler pods that do not say which version " +
			"they belong to, or say another, for which KubeVirt then waits.",
		Remedy: "see what KubeVirt waits for: kubectl get kubevirts.kubevirt.io -A -o yaml; kubectl -n harvester-system get pods -l kubevirt.io; " +
			"delete a pod that is stuck, and its controller makes it anew.",
		Severity:  Block,
		Needs:     []cluster.Kind{cluster.KubeVirts, cluster.Pods},
		AsksKnown: []cluster.Kind{cluster.Pods},
		Sources: []string{
			"harvester/harvester#10349", "harvester/harvester#10447",
			"harvester/harvester package/upgrade/upgrade_manifests.sh wait_kubevirt", "kubevirt/kubevirt pkg/virt-operator/util DaemonsetIsReady",
		},
		Run: runKubevirtUnready,
	}
}

func runKubevirtUnready(p *Pass) error {
	if len(p.KubeVirts()) == 0 {
		missing := &kubevirtv1.KubeVirt{}
		missing.Namespace, missing.Name = cluster.HarvesterNamespace, "kubevirt"
		p.Unknownf(missing, "there is no KubeVirt object, so that nothing tells KubeVirt's state")
	}
	for _, kubevirt := range p.KubeVirts() {
		reportKubeVirt(p, kubevirt)
		reportVirtHandlers(p, kubevirt)
	}
	return nil
}

// reportKubeVirt reports what KubeVirt itself says. A roll-out takes minutes; one that has gone on for half an hour is stuck.
func reportKubeVirt(p *Pass, kubevirt *kubevirtv1.KubeVirt) {
	facts := kubevirtFacts(p, kubevirt)
	if len(facts) == 0 {
		return
	}
	since := kubevirtUnsettled(kubevirt)
	leaving := kubevirt.Status.Phase == kubevirtv1.KubeVirtPhaseDeleting || kubevirt.Status.Phase == kubevirtv1.KubeVirtPhaseDeleted
	f := Finding{Object: ObjectOf(kubevirt), Since: since, Transient: !leaving && p.Age(since) < kubevirtRollOut}
	f.Message = fmt.Sprintf("KubeVirt %s/%s %s", kubevirt.Namespace, kubevirt.Name, strings.Join(facts, ", "))
	if age := p.Age(since); age > 0 {
		f.Message += ", for " + spell(age)
	}
	look := fmt.Sprintf("see what it waits for: kubectl -n %[1]s describe kubevirts.kubevirt.io %[2]s; kubectl -n %[1]s get pods -l kubevirt.io", kubevirt.Namespace, kubevirt.Name)
	f.Remedy = look + "; delete a pod that is stuck, and its controller makes it anew."
	if f.Transient {
		f.Remedy = "wait until it is done, some minutes, and retry; if it stays, " + look + "."
	}
	p.Report(f)
}

func kubevirtFacts(p *Pass, kubevirt *kubevirtv1.KubeVirt) []string {
	var facts []string
	switch phase := kubevirt.Status.Phase; phase {
	case kubevirtv1.KubeVirtPhaseDeployed:
	case kubevirtv1.KubeVirtPhaseDeploying, kubevirtv1.KubeVirtPhaseDeleting, kubevirtv1.KubeVirtPhaseDeleted:
		facts = append(facts, fmt.Sprintf("is %s", phase))
	default:
		p.Unknownf(kubevirt, "its phase is %s", phaseInWords(string(phase)))
	}
	switch available := kubevirtCondition(kubevirt, kubevirtv1.KubeVirtConditionAvailable); {
	case available == nil:
		p.Unknownf(kubevirt, "it reports no condition Available")
	case available.Status == corev1.ConditionFalse:
		facts = append(facts, "is not available"+inParentheses(available.Reason))
	case available.Status != corev1.ConditionTrue:
		p.Unknownf(kubevirt, "its condition Available is %q", available.Status)
	}
	switch observed, target := kubevirtVersions(kubevirt); {
	case observed == "" || target == "":
		p.Unknownf(kubevirt, "it does not say which version it is at, or which it is to be at")
	case observed != target:
		facts = append(facts, fmt.Sprintf("is at version %s and goes to %s", observed, target))
	}
	return facts
}

func kubevirtVersions(kubevirt *kubevirtv1.KubeVirt) (observed, target string) {
	return cluster.Text(kubevirt.Status.ObservedKubeVirtVersion), cluster.Text(kubevirt.Status.TargetKubeVirtVersion)
}

// kubevirtUnsettled returns since when KubeVirt is not available or, where it is, since when it works on itself; zero where it does
// not say.
func kubevirtUnsettled(kubevirt *kubevirtv1.KubeVirt) time.Time {
	if c := kubevirtCondition(kubevirt, kubevirtv1.KubeVirtConditionAvailable); c != nil && c.Status == corev1.ConditionFalse {
		return c.LastTransitionTime.Time
	}
	if c := kubevirtCondition(kubevirt, kubevirtv1.KubeVirtConditionProgressing); c != nil && c.Status == corev1.ConditionTrue {
		return c.LastTransitionTime.Time
	}
	return time.Time{}
}

func kubevirtCondition(kubevirt *kubevirtv1.KubeVirt, conditionType kubevirtv1.KubeVirtConditionType) *kubevirtv1.KubeVirtCondition {
	for i := range kubevirt.Status.Conditions {
		if kubevirt.Status.Conditions[i].Type == conditionType {
			return &kubevirt.Status.Conditions[i]
		}
	}
	return nil
}

// reportVirtHandlers reports the pods that KubeVirt does not count as its own: those without the annotation with which it marks its
// version and, while no roll-out is replacing them anyway, those of another version.
func reportVirtHandlers(p *Pass, kubevirt *kubevirtv1.KubeVirt) {
	if !p.Knows(cluster.Pods, kubevirt.Namespace) {
		p.Unknownf(kubevirt, "the pods of its namespace were not collected")
	}
	observed, target := kubevirtVersions(kubevirt)
	for _, pod := range p.PodsIn(kubevirt.Namespace) {
		if pod.Labels[kubevirtv1.AppLabel] != virtHandlerApp || pod.DeletionTimestamp != nil || cluster.IsEnded(pod) {
			continue
		}
		fact := ""
		switch version := cluster.Text(pod.Annotations[cluster.AnnotationInstallStrategy]); {
		case version == "":
			fact = fmt.Sprintf("lacks the annotation %s, without which KubeVirt does not count it as its own", cluster.AnnotationInstallStrategy)
		case target != "" && observed == target && version != target:
			fact = fmt.Sprintf("is of version %s, and KubeVirt is at %s", version, target)
		default:
			continue
		}
		p.Report(Finding{
			Object:  ObjectOf(pod),
			Message: fmt.Sprintf("pod %s/%s on %s %s", pod.Namespace, pod.Name, pod.Spec.NodeName, fact),
			Remedy:  fmt.Sprintf("delete it, and its DaemonSet makes it anew: kubectl -n %s delete pod %s.", pod.Namespace, pod.Name),
		})
	}
}
