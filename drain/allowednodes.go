package drain

import (
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// allowedNodes returns the nodes that a pod's node selector and required node affinity allow (the plugin NodeAffinity). A selector
// is the same as a requirement for each of its labels, so that pods share what was found for a label; affinity is shared by pods
// that word it the same way.
func (r *Room) allowedNodes(pod *corev1.Pod) nodeSet {
	allowed := newNodeSet(len(r.nodes))
	for i := range r.nodes {
		allowed.add(i)
	}
	for key, value := range pod.Spec.NodeSelector {
		allowed.keep(r.nodesLabelled(pair{key, value}))
	}
	if required := requiredNodeAffinity(pod); required != nil {
		allowed.keep(r.nodesSelected(required))
	}
	return allowed
}

func requiredNodeAffinity(pod *corev1.Pod) *corev1.NodeSelector {
	if affinity := pod.Spec.Affinity; affinity != nil && affinity.NodeAffinity != nil {
		return affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	return nil
}

func (r *Room) nodesLabelled(label pair) nodeSet {
	if known, ok := r.labelled[label]; ok {
		return known
	}
	found := newNodeSet(len(r.nodes))
	for i, node := range r.nodes {
		if value, ok := node.object.Labels[label.key]; ok && value == label.value {
			found.add(i)
		}
	}
	r.labelled[label] = found
	return found
}

func (r *Room) nodesSelected(selector *corev1.NodeSelector) nodeSet {
	r.scratch = appendNodeSelector(r.scratch[:0], selector)
	if known, ok := r.selected[string(r.scratch)]; ok {
		return known
	}
	required := nodeaffinity.GetRequiredNodeAffinity(&corev1.Pod{Spec: corev1.PodSpec{Affinity: &corev1.Affinity{
		NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: selector},
	}}})
	found := newNodeSet(len(r.nodes))
	for i, node := range r.nodes {
		// A term that does not parse matches no node, as in the plugin.
		if matches, _ := required.Match(node.object); matches {
			found.add(i)
		}
	}
	r.selected[string(r.scratch)] = found
	return found
}

func appendNodeSelector(key []byte, selector *corev1.NodeSelector) []byte {
	for i := range selector.NodeSelectorTerms {
		key = append(key, '|')
		key = appendRequirements(key, selector.NodeSelectorTerms[i].MatchExpressions)
		key = append(key, '.')
		key = appendRequirements(key, selector.NodeSelectorTerms[i].MatchFields)
	}
	return key
}

func appendRequirements(key []byte, requirements []corev1.NodeSelectorRequirement) []byte {
	for _, requirement := range requirements {
		key = append(append(key, requirement.Key...), ' ')
		key = append(append(key, requirement.Operator...), ' ')
		for _, value := range requirement.Values {
			key = append(append(key, value...), ',')
		}
		key = append(key, 0)
	}
	return key
}

// cordonTaint is the taint that Kubernetes gives to a cordoned node.
func cordonTaint() []corev1.Taint {
	return []corev1.Taint{{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}}
}

// toleratesCordon tells whether a pod may be bound to a cordoned node (the plugin NodeUnschedulable).
func toleratesCordon(pod *corev1.Pod) bool {
	if len(pod.Spec.Tolerations) == 0 {
		return false
	}
	_, untolerated := untoleratedTaint(cordonTaint(), pod)
	return !untolerated
}

// untoleratedTaint returns the first taint that a pod does not tolerate. Comparing taints by number is not yet enabled in v1.34.
func untoleratedTaint(taints []corev1.Taint, pod *corev1.Pod) (corev1.Taint, bool) {
	if len(taints) == 0 {
		return corev1.Taint{}, false
	}
	return schedulingv1.FindMatchingUntoleratedTaint(logr.Discard(), taints, pod.Spec.Tolerations, nil, false)
}
