package checks

import (
	"fmt"
	"slices"

	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// twoNodeCluster finds clusters in which nothing is left to run VMs while one of two nodes is upgraded and the other fails.
func twoNodeCluster() Check {
	return Check{
		Name:  "two-node-cluster",
		Title: "Virtual machines run in a cluster of two nodes",
		Why: "While the API server of the first node restarts, the other node can be taken for lost: its pods are evicted and there is no third node to start " +
			"them on, so that the upgrade stays in Pre-drained or Waiting Reboot and VMs lose data. Harvester's documentation asks for all VMs to be shut down before.",
		Finds: "Running VMs in a cluster with exactly two nodes that Harvester manages, witness nodes aside.",
		Remedy: "shut down the VMs, which kubectl get vmi -A lists, before the upgrade and start them after it: virtctl stop NAME -n NAMESPACE. " +
			"Should the upgrade stay in Pre-drained with the other node not ready, restart its agent there: systemctl restart rke2-agent.",
		Severity: Warn,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.Nodes, cluster.VMIs},
		Sources: []string{
			"harvester/harvester#6432", "harvester/harvester#4287", "harvester/harvester#4809", "harvester/harvester#5350",
			"harvester/docs docs/upgrade/v1-3-1-to-v1-3-2.md",
		},
		Run: runTwoNodeCluster,
	}
}

func runTwoNodeCluster(p *Pass) error {
	nodes := p.ManagedNodes()
	if len(nodes) == 0 {
		return fmt.Errorf("no node carries the label %s=true, so it is not known how many there are", cluster.LabelManaged)
	}
	if len(nodes) != 2 {
		return nil
	}
	var running []string
	for _, vmi := range p.VMIs() {
		if _, ofUpgrade := vmi.Labels[cluster.LabelUpgrade]; ofUpgrade || p.Excluded(vmi) {
			continue
		}
		switch vmi.Status.Phase {
		case kubevirtv1.Running:
			running = append(running, vmi.Namespace+"/"+vmi.Name)
		case kubevirtv1.Pending, kubevirtv1.Scheduling, kubevirtv1.Scheduled, kubevirtv1.Succeeded, kubevirtv1.Failed:
		default:
			p.Unknownf(vmi, "whether it runs in this cluster of two nodes is not known (phase %q)", vmi.Status.Phase)
		}
	}
	if len(running) == 0 {
		return nil
	}
	slices.Sort(running)
	p.Findf(nodes[0], "nodes %s and %s are the only ones for virtual machines, and %d run on them%s", nodes[0].Name, nodes[1].Name, len(running), inParentheses(abridge(running)))
	return nil
}
