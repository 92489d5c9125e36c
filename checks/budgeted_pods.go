package checks

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// budgetedPods are a budget and the pods that it selects.
type budgetedPods struct {
	*policyv1.PodDisruptionBudget
	selector labels.Selector
	// pods are all that it selects and that have not ended.
	pods []*corev1.Pod
	// held are those of them that a drain would evict.
	held []*corev1.Pod
	// shared are those of held that other budgets select as well.
	shared []*corev1.Pod
	// others are the budgets with which it shares them and that come after it by name, so that one of them reports it.
	others map[string]bool
}

// label is one of the labels that a budget's selector demands.
type label struct{ key, value string }

// selectPods finds the pods of each budget. A budget is only tried on pods that have the rarest of the labels that it demands, so
// that thousands of budgets that name one pod each cost no more than one look at each pod.
func selectPods(p *Pass, budgets []*policyv1.PodDisruptionBudget) []*budgetedPods {
	namespaces := map[string][]*budgetedPods{}
	var all []*budgetedPods
	for _, budget := range budgets {
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err != nil {
			p.Unknownf(budget, "its selector cannot be read: %v", err)
			continue
		}
		b := &budgetedPods{PodDisruptionBudget: budget, selector: selector, others: map[string]bool{}}
		all = append(all, b)
		namespaces[budget.Namespace] = append(namespaces[budget.Namespace], b)
	}
	for namespace, budgets := range namespaces {
		slices.SortFunc(budgets, func(a, b *budgetedPods) int { return strings.Compare(a.Name, b.Name) })
		index := indexBudgets(budgets)
		for _, pod := range p.PodsIn(namespace) {
			if !cluster.IsEnded(pod) {
				addPod(p, pod, index.of(pod))
			}
		}
	}
	return all
}

// addPod gives a pod to the budgets that select it, which are sorted by name.
func addPod(p *Pass, pod *corev1.Pod, budgets []*budgetedPods) {
	if len(budgets) == 0 {
		return
	}
	held := isHeld(p, pod)
	ready := cluster.PodCondition(pod, corev1.PodReady)
	unhealthy := ready != nil && ready.Status != corev1.ConditionTrue
	for _, b := range budgets {
		b.pods = append(b.pods, pod)
		if held && (!unhealthy || refusesUnhealthy(b.PodDisruptionBudget)) {
			b.held = append(b.held, pod)
		}
	}
	if !held || len(budgets) < 2 {
		return
	}
	budgets[0].shared = append(budgets[0].shared, pod)
	for _, other := range budgets[1:] {
		budgets[0].others[other.Name] = true
	}
}

// budgetIndex are the budgets of a namespace by a label that their pods must have.
type budgetIndex struct {
	keys    []string
	byLabel map[label][]*budgetedPods
	// rest demand no label: an empty selector, or one by expressions alone.
	rest []*budgetedPods
}

func indexBudgets(budgets []*budgetedPods) budgetIndex {
	demanded := map[label]int{}
	for _, b := range budgets {
		for key, value := range demands(b) {
			demanded[label{key, value}]++
		}
	}
	index := budgetIndex{byLabel: map[label][]*budgetedPods{}}
	keys := map[string]bool{}
	for _, b := range budgets {
		rarest, found := label{}, false
		for key, value := range demands(b) {
			l := label{key, value}
			if !found || demanded[l] < demanded[rarest] || demanded[l] == demanded[rarest] && key < rarest.key {
				rarest, found = l, true
			}
		}
		if !found {
			index.rest = append(index.rest, b)
			continue
		}
		index.byLabel[rarest] = append(index.byLabel[rarest], b)
		if !keys[rarest.key] {
			keys[rarest.key] = true
			index.keys = append(index.keys, rarest.key)
		}
	}
	return index
}

func demands(b *budgetedPods) map[string]string {
	if b.Spec.Selector == nil {
		return nil
	}
	return b.Spec.Selector.MatchLabels
}

// of returns the budgets that select a pod, sorted by name.
func (index budgetIndex) of(pod *corev1.Pod) []*budgetedPods {
	var found []*budgetedPods
	try := func(budgets []*budgetedPods) {
		for _, b := range budgets {
			if b.selector.Matches(labels.Set(pod.Labels)) {
				found = append(found, b)
			}
		}
	}
	for _, key := range index.keys {
		if value, ok := pod.Labels[key]; ok {
			try(index.byLabel[label{key, value}])
		}
	}
	try(index.rest)
	slices.SortFunc(found, func(a, b *budgetedPods) int { return strings.Compare(a.Name, b.Name) })
	return found
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
