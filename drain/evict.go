package drain

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// rounds is how often the drain tries what was refused: time passes, and replacements become ready.
const rounds = 3

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
		// It goes by itself, unless somebody does not remove a finalizer; pods-unready reports one that stays for long.
		if because := HeldFinalizers(pod); because != "" {
			m.stop(Stop{State: PreDrained, Confidence: Likely, Object: pod, Check: "pods-unready", Because: fmt.Sprintf("pod %s/%s %s", pod.Namespace, pod.Name, because),
				Evidence: []string{"Pod metadata.finalizers"}})
		}
		m.leave(pod)
		return nil, true
	case m.intercepted(pod) || m.unanswered(pod):
		return nil, true
	case IsInstanceManager(pod):
		m.letGoOfManager(pod)
		return nil, true
	}
	if refusal := m.budgets.Evict(pod); refusal != nil {
		return refusal, false
	}
	m.leave(pod)
	m.replace(pod)
	return nil, true
}

// intercepted reports an eviction that KubeVirt refuses, for good or because nobody answers.
func (m *model) intercepted(pod *corev1.Pod) bool {
	if denial := Intercepted(m.Snapshot, pod); denial != nil && !denial.Passing {
		m.stop(Stop{State: PreDrained, Confidence: Certain, Object: pod, Check: "", Because: fmt.Sprintf("pod %s/%s cannot be evicted: %s", pod.Namespace, pod.Name, denial.Because),
			Evidence: denial.Evidence, Remedy: fmt.Sprintf("make sure that its VM is gone, then kubectl -n %s delete pod %s.", pod.Namespace, pod.Name)})
		m.leave(pod)
		return true
	}
	return false
}

