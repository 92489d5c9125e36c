package drain

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// BudgetIndex finds the PodDisruptionBudgets that select a pod. A budget is only tried on pods that have the rarest of the labels
// that it demands, so that thousands of budgets that name one pod each cost no more than one look at each pod.
type BudgetIndex struct {
	// Unreadable are the budgets whose selector Kubernetes cannot read. The eviction API takes them as selecting no pod.
	Unreadable []UnreadableBudget

	namespaces map[string]budgetsOfNamespace
}

// UnreadableBudget is a budget with a selector that is none, and why.
type UnreadableBudget struct {
	Budget *policyv1.PodDisruptionBudget
	Err    error
}

// label is one of the labels that a budget's selector demands.
type label struct{ key, value string }

// compiled is a budget and its selector.
type compiled struct {
	budget   *policyv1.PodDisruptionBudget
	selector labels.Selector
}

// budgetsOfNamespace are the budgets of a namespace by a label that their pods must have.
type budgetsOfNamespace struct {
	keys    []string
	byLabel map[label][]compiled
	// rest demand no label: an empty selector, or one by expressions alone.
	rest []compiled
}

// IndexBudgets compiles the selector of each budget once.
func IndexBudgets(budgets []*policyv1.PodDisruptionBudget) BudgetIndex {
	index := BudgetIndex{namespaces: map[string]budgetsOfNamespace{}}
	namespaces := map[string][]compiled{}
	for _, budget := range budgets {
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err != nil {
			index.Unreadable = append(index.Unreadable, UnreadableBudget{Budget: budget, Err: err})
			continue
		}
		namespaces[budget.Namespace] = append(namespaces[budget.Namespace], compiled{budget: budget, selector: selector})
	}
	for namespace, budgets := range namespaces {
		index.namespaces[namespace] = indexNamespace(budgets)
	}
	return index
}

func indexNamespace(budgets []compiled) budgetsOfNamespace {
	demanded := map[label]int{}
	for _, b := range budgets {
		for key, value := range demands(b.budget) {
			demanded[label{key, value}]++
		}
	}
	index := budgetsOfNamespace{byLabel: map[label][]compiled{}}
	keys := map[string]bool{}
	for _, b := range budgets {
		rarest, found := label{}, false
		for key, value := range demands(b.budget) {
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
		keys[rarest.key] = true
	}
	index.keys = slices.Sorted(maps.Keys(keys))
	return index
}

func demands(budget *policyv1.PodDisruptionBudget) map[string]string {
	if budget.Spec.Selector == nil {
		return nil
	}
	return budget.Spec.Selector.MatchLabels
}

// Of returns the budgets that select a pod, by name. An empty selector selects every pod of its namespace, and a missing one none
// (kubernetes/kubernetes, pkg/registry/core/pod/storage/eviction.go, getPodDisruptionBudgets).
func (index BudgetIndex) Of(pod *corev1.Pod) []*policyv1.PodDisruptionBudget {
	in, ok := index.namespaces[pod.Namespace]
	if !ok {
		return nil
	}
	var found []*policyv1.PodDisruptionBudget
	try := func(budgets []compiled) {
		for _, b := range budgets {
			if b.selector.Matches(labels.Set(pod.Labels)) {
				found = append(found, b.budget)
			}
		}
	}
	for _, key := range in.keys {
		if value, ok := pod.Labels[key]; ok {
			try(in.byLabel[label{key, value}])
		}
	}
	try(in.rest)
	if len(found) > 1 {
		slices.SortFunc(found, func(a, b *policyv1.PodDisruptionBudget) int { return strings.Compare(a.Name, b.Name) })
	}
	return found
}
