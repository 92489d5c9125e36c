package drain

import (
	"time"

	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// simulateSingle simulates the upgrade of a cluster of one node, which is not drained: all its VMs are shut down, and it is waited for
// all of them (harvester/harvester, upgrade_node.sh, command_single_node_upgrade).
func simulateSingle(s *cluster.Snapshot, r rules) Plan {
	node := s.Nodes()[0]
	m := newModel(s, r)
	m.begin(turn{node: node, machine: node.Name, tier: tierEtcd}, 1, 1)
	for _, vmi := range m.guests[node.Name] {
		switch {
		case vmi.DeletionTimestamp != nil:
			m.awaitDeletedVMI(vmi)
		case vmi.Status.Phase != kubevirtv1.Running:
			m.awaitPhase(vmi)
		default:
			m.shutDown(vmi, "there is no other node", Certain, "")
		}
	}
	for i := range m.plan.Stops {
		m.plan.Stops[i].State = Upgrading
	}
	m.plan.Time = Range{20 * time.Minute, 60 * time.Minute}
	return Plan{SingleNode: true, Orders: 1, Nodes: []NodePlan{m.plan}, Unknown: sortedUnknown(m.unknown), Time: m.plan.Time}
}
