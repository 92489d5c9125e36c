package drain

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// apart is a term of a pod's required anti-affinity: no pod that it means may be in the same domain.
type apart struct {
	topologyKey string
	tally       *tally
}

// refusal is a term of required anti-affinity that bound pods have: they let no pod that it means into their domain.
type refusal struct {
	selection   *selection
	topologyKey string
	// holders is how many pods on each node have the term.
	holders []int
}

// refusalsOf returns the terms by which a pod keeps others away; pods that word a term the same way share it.
func (r *Room) refusalsOf(pod *corev1.Pod) []*refusal {
	var refusals []*refusal
	for i := range antiAffinityTerms(pod) {
		term := &antiAffinityTerms(pod)[i]
		selection := r.termSelection(pod, term, true)
		key := selection.key + "\x01" + term.TopologyKey
		known, ok := r.refusals[key]
		if !ok {
			known = &refusal{selection: selection, topologyKey: term.TopologyKey, holders: make([]int, len(r.nodes))}
			r.refusals[key] = known
			r.refusing.add(selection.needs, known)
		}
		refusals = append(refusals, known)
	}
	return refusals
}

func antiAffinityTerms(pod *corev1.Pod) []corev1.PodAffinityTerm {
	if affinity := pod.Spec.Affinity; affinity != nil && affinity.PodAntiAffinity != nil {
		return affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	return nil
}

func affinityTerms(pod *corev1.Pod) []corev1.PodAffinityTerm {
	if affinity := pod.Spec.Affinity; affinity != nil && affinity.PodAffinity != nil {
		return affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	return nil
}

// termSelection returns the pods that a term means. Without namespaces and namespace selector they are those of the pod's own
// namespace. An empty namespace selector means all namespaces. Of a selector with requirements it is not known which it means,
// because the Snapshot does not hold namespaces: for anti-affinity all of them, and for affinity none, so that a pod is never
// thought to have room that it may not have.
func (r *Room) termSelection(pod *corev1.Pod, term *corev1.PodAffinityTerm, anti bool) *selection {
	namespaces, everywhere := term.Namespaces, false
	if selector := term.NamespaceSelector; selector != nil {
		everywhere = anti || len(selector.MatchLabels)+len(selector.MatchExpressions) == 0
	} else if len(namespaces) == 0 {
		namespaces = []string{pod.Namespace}
	}
	return r.selectionOf(everywhere, namespaces, term.LabelSelector)
}

func (r *Room) readAffinity(pod *roomPod) {
	for i := range antiAffinityTerms(pod.object) {
		term := &antiAffinityTerms(pod.object)[i]
		pod.wishes.antiAffinity = append(pod.wishes.antiAffinity, apart{
			topologyKey: term.TopologyKey, tally: r.tallyOf(false, r.termSelection(pod.object, term, true)),
		})
	}
	var selections []*selection
	for i := range affinityTerms(pod.object) {
		term := &affinityTerms(pod.object)[i]
		pod.wishes.affinity = append(pod.wishes.affinity, term.TopologyKey)
		selections = append(selections, r.termSelection(pod.object, term, false))
	}
	if len(selections) > 0 {
		pod.wishes.company = r.tallyOf(false, selections...)
	}
}

// findAffinity finds the nodes that a pod's required affinity and anti-affinity, and the anti-affinity of bound pods, leave out
// (interpodaffinity.Filter).
func (r *Room) findAffinity(o *obstacles, pod *roomPod) {
	if pod.wishes.company != nil {
		o.lonely = r.lonelyNodes(pod)
	}
	for _, term := range pod.wishes.antiAffinity {
		o.near = r.addDomains(o.near, term.topologyKey, term.tally.onNode)
	}
	r.refusing.each(pod.object.Labels, func(refused *refusal) {
		if refused.selection.matches(pod.object) {
			o.refused = r.addDomains(o.refused, refused.topologyKey, refused.holders)
		}
	})
}

// addDomains adds to a set the nodes of all domains in which something is counted.
func (r *Room) addDomains(to nodeSet, topologyKey string, counts []int) nodeSet {
	if !slices.ContainsFunc(counts, func(count int) bool { return count > 0 }) {
		return to
	}
	if to == nil {
		to = newNodeSet(len(r.nodes))
	}
	topology := r.topology(topologyKey)
	sums := topology.sum(counts)
	for node, domain := range topology.domains {
		if domain >= 0 && sums[domain] > 0 {
			to.add(node)
		}
	}
	return to
}

// lonelyNodes returns the nodes that a pod's required affinity leaves out: those without the labels of all terms, and those where no
// pod that all terms mean is in the domain of each. Where there is no such pod anywhere, the first of pods that want to be together
// may go to any node with the labels (satisfyPodAffinity).
func (r *Room) lonelyNodes(pod *roomPod) nodeSet {
	lonely, first := newNodeSet(len(r.nodes)), pod.wishes.company.counts(pod.object)
	for _, key := range pod.wishes.affinity {
		for _, count := range r.topology(key).sum(pod.wishes.company.onNode) {
			first = first && count == 0
		}
	}
	for _, key := range pod.wishes.affinity {
		topology := r.topology(key)
		sums := topology.sum(pod.wishes.company.onNode)
		for node, domain := range topology.domains {
			if domain < 0 || sums[domain] == 0 && !first {
				lonely.add(node)
			}
		}
	}
	return lonely
}
