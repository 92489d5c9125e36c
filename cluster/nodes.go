package cluster

import (
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
)

// Labels and annotations of nodes that Harvester and its peers write.
const (
	// LabelManaged is on every node that Harvester manages.
	LabelManaged = "harvesterhci.io/managed"
	// LabelWitness marks an etcd-only node without VMs and storage.
	LabelWitness = "node-role.harvesterhci.io/witness"
	// AnnotationMachine names the Cluster API machine of a node.
	AnnotationMachine = "cluster.x-k8s.io/machine"
	// AnnotationNTPService holds the state of the node's clock as JSON.
	AnnotationNTPService = "node.harvesterhci.io/ntp-service"
)

// Nodes returns every Kubernetes node, by name.
func (s *Snapshot) Nodes() []*corev1.Node { return s.nodes.items }

// Node returns the Kubernetes node of that name, or nil.
func (s *Snapshot) Node(name string) *corev1.Node { return s.nodes.get("", name) }

// ManagedNodes returns the nodes that the upgrade counts: managed by Harvester and no witness, by name. The rule is
// that of wait_longhorn_engines in Harvester's upgrade_node.sh.
func (s *Snapshot) ManagedNodes() []*corev1.Node { return s.managedNodes }

// NodeLeases returns the leases that kubelets renew every ten seconds, one for each node, by their own clock.
func (s *Snapshot) NodeLeases() []*coordinationv1.Lease { return s.nodeLeases }

// IsWitness tells whether a node is an etcd-only witness.
func IsWitness(node *corev1.Node) bool { return node.Labels[LabelWitness] == "true" }

// IsManaged tells whether Harvester manages a node.
func IsManaged(node *corev1.Node) bool { return node.Labels[LabelManaged] == "true" }

// NodeCondition returns a node's condition of that type, or nil where the node does not report it.
func NodeCondition(node *corev1.Node, conditionType corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == conditionType {
			return &node.Status.Conditions[i]
		}
	}
	return nil
}

func (s *Snapshot) indexNodes() {
	sortByName(s.nodes.items)
	for _, node := range s.nodes.items {
		if IsManaged(node) && !IsWitness(node) {
			s.managedNodes = append(s.managedNodes, node)
		}
	}
}
