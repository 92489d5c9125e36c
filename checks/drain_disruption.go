package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// drainDisruption warns of what the rolling upgrade would take away from people while it goes through.
func drainDisruption() Check {
	return Check{
		Name:  "drain-disruption",
		Title: "The rolling upgrade would shut down VMs or make volumes unavailable",
		Why: "From v1.7.0 on Harvester shuts down a VM whose migration finds no room, and does not start it again; a volume whose good replicas are all on one node cannot be " +
			"used while that node is down, half an hour or more.",
		Finds: "For each node of the simulated upgrade: VMs that find no room on the other nodes and would be shut down, and volumes that could not be used while it is down. " +
			"VMs that are shut down for what they are, unmigratable-vms has.",
		Beyond:   "Applications that do not stand the move of their VM.",
		Remedy:   "make room on the other nodes, or shut down VMs that can be spared before: upgrade-gate plan shows which VM goes where.",
		Severity: Warn, Waivable: true,
		Needs: drainEvidence(), Uses: []cluster.Kind{cluster.ValidatingWebhooks, cluster.EndpointSlices, cluster.Secrets},
		Sources: []string{
			"harvester/harvester#3124", "harvester/harvester#7178", "harvester/harvester#9326",
			"harvester/harvester package/upgrade/upgrade_node.sh check_migrations_phase", "kubernetes/kubernetes pkg/scheduler",
		},
		Run: runDrainDisruption,
	}
}

func runDrainDisruption(p *Pass) error {
	plan := p.Plan()
	if plan.SingleNode {
		p.Skip("the upgrade of a single node shuts down all VMs")
		return nil
	}
	for _, node := range plan.Nodes {
		facts := slices.Concat(shutDownFacts(p, node), lossFacts(node))
		if len(facts) > 0 {
			p.Report(Finding{Object: ObjectOf(p.Node(node.Node)), Message: fmt.Sprintf("when %s (%s) is upgraded, %s", node.Node, placeOf(node), strings.Join(facts, "; and "))})
		}
	}
	reportUnsimulated(p, plan)
	return nil
}

// shutDownFacts says which VMs are shut down with a node, by the reason: those that another check warns of are not repeated.
func shutDownFacts(p *Pass, node drain.NodePlan) []string {
	var facts []string
	var reasons []reason
	byReason := map[reason][]string{}
	for _, vm := range node.ShutDowns {
		if vm.Check != "" || p.Settings.ExcludedNamespaces[vm.Namespace] {
			continue
		}
		why := reason{vm.Because, vm.Confidence}
		if byReason[why] == nil {
			reasons = append(reasons, why)
		}
		byReason[why] = append(byReason[why], vm.Namespace+"/"+vm.Name)
	}
	for _, why := range reasons {
		vms := byReason[why]
		would := "would be shut down"
		switch why.confidence {
		case drain.Likely:
			would = "would likely be shut down"
		case drain.Possible:
			would = "could be shut down"
		case drain.Certain:
		}
		facts = append(facts, fmt.Sprintf("%s %s %s, for %s", counted(len(vms), "VM", fmt.Sprintf("%d VMs:", len(vms))), drain.Abridge(vms), would, why.because))
	}
	return facts
}

// reason is why VMs are shut down, and how sure that is.
type reason struct {
	because    string
	confidence drain.Confidence
}

// lossFacts says which volumes that are in use cannot be used while a node is down.
func lossFacts(node drain.NodePlan) []string {
	var used []string
	see := ""
	for _, loss := range node.Losses {
		if loss.Used {
			used = append(used, loss.Volume)
			if loss.Check != "" {
				see = " (see " + loss.Check + ")"
			}
		}
	}
	if len(used) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s in use would be unavailable while it is down, for all good replicas are there: %s%s", countedVolumes(len(used)), drain.Abridge(used), see)}
}
