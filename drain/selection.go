package drain

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// pair is a label with its value.
type pair struct{ key, value string }

// selection says which pods are meant by a term of pod affinity, or by a constraint of topology spread.
type selection struct {
	// key tells selections apart: two with the same key mean the same pods.
	key string
	// everywhere is true for all namespaces; otherwise namespaces lists them.
	everywhere bool
	namespaces []string
	selector   labels.Selector
	// needs is a label that every pod meant has; the zero pair where there is no such label.
	needs pair
}

func (s *selection) matches(pod *corev1.Pod) bool {
	return (s.everywhere || slices.Contains(s.namespaces, pod.Namespace)) && s.selector.Matches(labels.Set(pod.Labels))
}

// selectionOf returns the selection of these namespaces and labels, compiled once for all pods that have it. A selector that does
// not compile, which the API server does not admit, means no pod.
func (r *Room) selectionOf(everywhere bool, namespaces []string, selector *metav1.LabelSelector) *selection {
	r.scratch = appendSelection(r.scratch[:0], everywhere, namespaces, selector)
	if known, ok := r.selections[string(r.scratch)]; ok {
		return known
	}
	s := &selection{
		key: string(r.scratch), everywhere: everywhere, namespaces: namespaces, selector: compile(selector), needs: neededLabel(selector),
	}
	r.selections[s.key] = s
	return s
}

// compile is LabelSelectorAsSelector, which validates again what the API server has validated, for all but the simplest selectors.
func compile(selector *metav1.LabelSelector) labels.Selector {
	if selector != nil && len(selector.MatchExpressions) == 0 {
		return labels.ValidatedSetSelector(selector.MatchLabels)
	}
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return labels.Nothing()
	}
	return compiled
}

func appendSelection(key []byte, everywhere bool, namespaces []string, selector *metav1.LabelSelector) []byte {
	if everywhere {
		key = append(key, '*')
	}
	for _, namespace := range namespaces {
		key = append(append(key, namespace...), 0)
	}
	if selector == nil {
		return append(key, "nothing"...)
	}
	key = append(key, '|')
	for _, name := range sortedKeys(selector.MatchLabels) {
		key = append(append(key, name...), '=')
		key = append(append(key, selector.MatchLabels[name]...), 0)
	}
	for _, expression := range selector.MatchExpressions {
		key = append(append(key, expression.Key...), ' ')
		key = append(append(key, expression.Operator...), ' ')
		for _, value := range expression.Values {
			key = append(append(key, value...), ',')
		}
		key = append(key, 0)
	}
	return key
}

func sortedKeys(set map[string]string) []string {
	keys := make([]string, 0, 4)
	for key := range set {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func neededLabel(selector *metav1.LabelSelector) pair {
	if selector == nil {
		return pair{}
	}
	if len(selector.MatchLabels) > 0 {
		key := sortedKeys(selector.MatchLabels)[0]
		return pair{key, selector.MatchLabels[key]}
	}
	for _, expression := range selector.MatchExpressions {
		if expression.Operator == metav1.LabelSelectorOpIn && len(expression.Values) == 1 {
			return pair{expression.Key, expression.Values[0]}
		}
	}
	return pair{}
}

// selectionIndex finds those items whose selection may mean a pod, by the label that the selection needs: of thousands of launchers
// that each keep away from their own VM, a pod must ask only one.
type selectionIndex[T any] struct {
	byNeed map[pair][]T
	others []T
}

func newSelectionIndex[T any]() selectionIndex[T] { return selectionIndex[T]{byNeed: map[pair][]T{}} }

func (x *selectionIndex[T]) add(needs pair, item T) {
	if needs == (pair{}) {
		x.others = append(x.others, item)
		return
	}
	x.byNeed[needs] = append(x.byNeed[needs], item)
}

func (x *selectionIndex[T]) each(podLabels map[string]string, visit func(T)) {
	if len(x.byNeed) > 0 {
		for key, value := range podLabels {
			for _, item := range x.byNeed[pair{key, value}] {
				visit(item)
			}
		}
	}
	for _, item := range x.others {
		visit(item)
	}
}

// labelIndex finds the pods that the Room knows and that have a label. It holds only the labels that were asked for.
type labelIndex map[string]map[string][]*roomPod

func (x labelIndex) add(pod *roomPod) {
	for key, byValue := range x {
		if value, ok := pod.object.Labels[key]; ok {
			byValue[value] = append(byValue[value], pod)
		}
	}
}

// podsWith returns the pods that the Room knows and that have a label, bound or not.
func (r *Room) podsWith(label pair) []*roomPod {
	byValue, ok := r.index[label.key]
	if !ok {
		byValue = map[string][]*roomPod{}
		for _, pod := range r.pods {
			if value, ok := pod.object.Labels[label.key]; ok {
				byValue[value] = append(byValue[value], pod)
			}
		}
		r.index[label.key] = byValue
	}
	return byValue[label.value]
}

// tally counts on each node the bound pods that all of its selections mean.
type tally struct {
	selections []*selection
	// living is true where pods that are being deleted do not count.
	living bool
	onNode nodeCounts
}

// tallyKey tells tallies apart; others are the keys of all selections but the first.
type tallyKey struct {
	first  *selection
	others string
	living bool
}

func (t *tally) counts(pod *corev1.Pod) bool {
	if t.living && pod.DeletionTimestamp != nil {
		return false
	}
	for _, s := range t.selections {
		if !s.matches(pod) {
			return false
		}
	}
	return true
}

// tallyOf returns the count of the pods that all of the selections mean. It is counted once, and kept up to date from then on.
func (r *Room) tallyOf(living bool, selections ...*selection) *tally {
	key := tallyKey{first: selections[0], living: living}
	for _, s := range selections[1:] {
		key.others += s.key + "\x01"
	}
	if known, ok := r.tallies[key]; ok {
		return known
	}
	t := &tally{selections: selections, living: living}
	r.tallies[key] = t
	r.tallied.add(selections[0].needs, t)
	if needs := selections[0].needs; needs != (pair{}) {
		for _, pod := range r.podsWith(needs) {
			t.count(pod)
		}
		return t
	}
	for _, pod := range r.pods {
		t.count(pod)
	}
	return t
}

func (t *tally) count(pod *roomPod) {
	if pod.place >= 0 && t.counts(pod.object) {
		t.onNode.change(pod.place, 1)
	}
}
