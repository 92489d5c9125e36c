package checks

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// isSingleNode tells whether the cluster has one node only. The upgrade does not drain it: it stops every VM instead
// (command_single_node_upgrade in Harvester's upgrade_node.sh).
func isSingleNode(p *Pass) bool { return len(p.Nodes()) == 1 }

// isDrained tells whether the upgrade will drain the node that a pod runs on: every node that Harvester manages, witnesses
// included, but not the only one.
func isDrained(p *Pass, pod *corev1.Pod) bool {
	node := p.Node(pod.Spec.NodeName)
	return node != nil && cluster.IsManaged(node) && !isSingleNode(p)
}

// isLeftByDrain tells whether a drain passes a pod over: a DaemonSet's, and a static one, which belongs to its node.
func isLeftByDrain(p *Pass, pod *corev1.Pod) bool {
	return drain.TreatmentOf(p.Snapshot, pod).Leaves()
}

// unreadyNodes returns the nodes that are not ready. Their pods are then not ready either, and those that are deleted stay until
// the node is back; nodes-unready reports the node.
func unreadyNodes(p *Pass) map[string]bool {
	unready := map[string]bool{}
	for _, node := range p.Nodes() {
		if ready := cluster.NodeCondition(node, corev1.NodeReady); ready != nil && ready.Status != corev1.ConditionTrue {
			unready[node.Name] = true
		}
	}
	return unready
}
