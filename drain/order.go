package drain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// The tiers in which Rancher's planner takes the nodes (rancher/rancher, pkg/capr/planner, fullReconcile). The etcd node that was there
// first comes before all others.
const (
	tierEtcd         = "etcd"
	tierControlPlane = "control plane"
	tierWorker       = "worker"
)

// The labels by which Rancher knows the roles of a machine, and the first of the etcd nodes by its machine plan.
const (
	labelEtcdRole         = "rke.cattle.io/etcd-role"
	labelControlPlaneRole = "rke.cattle.io/control-plane-role"
	labelInitNode         = "rke.cattle.io/init-node"
	labelMachineName      = "rke.cattle.io/machine-name"

	nodeLabelEtcd         = "node-role.kubernetes.io/etcd"
	nodeLabelControlPlane = "node-role.kubernetes.io/control-plane"
)

// turn is one node in the order of an upgrade.
type turn struct {
	node    *corev1.Node
	machine string
	tier    string
}

// ordersOf returns the possible orders in which the nodes are upgraded, the first by machine name first: within a tier Rancher sorts by
// machine name, and of the etcd nodes the one that was there first comes before the others. Which one that is, only its machine plan
// tells, a Secret; where that was not read, each may be. problems are nodes and machines that do not pair, without which the
// planner does not go on.
func ordersOf(s *cluster.Snapshot) (orders [][]turn, problems []Stop) {
	machineOf := map[string]*cluster.Machine{}
	for _, machine := range s.Machines() {
		if machine.Namespace != cluster.FleetLocalNamespace {
			continue
		}
		if machine.Status.NodeRef == nil || s.Node(machine.Status.NodeRef.Name) == nil {
			problems = append(problems, Stop{State: ImagesPreloaded, Confidence: Certain, Object: machine, Check: "machines-mismatched",
				Because: fmt.Sprintf("machine %s has no node", machine.Name), Evidence: []string{"Machine status.nodeRef"}})
			continue
		}
		machineOf[machine.Status.NodeRef.Name] = machine
	}
	var turns []turn
	for _, node := range s.Nodes() {
		machine := machineOf[node.Name]
		if machine == nil {
			problems = append(problems, Stop{State: ImagesPreloaded, Confidence: Certain, Object: node, Check: "machines-mismatched",
				Because: fmt.Sprintf("node %s has no machine", node.Name), Evidence: []string{"Machine status.nodeRef"}})
		}
		turns = append(turns, turnOf(node, machine))
	}
	slices.SortFunc(turns, func(a, b turn) int {
		return cmp.Or(tierNumber(a.tier)-tierNumber(b.tier), strings.Compare(a.machine, b.machine))
	})
	return ordersByFirst(turns, initMachine(s)), problems
}

// ordersByFirst returns an order for each etcd node that may come first; only one where it is known which does. A machine plan may name one
// that is no etcd node any more; then each may be again.
func ordersByFirst(turns []turn, init string) [][]turn {
	var orders [][]turn
	etcd := slices.IndexFunc(turns, func(t turn) bool { return t.tier != tierEtcd })
	if etcd < 0 {
		etcd = len(turns)
	}
	for first := range etcd {
		order := append([]turn{turns[first]}, slices.Delete(slices.Clone(turns), first, first+1)...)
		if turns[first].machine == init {
			return [][]turn{order}
		}
		orders = append(orders, order)
	}
	if len(orders) == 0 {
		return [][]turn{turns}
	}
	return orders
}

func turnOf(node *corev1.Node, machine *cluster.Machine) turn {
	t := turn{node: node, machine: node.Name, tier: tierWorker}
	labels := node.Labels
	etcd, controlPlane := nodeLabelEtcd, nodeLabelControlPlane
	if machine != nil {
		t.machine = machine.Name
		if machine.Labels[labelEtcdRole] != "" || machine.Labels[labelControlPlaneRole] != "" {
			labels, etcd, controlPlane = machine.Labels, labelEtcdRole, labelControlPlaneRole
		}
	}
	switch {
	case labels[etcd] == "true":
		t.tier = tierEtcd
	case labels[controlPlane] == "true":
		t.tier = tierControlPlane
	}
	return t
}

func tierNumber(tier string) int {
	return slices.Index([]string{tierEtcd, tierControlPlane, tierWorker}, tier)
}

// initMachine returns the machine of the etcd node that was there first; empty where no machine plan was read that says so.
func initMachine(s *cluster.Snapshot) string {
	for _, secret := range s.Secrets() {
		if secret.Namespace == cluster.FleetLocalNamespace && secret.Labels[labelInitNode] == "true" && secret.Labels[labelMachineName] != "" {
			return secret.Labels[labelMachineName]
		}
	}
	return ""
}
