package drain

import (
	"fmt"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// maxDisruptedPods is how many evictions the disruption controller may be behind (MaxDisruptedPodSize in Kubernetes' eviction.go).
const maxDisruptedPods = 2000

// Budgets is what the PodDisruptionBudgets of a cluster allow, while pods come and go. It begins with the status of each as the
// disruption controller wrote it and then counts as that controller does.
type Budgets struct {
	index  BudgetIndex
	states map[*policyv1.PodDisruptionBudget]*budgetState
	// evicted are the pods that are away; the value tells whether a replacement that is not ready is there.
	evicted map[types.NamespacedName]bool
}

// budgetState is a budget's status by now.
type budgetState struct {
	allowed, healthy, expected int32
	// selected is how many pods it selects in the Snapshot.
	selected int
	// deleted is true for a budget that Longhorn has taken away.
	deleted bool
}

// Refusal is why the API server evicts a pod not.
type Refusal struct {
	// Budget is the budget that refuses.
	Budget *policyv1.PodDisruptionBudget
	// Others are the other budgets that select the pod, by name; empty unless Code is 500.
	Others []*policyv1.PodDisruptionBudget
	// Code is the HTTP status: 429, which the drain tries again every five seconds; 500 or 403, at which the drain fails.
	Code int
	// Because goes on from the pod or budget: "allows no disruption, with 1 of 2 pods healthy and 1 needed".
	Because string
	// Evidence is what it rests on, field by field.
	Evidence []string
	// Passing is true where the disruption controller itself ends it within seconds: its status lags behind.
	Passing bool
}

// NewBudgets begins with the status that each budget reports.
func NewBudgets(budgets []*policyv1.PodDisruptionBudget, pods []*corev1.Pod) *Budgets {
	b := &Budgets{
		index:   IndexBudgets(budgets),
		states:  make(map[*policyv1.PodDisruptionBudget]*budgetState, len(budgets)),
		evicted: map[types.NamespacedName]bool{},
	}
	for _, budget := range budgets {
		b.states[budget] = &budgetState{
			allowed: budget.Status.DisruptionsAllowed, healthy: budget.Status.CurrentHealthy, expected: budget.Status.ExpectedPods,
		}
	}
	for _, pod := range pods {
		for _, budget := range b.index.Of(pod) {
			b.states[budget].selected++
		}
	}
	return b
}

// Of returns the budgets that select a pod now, by name.
func (b *Budgets) Of(pod *corev1.Pod) []*policyv1.PodDisruptionBudget {
	var left []*policyv1.PodDisruptionBudget
	for _, budget := range b.index.Of(pod) {
		if !b.states[budget].deleted {
			left = append(left, budget)
		}
	}
	return left
}

// SetDeleted says whether a budget is gone: Longhorn deletes that of an instance manager it lets go, and makes it again when the node
// is back. A budget that was not there before is not made.
func (b *Budgets) SetDeleted(budget *policyv1.PodDisruptionBudget, deleted bool) {
	if state := b.states[budget]; state != nil {
		state.deleted = deleted
	}
}

// Evict asks the API server to evict a pod, and charges the budget that allows it; nil where it does. The rule is that of
// EvictionREST.Create in kubernetes/kubernetes, pkg/registry/core/pod/storage/eviction.go:
//
//   - a pod that has ended, has not started or is going is deleted without a look at any budget;
//   - a pod of several budgets is refused, whatever they allow;
//   - a pod that is not ready is deleted where its budget says AlwaysAllow, or has as many healthy pods as it needs and needs any;
//   - otherwise the budget must be observed and allow a disruption.
//
// Webhooks are asked before: see Intercepted and DeadInterceptors.
func (b *Budgets) Evict(pod *corev1.Pod) *Refusal {
	budgets := b.Of(pod)
	if ignoresBudgets(pod) || len(budgets) == 0 {
		b.remove(pod, budgets)
		return nil
	}
	if len(budgets) > 1 {
		return severalBudgets(budgets)
	}
	budget := budgets[0]
	if !isReady(pod) && b.allowsUnready(budget) {
		b.remove(pod, budgets)
		return nil
	}
	if refusal := b.refuse(budget); refusal != nil {
		return refusal
	}
	if isReady(pod) {
		b.states[budget].allowed-- // For one that is not ready the disruption controller takes the charge back at once.
	}
	b.remove(pod, budgets)
	return nil
}

// Replaced says that an evicted pod's replacement is there: ready, so that the budget recovers, or not, because it finds no place. It
// may be called again when the latter changes. For a pod that was not evicted, or that nothing replaces, it does nothing.
// The budget is counted as the disruption controller does (kubernetes/kubernetes, pkg/controller/disruption, updatePdbStatus).
func (b *Budgets) Replaced(pod *corev1.Pod, ready bool) {
	there, evicted := b.evicted[cluster.NameOf(pod)]
	if !evicted || metav1.GetControllerOfNoCopy(pod) == nil {
		return
	}
	for _, budget := range b.index.Of(pod) {
		state := b.states[budget]
		if !there && countsPods(budget) {
			state.expected++
		}
		if ready {
			state.healthy++
		}
		b.recount(budget)
	}
	b.evicted[cluster.NameOf(pod)] = true
	if ready {
		delete(b.evicted, cluster.NameOf(pod))
	}
}

// remove counts a pod out. What does not count as healthy, because it is not ready or going already, leaves no gap. A budget's
// status that the disruption controller has not brought up to date stays as it is.
func (b *Budgets) remove(pod *corev1.Pod, budgets []*policyv1.PodDisruptionBudget) {
	if _, again := b.evicted[cluster.NameOf(pod)]; again || isReplacedAlready(pod) {
		return
	}
	b.evicted[cluster.NameOf(pod)] = false
	for _, budget := range budgets {
		state := b.states[budget]
		if countsPods(budget) {
			state.expected = max(state.expected-1, 0)
		}
		if isReady(pod) && pod.DeletionTimestamp == nil {
			state.healthy = max(state.healthy-1, 0)
		}
	}
}

// isReplacedAlready tells whether a pod was going before it was evicted, so that its replacement is among the pods: only a
// StatefulSet waits until the old pod is gone.
func isReplacedAlready(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOfNoCopy(pod)
	return pod.DeletionTimestamp != nil && (owner == nil || owner.Kind != "StatefulSet")
}

// recount sets how many disruptions a budget allows as the disruption controller does.
func (b *Budgets) recount(budget *policyv1.PodDisruptionBudget) {
	state := b.states[budget]
	state.allowed = max(state.healthy-budget.Status.DesiredHealthy, 0)
	if state.expected <= 0 {
		state.allowed = 0
	}
}

// countsPods tells whether the disruption controller expects as many pods as there are, and not as many as their controllers ask
// for (getExpectedPodCount).
func countsPods(budget *policyv1.PodDisruptionBudget) bool {
	return budget.Spec.MaxUnavailable == nil && budget.Spec.MinAvailable != nil && budget.Spec.MinAvailable.Type == intstr.Int
}

// ignoresBudgets is canIgnorePDB of Kubernetes' eviction.go.
func ignoresBudgets(pod *corev1.Pod) bool {
	return cluster.IsEnded(pod) || pod.Status.Phase == corev1.PodPending || pod.DeletionTimestamp != nil
}

// isReady tells whether a pod counts as healthy. One that does not report the condition is not ready.
func isReady(pod *corev1.Pod) bool {
	ready := cluster.PodCondition(pod, corev1.PodReady)
	return ready != nil && ready.Status == corev1.ConditionTrue
}

func (b *Budgets) allowsUnready(budget *policyv1.PodDisruptionBudget) bool {
	return evictsUnready(budget, b.states[budget].healthy)
}

// EvictsUnready tells whether a budget lets go a pod that is not ready, by its status in the Snapshot: always where it says so, and
// otherwise where the other pods are enough. The status is not looked at for being up to date, as EvictionREST.Create does not.
func EvictsUnready(budget *policyv1.PodDisruptionBudget) bool {
	return evictsUnready(budget, budget.Status.CurrentHealthy)
}

func evictsUnready(budget *policyv1.PodDisruptionBudget, healthy int32) bool {
	if policy := budget.Spec.UnhealthyPodEvictionPolicy; policy != nil && *policy == policyv1.AlwaysAllow {
		return true
	}
	return budget.Status.DesiredHealthy > 0 && healthy >= budget.Status.DesiredHealthy
}

func severalBudgets(budgets []*policyv1.PodDisruptionBudget) *Refusal {
	names := make([]string, 0, len(budgets))
	evidence := make([]string, 0, len(budgets))
	for _, budget := range budgets {
		names = append(names, budget.Name)
		evidence = append(evidence, fmt.Sprintf("PodDisruptionBudget %s/%s spec.selector", budget.Namespace, budget.Name))
	}
	return &Refusal{
		Budget: budgets[0], Others: budgets[1:], Code: http.StatusInternalServerError, Evidence: evidence,
		Because: fmt.Sprintf("it has %d budgets (%s), and Kubernetes evicts no pod of several", len(budgets), strings.Join(names, ", ")),
	}
}

// refuse is checkAndDecrement of Kubernetes' eviction.go, in its order.
func (b *Budgets) refuse(budget *policyv1.PodDisruptionBudget) *Refusal {
	state, status := b.states[budget], budget.Status
	r := &Refusal{Budget: budget}
	field := "status.disruptionsAllowed"
	switch {
	case status.ObservedGeneration < budget.Generation:
		r.Code, r.Passing, field = http.StatusTooManyRequests, true, "status.observedGeneration"
		r.Because = fmt.Sprintf("has a status of generation %d and is itself of %d", status.ObservedGeneration, budget.Generation)
	case state.allowed < 0:
		r.Code = http.StatusForbidden
		r.Because = fmt.Sprintf("allows %d disruptions, a number that is none", state.allowed)
	case len(status.DisruptedPods) > maxDisruptedPods:
		r.Code, r.Passing, field = http.StatusForbidden, true, "status.disruptedPods"
		r.Because = fmt.Sprintf("waits for %d evicted pods to be gone, more than %d", len(status.DisruptedPods), maxDisruptedPods)
	case state.allowed == 0:
		r.Code = http.StatusTooManyRequests
		r.Because, field = b.whyNone(budget)
	default:
		return nil
	}
	r.Evidence = []string{fmt.Sprintf("PodDisruptionBudget %s/%s %s", budget.Namespace, budget.Name, field)}
	return r
}

// whyNone says why a budget allows no disruption, and which field says so.
func (b *Budgets) whyNone(budget *policyv1.PodDisruptionBudget) (because, field string) {
	state := b.states[budget]
	condition := meta.FindStatusCondition(budget.Status.Conditions, policyv1.DisruptionAllowedCondition)
	switch {
	case condition != nil && condition.Reason == policyv1.SyncFailedReason:
		return fmt.Sprintf("allows no disruption, for Kubernetes cannot count its pods (%s)", condition.Message), "status.conditions"
	case budget.Status.ExpectedPods == 0 && state.selected > 0:
		return fmt.Sprintf("counts no pod, although it selects %d, so that it allows no disruption", state.selected), "status.expectedPods"
	}
	return fmt.Sprintf("allows no disruption, with %d of %d pods healthy and %d needed", state.healthy, state.expected, budget.Status.DesiredHealthy), "status.disruptionsAllowed"
}
