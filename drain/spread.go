package drain

import (
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// spread is a constraint of topology spread that is not to be broken, with the defaults of podtopologyspread's getConstraints.
type spread struct {
	topologyKey         string
	maxSkew, minDomains int
	// honourAffinity and honourTaints leave out nodes that the pod could not be bound to.
	honourAffinity, honourTaints bool
	// self is 1 where the constraint means the pod itself too.
	self  int
	tally *tally
}

func (r *Room) readSpread(pod *roomPod) {
	for i := range pod.object.Spec.TopologySpreadConstraints {
		c := &pod.object.Spec.TopologySpreadConstraints[i]
		if c.WhenUnsatisfiable != corev1.DoNotSchedule {
			continue
		}
		s := spread{
			topologyKey: c.TopologyKey, maxSkew: int(c.MaxSkew), minDomains: 1,
			honourAffinity: c.NodeAffinityPolicy == nil || *c.NodeAffinityPolicy == corev1.NodeInclusionPolicyHonor,
			honourTaints:   c.NodeTaintsPolicy != nil && *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor,
		}
		if c.MinDomains != nil {
			s.minDomains = int(*c.MinDomains)
		}
		selection := r.selectionOf(false, []string{pod.object.Namespace}, withLabelsOf(pod.object, c))
		if selection.selector.Matches(labels.Set(pod.object.Labels)) {
			s.self = 1
		}
		// A selector without requirements means every pod, and yet none is counted (countPodsMatchSelector).
		if selection.selector.Empty() {
			selection = r.selectionOf(false, nil, nil)
		}
		s.tally = r.tallyOf(true, selection)
		pod.wishes.spread = append(pod.wishes.spread, s)
	}
}

// withLabelsOf returns a constraint's selector, which with matchLabelKeys also asks for the pod's own values of these labels.
func withLabelsOf(pod *corev1.Pod, c *corev1.TopologySpreadConstraint) *metav1.LabelSelector {
	if len(c.MatchLabelKeys) == 0 || c.LabelSelector == nil {
		return c.LabelSelector
	}
	selector := &metav1.LabelSelector{MatchLabels: c.LabelSelector.MatchLabels, MatchExpressions: slices.Clone(c.LabelSelector.MatchExpressions)}
	for _, key := range c.MatchLabelKeys {
		if value, ok := pod.Labels[key]; ok {
			selector.MatchExpressions = append(selector.MatchExpressions, metav1.LabelSelectorRequirement{
				Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{value},
			})
		}
	}
	return selector
}

// findSpread finds the nodes on which a pod would break a constraint of its topology spread: those without the label, and those
// whose domain would have too many pods more than the emptiest (podtopologyspread, calPreFilterState and Filter). The first
// constraint that a node breaks gives its reason.
func (r *Room) findSpread(o *obstacles, pod *roomPod) {
	if len(pod.wishes.spread) == 0 {
		return
	}
	o.unlabelled, o.skewed = newNodeSet(len(r.nodes)), newNodeSet(len(r.nodes))
	for i := range pod.wishes.spread {
		s := &pod.wishes.spread[i]
		topology := r.topology(s.topologyKey)
		counts, least := r.spreadCounts(pod, s, topology)
		for node, domain := range topology.domains {
			switch {
			case o.unlabelled.has(node) || o.skewed.has(node):
			case domain < 0:
				o.unlabelled.add(node)
			case counts[domain]+s.self-least > s.maxSkew:
				o.skewed.add(node)
			}
		}
	}
}

// spreadCounts returns how many pods each domain has on nodes that count, and how many the emptiest of them has: none where there
// are fewer than minDomains.
func (r *Room) spreadCounts(pod *roomPod, s *spread, topology *topology) (counts []int, least int) {
	counts = make([]int, len(topology.members))
	counted, over := make([]bool, len(topology.members)), newNodeSet(len(r.nodes))
	for node, domain := range topology.domains {
		if domain >= 0 && r.spreadsOver(node, pod, s) {
			over.add(node)
			counted[domain] = true
		}
	}
	for _, c := range s.tally.onNode {
		if over.has(int(c.node)) {
			counts[topology.domains[c.node]] += int(c.count)
		}
	}
	domains, least := 0, math.MaxInt32
	for domain := range counted {
		if counted[domain] {
			domains++
			least = min(least, counts[domain])
		}
	}
	if domains < s.minDomains {
		least = 0
	}
	return counts, least
}

// spreadsOver tells whether a node counts for a constraint: it has the labels of all constraints, and the pod could be bound to it
// as far as the constraint's policies ask.
func (r *Room) spreadsOver(node int, pod *roomPod, s *spread) bool {
	for i := range pod.wishes.spread {
		if r.topology(pod.wishes.spread[i].topologyKey).domains[node] < 0 {
			return false
		}
	}
	if s.honourAffinity && !pod.wishes.nodes.has(node) {
		return false
	}
	if !s.honourTaints {
		return true
	}
	if r.nodes[node].cordoned && !pod.wishes.toleratesCordon {
		return false
	}
	_, untolerated := untoleratedTaint(r.nodes[node].taints, pod.object)
	return !untolerated
}
