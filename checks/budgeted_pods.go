package checks

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// budgetedPods are a budget and the pods that it selects.
type budgetedPods struct {
	*policyv1.PodDisruptionBudget
	// pods are all that it selects and that have not ended.
	pods []*corev1.Pod
	// held are those of them that a drain would evict.
	held []*corev1.Pod
	// shared are those of held that other budgets select as well.
	shared []*corev1.Pod
	// others are the budgets with which it shares them and that come after it by name, so that one of them reports it.
	others map[string]bool
}

// selectPods finds the pods of each budget.
func selectPods(p *Pass, budgets []*policyv1.PodDisruptionBudget) []*budgetedPods {
	index := drain.IndexBudgets(budgets)
	skipped := map[*policyv1.PodDisruptionBudget]bool{}
	for _, unreadable := range index.Unreadable {
		p.Unknownf(unreadable.Budget, "its selector cannot be read: %v", unreadable.Err)
		skipped[unreadable.Budget] = true
	}
	all := make([]*budgetedPods, 0, len(budgets))
	byBudget := make(map[*policyv1.PodDisruptionBudget]*budgetedPods, len(budgets))
	namespaces := map[string]bool{}
	for _, budget := range budgets {
		if skipped[budget] {
			continue
		}
		b := &budgetedPods{PodDisruptionBudget: budget, others: map[string]bool{}}
		all = append(all, b)
		byBudget[budget] = b
		namespaces[budget.Namespace] = true
	}
	for namespace := range namespaces {
		for _, pod := range p.PodsIn(namespace) {
			if !cluster.IsEnded(pod) {
				addPod(p, pod, index.Of(pod), byBudget)
			}
		}
	}
	return all
}

// addPod gives a pod to the budgets that select it, which are sorted by name.
func addPod(p *Pass, pod *corev1.Pod, budgets []*policyv1.PodDisruptionBudget, byBudget map[*policyv1.PodDisruptionBudget]*budgetedPods) {
	if len(budgets) == 0 {
		return
	}
	held := isHeld(p, pod)
	ready := cluster.PodCondition(pod, corev1.PodReady)
	unhealthy := ready != nil && ready.Status != corev1.ConditionTrue
	for _, budget := range budgets {
		b := byBudget[budget]
		b.pods = append(b.pods, pod)
		if held && (!unhealthy || !drain.EvictsUnready(budget)) {
			b.held = append(b.held, pod)
		}
	}
	if !held || len(budgets) < 2 {
		return
	}
	first := byBudget[budgets[0]]
	first.shared = append(first.shared, pod)
	for _, other := range budgets[1:] {
		first.others[other.Name] = true
	}
}

// onlyVMs tells whether all that a budget holds are launchers. A drain finds none of them: VMs leave a node by migration before
// it is drained.
func (b *budgetedPods) onlyVMs() bool {
	noLauncher := func(pod *corev1.Pod) bool { return !cluster.IsLauncher(pod) }
	return len(b.held)+len(b.shared) > 0 && !slices.ContainsFunc(b.held, noLauncher) && !slices.ContainsFunc(b.shared, noLauncher)
}

// podsInWords names the first of some pods, by name, and how many more there are.
func podsInWords(pods []*corev1.Pod) string {
	first := slices.MinFunc(pods, func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	if len(pods) == 1 {
		return podInWords(first)
	}
	return fmt.Sprintf("%s and %d more", podInWords(first), len(pods)-1)
}

func (b *budgetedPods) othersByName() []string {
	names := make([]string, 0, len(b.others))
	for name := range b.others {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// othersInWords names the budgets that select the same pods.
func (b *budgetedPods) othersInWords() string {
	names := b.othersByName()
	if len(names) == 1 {
		return "budget " + names[0]
	}
	return "budgets " + strings.Join(names, ", ")
}
