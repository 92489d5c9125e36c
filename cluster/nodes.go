package cluster

import (
	"fmt"
	"slices"
	"strconv"

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

// MatchesNodeSelector tells whether a node is one of those that a required node affinity asks for: one of its terms must match,
// and of a term all requirements; a term without any matches no node. It returns an error for an operator that Kubernetes does not
// have. The rule is that of MatchNodeSelectorTerms in k8s.io/component-helpers.
func MatchesNodeSelector(node *corev1.Node, selector *corev1.NodeSelector) (bool, error) {
	for _, term := range selector.NodeSelectorTerms {
		matches := len(term.MatchExpressions)+len(term.MatchFields) > 0
		for _, requirement := range term.MatchExpressions {
			value, ok := node.Labels[requirement.Key]
			met, err := meets(value, ok, requirement)
			if err != nil {
				return false, err
			}
			matches = matches && met
		}
		for _, requirement := range term.MatchFields {
			met, err := meets(node.Name, requirement.Key == "metadata.name", requirement)
			if err != nil {
				return false, err
			}
			matches = matches && met
		}
		if matches {
			return true, nil
		}
	}
	return false, nil
}

func meets(value string, exists bool, requirement corev1.NodeSelectorRequirement) (bool, error) {
	switch requirement.Operator {
	case corev1.NodeSelectorOpIn:
		return exists && slices.Contains(requirement.Values, value), nil
	case corev1.NodeSelectorOpNotIn:
		return !exists || !slices.Contains(requirement.Values, value), nil
	case corev1.NodeSelectorOpExists:
		return exists, nil
	case corev1.NodeSelectorOpDoesNotExist:
		return !exists, nil
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		return exists && compares(value, requirement), nil
	}
	return false, fmt.Errorf("node affinity with the unknown operator %q", requirement.Operator)
}

// compares tells whether a label's number is greater or less than the one that a requirement names; what is no number is neither.
func compares(value string, requirement corev1.NodeSelectorRequirement) bool {
	if len(requirement.Values) != 1 {
		return false
	}
	number, err := strconv.ParseInt(value, 10, 64)
	limit, limitErr := strconv.ParseInt(requirement.Values[0], 10, 64)
	if err != nil || limitErr != nil {
		return false
	}
	if requirement.Operator == corev1.NodeSelectorOpGt {
		return number > limit
	}
	return number < limit
}

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
	s.managedNodes = nil
	for _, node := range s.nodes.items {
		if IsManaged(node) && !IsWitness(node) {
			s.managedNodes = append(s.managedNodes, node)
		}
	}
}