// unanswered reports an eviction that must be approved by a webhook behind which nobody answers; dead-webhooks reports that one.
func (m *model) unanswered(pod *corev1.Pod) bool {
	for _, dead := range m.dead {
		concerns, certain := dead.Concerns(pod)
		if !concerns {
			continue
		}
		confidence := Certain
		if !certain {
			confidence = Possible
		}
		m.stop(Stop{State: PreDrained, Confidence: confidence, Object: dead.Object, Check: "dead-webhooks", Because: "evictions are refused: " + dead.Because, Evidence: dead.Evidence})
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

// replace puts a pod's replacement onto another node, as its controller would; where none has room, the budgets do not recover.
func (m *model) replace(pod *corev1.Pod) {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner == nil || cluster.IsEnded(pod) {
		m.budgets.Replaced(pod, false)
		return
	}
	replacement := pod.DeepCopy()
	replacement.Spec.NodeName = ""
	placed := m.room.PlaceAll([]*corev1.Pod{replacement}).Pods[0]
	m.budgets.Replaced(pod, placed.Node != "" || m.blind)
	if placed.Node != "" {
		m.moved[placed.Node] = append(m.moved[placed.Node], replacement)
		return
	}
	m.pending[pod.Namespace] = true
}

// letGoOfManager simulates whether Longhorn lets go of an instance manager of the node once its VMs have left and its pods are evicted.
func (m *model) letGoOfManager(pod *corev1.Pod) {
	for _, hold := range m.holds() {
		m.stop(m.stopOf(pod, hold))
	}
	m.leave(pod)
}

// holds returns what keeps Longhorn from letting go of the node's instance managers.
func (m *model) holds() []Hold {
	facts := m.factsOf(m.here.Name)
	if !facts.holdsWereRead {
		leaves := LeavesNode(m.Snapshot, m.here.Name, m.longhorn)
		facts.holds = HoldsInstanceManager(m.Snapshot, m.here.Name, ManagerState{
			Rules: m.longhorn, Cordoned: func(node string) bool { return node == m.here.Name },
			Gone: func(engine string) bool { return m.followsItsVM(engine) || leaves(engine) },
		})
		facts.holdsWereRead = true
	}
	return facts.holds
}

// followsItsVM tells whether an engine is the ordinary one of a VM's disk on the node, and leaves with the VM: nearly every one is.
func (m *model) followsItsVM(name string) bool {
	engine := m.Engine(name)
	if engine == nil || engine.Spec.NodeID != m.here.Name || m.InstanceManager(engine.Status.InstanceManagerName) == nil {
		return false
	}
	volume := m.Volume(cluster.VolumeOf(engine.Spec.VolumeName, engine.Labels))
	return volume != nil && m.IsOrdinary(volume) && len(m.VMIsOf(volume)) > 0 &&
		m.InstanceManager(engine.Status.InstanceManagerName).Spec.NodeID == m.here.Name
}

// stopOf says what a hold is due to, and which check reports that.
func (m *model) stopOf(pod *corev1.Pod, hold Hold) Stop {
	s := Stop{State: PreDrained, Confidence: Certain, Object: hold.Object, Evidence: hold.Evidence}
	because := hold.Because
	switch hold.Kind {
	case EngineListed:
		if keeper := WhatKeepsEngine(m.Snapshot, hold.Engine, m.here.Name, m.longhorn); keeper != nil {
			because, s.Object, s.Check, s.Transient = keeper.Because, keeper.Object, keeper.Check, keeper.Transient
			s.Evidence = append(s.Evidence, keeper.Evidence...)
			if keeper.Check == checkStaleAttachments && m.isTorn(hold.Engine) {
				s.Check = "multi-engine-volumes"
			}
		}
	case LastReplica:
		if volume := m.Volume(hold.Volume); volume != nil && volume.Spec.NumberOfReplicas == 1 {
			s.Check = "single-replica-volumes"
		}
	case Policy:
		s.Check = "longhorn-settings"
	case ManagerDown, ReplicaWithoutNode, ReplicaWithoutManager:
		s.Check = "longhorn-unsettled"
	}
	if s.Transient {
		s.Confidence = Likely
	}
	s.Because = fmt.Sprintf("the budget of %s cannot go because %s", pod.Name, because)
	return s
}

// isTorn tells whether the volume of an engine is between two nodes, so that what is left of it on one belongs to that.
func (m *model) isTorn(name string) bool {
	engine := m.Engine(name)
	if engine == nil {
		return false
	}
	volume := cluster.VolumeOf(engine.Spec.VolumeName, engine.Labels)
	attachment := m.AttachmentOf(volume)
	return len(m.EnginesOf(volume)) > 1 || attachment != nil && len(attachment.Spec.AttachmentTickets) > 1 || len(m.KubernetesAttachmentsOf(volume)) > 1
}

// reportRefusals reports the pods that were never let go, by the budget that holds them.
func (m *model) reportRefusals(waiting []*corev1.Pod, refused map[*corev1.Pod]*Refusal) {
	byBudget := map[string][]*corev1.Pod{}
	var keys []string
	for _, pod := range waiting {
		refusal := refused[pod]
		if refusal == nil {
			continue
		}
		key := pod.Namespace + "/" + refusal.Because
		if refusal.Budget != nil {
			key = objectKey(refusal.Budget)
		}
		if byBudget[key] == nil {
			keys = append(keys, key)
		}
		byBudget[key] = append(byBudget[key], pod)
	}
	slices.Sort(keys)
	for _, key := range keys {
		pods := byBudget[key]
		refusal := refused[pods[0]]
		s := Stop{State: PreDrained, Confidence: Certain, Object: pods[0], Check: "blocking-disruption-budgets", Evidence: []string{"PodDisruptionBudget status"},
			Because: fmt.Sprintf("%s cannot be evicted: %s", podsInWords(pods), refusal.Because)}
		if refusal.Budget != nil {
			s.Object = refusal.Budget
			if m.pending[refusal.Budget.Namespace] {
				s.Check, s.Confidence = "", Likely
				s.Because += ", for the replacement of one that was evicted before finds no room"
				s.Remedy = fmt.Sprintf("make room for it on another node, or let the budget allow one more: kubectl -n %s describe pdb %s.", refusal.Budget.Namespace, refusal.Budget.Name)
			}
		}
		m.stop(s)
	}
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
	return fmt.Sprintf("%s %s/%s", word, pods[0].Namespace, strings.ReplaceAll(Abridge(names), ", ", ", "))
}
