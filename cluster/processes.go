package cluster

import (
	"hash/maphash"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
)

// ListsOnlyItsOwn tells whether an instance manager lists exactly the engines and replicas that the control plane has running in it on
// its node, as nearly every one does. It is computed once, so that nobody need look up each of its thousands of processes. One of
// Longhorn up to 1.4, which lists both in one map, is never said to.
func (s *Snapshot) ListsOnlyItsOwn(manager *InstanceManager) bool { return s.tidy[manager] }

// tally tells one set of names from another, whatever their order.
type tally struct {
	count int
	sum   uint64
}

func (t *tally) add(seed maphash.Seed, name string) {
	t.count++
	t.sum += maphash.String(seed, name)
}

// processes tallies the engines and replicas of an instance manager: what it lists, and what the control plane has placed in it.
type processes struct {
	listedEngines, listedReplicas, placedEngines, placedReplicas tally
}

func (s *Snapshot) indexProcesses() {
	seed := maphash.MakeSeed()
	byName := make(map[string]*processes, len(s.instanceManagers.items))
	for _, manager := range s.instanceManagers.items {
		all := &processes{}
		for name := range manager.Status.InstanceEngines.All() {
			all.listedEngines.add(seed, name)
		}
		for name := range manager.Status.InstanceReplicas.All() {
			all.listedReplicas.add(seed, name)
		}
		byName[manager.Name] = all
	}
	for _, engine := range s.engines.items {
		if s.isPlaced(&engine.Spec.InstanceSpec, &engine.Status.InstanceStatus) {
			byName[engine.Status.InstanceManagerName].placedEngines.add(seed, engine.Name)
		}
	}
	for _, replica := range s.replicas {
		if s.isPlaced(&replica.Spec.InstanceSpec, &replica.Status.InstanceStatus) {
			byName[replica.Status.InstanceManagerName].placedReplicas.add(seed, replica.Name)
		}
	}
	s.tidy = make(map[*InstanceManager]bool, len(byName))
	for _, manager := range s.instanceManagers.items {
		all := byName[manager.Name]
		s.tidy[manager] = len(manager.Status.Instances) == 0 && all.listedEngines == all.placedEngines && all.listedReplicas == all.placedReplicas
	}
}

// isPlaced tells whether an engine or replica runs in an instance manager of its own node.
func (s *Snapshot) isPlaced(spec *InstanceSpec, status *InstanceStatus) bool {
	if status.CurrentState != lhv1.InstanceStateRunning || status.InstanceManagerName == "" {
		return false
	}
	manager := s.InstanceManager(status.InstanceManagerName)
	return manager != nil && manager.Spec.NodeID == spec.NodeID
}
