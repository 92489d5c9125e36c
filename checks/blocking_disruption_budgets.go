package checks

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// budgetRecovery is how long a budget may allow nothing while a pod that it counts starts again.
	budgetRecovery = 10 * time.Minute
	// vmiBudgetPrefix begins the names of the budgets with which KubeVirt before v1.6.0 protected every VMI that can migrate.
	vmiBudgetPrefix = "kubevirt-disruption-budget-"
	// labelLonghornNode names, in the selector of Longhorn's budget, the node of the instance manager.
	labelLonghornNode = "longhorn.io/node"
)

// blockingDisruptionBudgets finds budgets for which Kubernetes refuses every eviction, now and later.
func blockingDisruptionBudgets() Check {
	return Check{
		Name:  "blocking-disruption-budgets",
		Title: "Disruption budgets allow no pod to be evicted",
		Why: "The drain evicts the pods of a node and tries again without end where a budget refuses, so that the node stays in Pre-drained for ever. A pod of two " +
			"budgets cannot be evicted at all.",
		Finds: "Budgets that can never allow a disruption of pods on nodes that will be drained (maxUnavailable 0, a minAvailable of all pods, pods that Kubernetes " +
			"cannot count); budgets that allow none now, without a rollout; several budgets for one pod; Longhorn's budgets of another node's or of no instance manager; " +
			"and, as a warning, budgets for VMs alone, which only hold maintenance mode.",
		Remedy: "let the budget allow one disruption for the time of the upgrade: kubectl -n NAMESPACE patch pdb NAME --type merge " +
			"-p '{\"spec\":{\"minAvailable\":null,\"maxUnavailable\":1}}'.",
		Severity: Block,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.DisruptionBudgets, cluster.Pods, cluster.Nodes, cluster.DaemonSets, cluster.Deployments, cluster.InstanceManagers},
		Uses:  []cluster.Kind{cluster.KubeVirts},
		Sources: []string{
			"harvester/harvester#4249", "harvester/harvester#3730", "harvester/harvester#9150", "rancher/rancher#26400",
			"kubernetes/kubernetes pkg/registry/core/pod/storage EvictionREST.Create", "kubernetes/kubernetes pkg/controller/disruption getExpectedPodCount",
		},
		Run: runBlockingDisruptionBudgets,
	}
}

func runBlockingDisruptionBudgets(p *Pass) error {
	if isSingleNode(p) {
		p.Skip("the only node of a cluster is not drained")
		return nil
	}
	for _, budget := range selectPods(p, judgedBudgets(p)) {
		reportBudget(p, budget)
	}
	return nil
}

// judgedBudgets returns the budgets that hold pods of nodes that are drained, without those that go when their VMI or its
// migration does: in-flight-migrations reports what is left of the latter.
func judgedBudgets(p *Pass) []*policyv1.PodDisruptionBudget {
	ofVMIs := kubeVirtProtectsVMIs(p)
	var judged []*policyv1.PodDisruptionBudget
	for _, budget := range p.DisruptionBudgets() {
		owner := metav1.GetControllerOf(budget)
		ofVMI := owner != nil && owner.Kind == kubevirtv1.VirtualMachineInstanceGroupVersionKind.Kind && strings.HasPrefix(budget.Name, vmiBudgetPrefix)
		if ofVMI && ofVMIs || strings.HasPrefix(budget.Name, migrationBudgetPrefix) {
			continue
		}
		judged = append(judged, budget)
	}
	return judged
}

// kubeVirtProtectsVMIs tells whether this KubeVirt keeps a budget for each VMI; so it is where its version is not known.
func kubeVirtProtectsVMIs(p *Pass) bool {
	for _, installed := range p.KubeVirts() {
		if atLeast(semantic(installed.Status.ObservedKubeVirtVersion), "v1.6.0") {
			return false
		}
	}
	return true
}

// reportBudget reports everything that is wrong with one budget.
func reportBudget(p *Pass, b *budgetedPods) {
	f := Finding{Object: ObjectOf(b.PodDisruptionBudget)}
	if b.onlyVMs() {
		if p.Excluded(b.PodDisruptionBudget) {
			return
		}
		f.Severity = Warn
	}
	var facts []string
	misplaced, ofLonghorn := misplacement(p, b)
	switch {
	case misplaced != "":
		facts = append(facts, misplaced)
		f.Remedy = fmt.Sprintf("delete it when all volumes are healthy; Longhorn makes those that it needs again: kubectl -n %s delete pdb %s.", b.Namespace, b.Name)
		if len(b.held) == 0 {
			f.Severity = Warn
		}
	case !ofLonghorn && len(b.held) > 0: // Longhorn itself takes its budget away when the node may be drained.
		if refusal := judgeBudget(p, b); refusal != nil {
			facts = append(facts, fmt.Sprintf("holds %s and %s", podsInWords(b.held), refusal.fact))
			f.Transient, f.Since, f.Settles, f.Remedy = refusal.transient, refusal.since, budgetRecovery, refusal.remedy
		}
	}
	if len(b.shared) > 0 {
		facts = append(facts, fmt.Sprintf("shares %s with %s, and Kubernetes evicts no pod of several budgets", podsInWords(b.shared), b.othersInWords()))
		if misplaced == "" && (f.Remedy == "" || f.Transient) {
			f.Remedy = fmt.Sprintf("leave each pod one budget: change the selector of one, or delete the one that is not needed: kubectl -n %s get pdb %s %s -o yaml.",
				b.Namespace, b.Name, strings.Join(b.othersByName(), " "))
		}
		f.Transient = false
	}
	if len(facts) > 0 {
		f.Message = fmt.Sprintf("budget %s/%s %s", b.Namespace, b.Name, strings.Join(facts, ", and "))
		p.Report(f)
	}
}

