package checks

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// fewPodAddresses is how many addresses for pods a node should have left: the upgrade's own pods and the virtual machines
// of the node that is drained take some of them.
const fewPodAddresses = 20

// reportPodAddresses reports a node whose network for pods is nearly full. Ended pods and those on the host's own network have
// no address of it.
func reportPodAddresses(p *Pass, node *corev1.Node) {
	cidr := cluster.Text(node.Spec.PodCIDR)
	if cidr == "" {
		p.LeaveOut("the addresses for pods of nodes that have no network of their own for them")
		return
	}
	network, err := netip.ParsePrefix(cidr)
	if err != nil {
		p.Unknownf(node, "its network for pods %q is none", cidr)
		return
	}
	pods := int64(0)
	for _, pod := range p.PodsOn(node.Name) {
		if !pod.Spec.HostNetwork && !cluster.IsEnded(pod) {
			pods++
		}
	}
	usable := max(addressesOf(network.Masked())-3, 0) // Without the network's own address, the bridge's and the broadcast.
	if left := usable - pods; left < fewPodAddresses {
		p.Report(Finding{
			Object: ObjectOf(node), Severity: Warn,
			Message: fmt.Sprintf("node %s has %d of %d addresses left for pods in %s, and the upgrade starts pods of its own on it", node.Name, max(left, 0), usable, network.Masked()),
			Remedy:  fmt.Sprintf("move or delete pods that are not needed: kubectl get pods -A --field-selector spec.nodeName=%s.", node.Name),
		})
	}
}
