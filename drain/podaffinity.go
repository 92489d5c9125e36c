package drain

import corev1 "k8s.io/api/core/v1"

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
	holders nodeCounts
}

type refusalKey struct {
	selection   *selection
	topologyKey string
}

// refusalsOf returns the terms by which a pod keeps others away; pods that word a term the same way share it.
func (r *Room) refusalsOf(pod *corev1.Pod) []*refusal {
	var refusals []*refusal
	for i := range antiAffinityTerms(pod) {
		term := &antiAffinityTerms(pod)[i]
		key := refusalKey{r.termSelection(pod, term, true), term.TopologyKey}
		known, ok := r.refusals[key]
		if !ok {
			known = &refusal{selection: key.selection, topologyKey: key.topologyKey}
			r.refusals[key] = known
			r.refusing.add(key.selection.needs, known)
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
	for _, refusal := range pod.refusals {
		pod.wishes.antiAffinity = append(pod.wishes.antiAffinity, apart{refusal.topologyKey, r.tallyOf(false, refusal.selection)})
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
		o.near = r.topology(term.topologyKey).around(term.tally.onNode, o.near)
	}
	r.refusing.each(pod.object.Labels, func(refused *refusal) {
		if refused.selection.matches(pod.object) {
			o.refused = r.topology(refused.topologyKey).around(refused.holders, o.refused)
		}
	})
}

// lonelyNodes returns the nodes that a pod's required affinity leaves out: those without the labels of all terms, and those where no
// pod that all terms mean is in the domain of each. Where there is no such pod anywhere, the first of pods that want to be together
// may go to any node with the labels (satisfyPodAffinity).
func (r *Room) lonelyNodes(pod *roomPod) nodeSet {
	company, first := make([]nodeSet, len(pod.wishes.affinity)), pod.wishes.company.counts(pod.object)
	for i, key := range pod.wishes.affinity {
		company[i] = r.topology(key).around(pod.wishes.company.onNode, nil)
		first = first && company[i] == nil
	}
	lonely := newNodeSet(len(r.nodes))
	for i, key := range pod.wishes.affinity {
		for node, domain := range r.topology(key).domains {
			if domain < 0 || !first && !company[i].has(node) {
				lonely.add(node)
			}
		}
	}
	return lonely
}
