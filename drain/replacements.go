package drain

import (
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// replacement is the pod that a controller makes for one that was evicted.
type replacement struct {
	of, pod *corev1.Pod
	// reasons say for each node why the pod is not bound there; nil once it is bound.
	reasons map[string]Reason
}

// replace puts a pod's replacement onto another node, as its controller would. What has no controller, or has ended, is not replaced.
func (m *model) replace(pod *corev1.Pod) {
	if metav1.GetControllerOfNoCopy(pod) == nil || cluster.IsEnded(pod) {
		return
	}
	again := pod.DeepCopy()
	again.Spec.NodeName = ""
	m.place(replacement{of: pod, pod: again})
}

// place looks for a node for a replacement. Where none has room, the budgets do not recover, until a node comes back. Where nothing can
// be said about room, the Plan says so, and the replacement is taken as ready.
func (m *model) place(r replacement) {
	if m.blind() {
		m.budgets.Replaced(r.of, true)
		return
	}
	placed := m.room.PlaceAll([]*corev1.Pod{r.pod}).Pods[0]
	m.budgets.Replaced(r.of, placed.Node != "")
	if placed.Node == "" {
		r.reasons = placed.Reasons
		m.pending = append(m.pending, r)
		return
	}
	m.moved[placed.Node] = append(m.moved[placed.Node], r.pod)
}

// comeBack makes the node schedulable again: its instance managers start there anew, and what found no room meanwhile may find it now.
func (m *model) comeBack() {
	m.room.Uncordon(m.here.Name)
	for _, pod := range m.returning {
		m.room.Add(pod, m.here.Name)
	}
	waiting := m.pending
	m.returning, m.pending = nil, nil
	for _, r := range waiting {
		m.place(r)
	}
}

// missing returns the replacement without a node that a budget waits for; nil where it waits for none.
func (m *model) missing(budget *policyv1.PodDisruptionBudget) *replacement {
	for i := range m.pending {
		for _, of := range m.budgets.Of(m.pending[i].of) {
			if of == budget {
				return &m.pending[i]
			}
		}
	}
	return nil
}
