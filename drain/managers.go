package drain

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// evictManager simulates whether Longhorn lets go of an instance manager of the node once its VMs have left and its pods are evicted. Longhorn then
// deletes its budget, of the node that the instance manager names (harvester/harvester#3730); any other budget is asked as for every pod.
func (m *model) evictManager(pod *corev1.Pod) (*Refusal, bool) {
	for _, hold := range m.holds() {
		m.stop(m.stopOf(hold))
	}
	budget, manager := m.DisruptionBudget(cluster.LonghornNamespace, pod.Name), m.InstanceManager(pod.Name)
	if budget != nil && manager != nil && manager.Spec.NodeID == m.here.Name {
		m.budgets.SetDeleted(budget, true)
		defer m.budgets.SetDeleted(budget, false)
	}
	if refusal := m.budgets.Evict(pod); refusal != nil {
		return refusal, false
	}
	m.leave(pod)
	m.returning = append(m.returning, pod)
	return nil, true
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
func (m *model) stopOf(hold Hold) Stop {
	s := Stop{State: PreDrained, Confidence: Certain, Object: hold.Object, Evidence: hold.Evidence}
	because := hold.Because
	switch hold.Kind {
	case EngineListed:
		if keeper := WhatKeepsEngine(m.Snapshot, hold.Engine, m.here.Name, m.longhorn); keeper != nil {
			because, s.Object, s.Check, s.Transient = keeper.Because, keeper.Object, keeper.Check, keeper.Transient
			s.Evidence = append(s.Evidence, keeper.Evidence...)
			if keeper.Check == checkStaleAttachments && m.isTorn(hold.Engine) {
				s.Check, s.Transient = "multi-engine-volumes", false
			}
			if keeper.Check == "" {
				s.Remedy = fmt.Sprintf("stop what uses the volume on %s for the time of the upgrade: kubectl -n longhorn-system get volumes.longhorn.io -o wide.", m.here.Name)
			}
		}
	case LastReplica:
		if volume := m.Volume(hold.Volume); volume != nil && volume.Spec.NumberOfReplicas == 1 {
			s.Check = "single-replica-volumes"
		} else {
			s.Remedy = fmt.Sprintf("have a second good replica on another node: kubectl -n longhorn-system get replicas.longhorn.io -l longhornvolume=%s.", hold.Volume)
		}
	case Policy:
		s.Check = "longhorn-settings"
	case ManagerDown, ReplicaWithoutNode, ReplicaWithoutManager:
		s.Check = "longhorn-unsettled"
	}
	if s.Transient {
		s.Confidence = Likely
	}
	s.Because = because + ", so that the node's instance manager is not evicted"
	return s
}

// isTorn tells whether the volume of an engine is between two nodes, so that what is left of it on one belongs to that.
func (m *model) isTorn(name string) bool {
	engine := m.Engine(name)
	if engine == nil {
		return false
	}
	volume := cluster.VolumeOf(engine.Spec.VolumeName, engine.Labels)
	if of := m.Volume(volume); of != nil && m.ActiveMigrationOfVolume(of) != nil {
		return false // It is on its way.
	}
	if len(m.EnginesOf(volume)) > 1 {
		return true
	}
	nodes := map[string]bool{}
	if attachment := m.AttachmentOf(volume); attachment != nil {
		for _, ticket := range attachment.Spec.AttachmentTickets.All() {
			if ticket != nil {
				nodes[cluster.Text(ticket.NodeID)] = true
			}
		}
	}
	for _, attachment := range m.KubernetesAttachmentsOf(volume) {
		nodes[attachment.Spec.NodeName] = true
	}
	return len(nodes) > 1
}