// misplacement says what is wrong with the budget of an instance manager, which has its name; ofLonghorn is true for such.
func misplacement(p *Pass, b *budgetedPods) (fact string, ofLonghorn bool) {
	selector := b.Spec.Selector
	if b.Namespace != cluster.LonghornNamespace || selector == nil || selector.MatchLabels[labelLonghornComponent] != componentInstanceManager {
		return "", false
	}
	manager := p.InstanceManager(b.Name)
	if manager == nil {
		return "is that of an instance manager that does not exist", true
	}
	node := selector.MatchLabels[labelLonghornNode]
	if node != "" && node != manager.Spec.NodeID {
		return fmt.Sprintf("protects the instance manager of %s, but its own is on %s", node, nodeOr(manager.Spec.NodeID)), true
	}
	return "", true
}

// refusal is why a budget allows no eviction.
type refusal struct {
	fact      string
	remedy    string
	transient bool
	since     time.Time
}

// judgeBudget says why a budget allows no eviction; nil where it does, or will by itself.
func judgeBudget(p *Pass, b *budgetedPods) *refusal {
	if never := neverAllows(p, b); never != "" {
		return &refusal{fact: "can never allow a disruption, for its " + never, remedy: b.relax()}
	}
	status := b.Status
	condition := meta.FindStatusCondition(status.Conditions, policyv1.DisruptionAllowedCondition)
	failed := condition != nil && condition.Reason == policyv1.SyncFailedReason
	switch {
	case status.DisruptionsAllowed > 0:
		return nil
	case status.ObservedGeneration < b.Generation:
		p.Unknownf(b.PodDisruptionBudget, "its status is of generation %d, and the budget of %d", status.ObservedGeneration, b.Generation)
		return nil
	case status.ExpectedPods == 0 && !failed:
		p.Unknownf(b.PodDisruptionBudget, "its status counts no pod, although it selects %s", podsInWords(b.held))
		return nil
	case !failed && (isRollingOut(p, b.pods) || waitsForNode(p, b.pods)):
		return nil
	}
	look := fmt.Sprintf("kubectl -n %[1]s describe pdb %[2]s; kubectl -n %[1]s get pods -o wide -l '%[3]s'", b.Namespace, b.Name, metav1.FormatLabelSelector(b.Spec.Selector))
	r := &refusal{remedy: fmt.Sprintf("see why its pods are not ready: %s.", look)}
	r.fact = fmt.Sprintf("allows no disruption, with %d of %d pods healthy and %d needed", status.CurrentHealthy, status.ExpectedPods, status.DesiredHealthy)
	if failed {
		r.fact = fmt.Sprintf("allows no disruption, for Kubernetes cannot count its pods (%s)", condition.Message)
		r.remedy = fmt.Sprintf("ask for a number of pods, not for a share: kubectl -n %s edit pdb %s, with a minAvailable below the number of its pods and without maxUnavailable.", b.Namespace, b.Name)
	}
	if condition != nil && condition.Status == metav1.ConditionFalse && !condition.LastTransitionTime.IsZero() {
		r.since = condition.LastTransitionTime.Time
		r.fact += ", for " + spell(p.Age(r.since))
	}
	if r.since.IsZero() || p.Age(r.since) < budgetRecovery {
		r.transient = true
		r.remedy = fmt.Sprintf("wait %s, in which a pod should be ready again, and try again. If it stays: %s.", spell(budgetRecovery), look)
	}
	return r
}

// relax says how a budget that can never allow a disruption allows one.
func (b *budgetedPods) relax() string {
	if b.onlyVMs() {
		return fmt.Sprintf("delete it before a node is put into maintenance mode: kubectl -n %s delete pdb %s; KubeVirt itself moves VMs away before a node is drained.", b.Namespace, b.Name)
	}
	return fmt.Sprintf(`let it allow one disruption for the time of the upgrade: kubectl -n %s patch pdb %s --type merge -p '{"spec":{"minAvailable":null,"maxUnavailable":1}}'.`, b.Namespace, b.Name)
}

// isHeld tells whether a drain would evict a pod and ask the budget. Pods that have ended, are going or have not started are
// removed without (canIgnorePDB in Kubernetes' eviction.go).
func isHeld(p *Pass, pod *corev1.Pod) bool {
	return isDrained(p, pod) && !isLeftByDrain(p, pod) && !cluster.IsEnded(pod) && pod.Status.Phase != corev1.PodPending && pod.DeletionTimestamp == nil
}
