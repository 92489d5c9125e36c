package drain

import (
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	// rounds is how often the drain tries what was refused: time passes, and replacements become ready.
	rounds = 3
	// stuckTermination is how long after its grace period a pod counts as one that does not go; pods-unready has the same.
	stuckTermination = 10 * time.Minute
)

// drainPods simulates Rancher's drain, which evicts pods in rounds and tries without end (kubernetes/kubectl, pkg/drain; Harvester
// sets no timeout).
func (m *model) drainPods() {
	waiting := m.evicted()
	m.plan.Evictions = len(waiting)
	refused := map[*corev1.Pod]*Refusal{}
	for range rounds {
		before := len(waiting)
		waiting = slices.DeleteFunc(waiting, func(pod *corev1.Pod) bool {
			refusal, gone := m.evict(pod)
			refused[pod] = refusal
			return gone
		})
		if len(waiting) == 0 || len(waiting) == before {
			break
		}
	}
	m.reportRefusals(waiting, refused)
	for _, pod := range waiting {
		m.leave(pod) // As if it had been repaired.
	}
}

// evicted lists the pods that the drain evicts, without those of VMs that have left, and with those that earlier nodes sent here.
func (m *model) evicted() []*corev1.Pod {
	var pods []*corev1.Pod
	for _, pod := range append(EvictedFrom(m.Snapshot, m.here.Name), m.moved[m.here.Name]...) {
		if !m.gone[pod] && !LeavesWithVM(m.Snapshot, pod) {
			pods = append(pods, pod)
		}
	}
	delete(m.moved, m.here.Name)
	return pods
}

// evict tries to evict one pod. It returns what refuses it, and whether it is gone.
func (m *model) evict(pod *corev1.Pod) (*Refusal, bool) {
	switch {
	case pod.DeletionTimestamp != nil:
		m.awaitDeletion(pod)
		return nil, true
	case m.intercepted(pod) || m.unanswered(pod):
		return nil, true
	case IsInstanceManager(pod):
		return m.evictManager(pod)
	}
	if refusal := m.budgets.Evict(pod); refusal != nil {
		return refusal, false
	}
	m.leave(pod)
	m.replace(pod)
	return nil, true
}

// awaitDeletion looks at a pod that is being deleted: the drain waits until it is gone, which it is by itself, unless it is held for longer than
// pods-unready allows it too. A deletion timestamp is the end of the grace period.
func (m *model) awaitDeletion(pod *corev1.Pod) {
	if m.Lasted(pod.DeletionTimestamp.Time, stuckTermination) {
		over := m.RoundedAge(pod.DeletionTimestamp.Time, time.Minute)
		s := Stop{State: PreDrained, Confidence: Likely, Object: pod, Check: "pods-unready", Evidence: []string{"Pod metadata.deletionTimestamp, metadata.finalizers"},
			Because: fmt.Sprintf("pod %s/%s should have been gone %s ago", pod.Namespace, pod.Name, over)}
		if held := HeldFinalizers(pod); held != "" {
			s.Because += ": it " + held
		}
		m.stop(s)
	}
	m.leave(pod)
}

// intercepted reports an eviction that KubeVirt refuses: for good, or until a migration ends that brings a VM here.
func (m *model) intercepted(pod *corev1.Pod) bool {
	denial := Intercepted(m.Snapshot, pod)
	if denial == nil {
		return false
	}
	s := Stop{State: PreDrained, Confidence: Certain, Object: pod, Because: fmt.Sprintf("pod %s/%s cannot be evicted: %s", pod.Namespace, pod.Name, denial.Because),
		Evidence: denial.Evidence, Remedy: fmt.Sprintf("make sure that its VM is gone, then kubectl -n %s delete pod %s.", pod.Namespace, pod.Name)}
	if denial.Passing {
		s.Confidence, s.Check, s.Transient = Likely, "in-flight-migrations", true
	}
	m.stop(s)
	m.leave(pod)
	return true
}

// unanswered reports an eviction that must be approved by a webhook behind which nobody answers; dead-webhooks reports that one.
func (m *model) unanswered(pod *corev1.Pod) bool {
	for _, dead := range m.dead {
		concerns, certain := dead.Concerns(pod)
		if !concerns {
			continue
		}
		s := Stop{State: PreDrained, Confidence: Certain, Object: dead.Object, Check: "dead-webhooks", Transient: dead.Passing,
			Because: "evictions are refused: " + dead.Because, Evidence: dead.Evidence}
		switch {
		case !certain:
			s.Confidence = Possible
		case dead.Passing:
			s.Confidence = Likely
		}
		m.stop(s)
		m.leave(pod)
		return true
	}
	return false
}

// leave takes a pod off its node.
func (m *model) leave(pod *corev1.Pod) {
	m.gone[pod] = true
	m.room.Remove(pod)
}

// reportRefusals reports the pods that were never let go, by the budget that holds them.
func (m *model) reportRefusals(waiting []*corev1.Pod, refused map[*corev1.Pod]*Refusal) {
	byBudget := map[string][]*corev1.Pod{}
	for _, pod := range waiting {
		key := objectKey(refused[pod].Budget)
		byBudget[key] = append(byBudget[key], pod)
	}
	for _, key := range slices.Sorted(maps.Keys(byBudget)) {
		m.stop(m.stopOfRefusal(byBudget[key], refused[byBudget[key][0]]))
	}
}

// stopOfRefusal says what a budget holds, and why: by its own numbers, which blocking-disruption-budgets reports, or for a replacement that finds
// no room.
func (m *model) stopOfRefusal(pods []*corev1.Pod, refusal *Refusal) Stop {
	budget := refusal.Budget
	s := Stop{State: PreDrained, Confidence: Certain, Object: budget, Check: "blocking-disruption-budgets", Evidence: refusal.Evidence, Transient: refusal.Passing}
	if len(refusal.Others) > 0 {
		s.Because = fmt.Sprintf("%s cannot be evicted: %s", podsInWords(pods), refusal.Because)
		return s
	}
	s.Because = fmt.Sprintf("%s cannot be evicted: budget %s %s", podsInWords(pods), budget.Name, refusal.Because)
	if refusal.Passing {
		s.Confidence = Likely
	}
	if missing := m.missing(budget); missing != nil && budget.Status.DisruptionsAllowed > 0 {
		s.Check, s.Confidence = "", Likely
		s.Because += fmt.Sprintf(", for the replacement of pod %s finds no room (%s)", missing.of.Name, reasonsInWords(missing.reasons))
		s.Remedy = fmt.Sprintf("make room for it on another node, or let the budget allow one more: kubectl -n %s describe pdb %s.", budget.Namespace, budget.Name)
	}
	return s
}

func podsInWords(pods []*corev1.Pod) string {
	names := make([]string, 0, len(pods))
	for _, pod := range pods {
		names = append(names, pod.Name)
	}
	slices.Sort(names)
	word := "pod"
	if len(names) > 1 {
		word = "pods"
	}
	return fmt.Sprintf("%s %s/%s", word, pods[0].Namespace, Abridge(names))
}
