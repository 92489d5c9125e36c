package checks

import (
	"errors"
	"fmt"
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
	reported := false
	for _, node := range plan.Nodes {
		var facts []string
		var down []string
		for _, vm := range node.ShutDowns {
			if vm.Check == "" && !p.Settings.ExcludedNamespaces[vm.Namespace] {
				down = append(down, fmt.Sprintf("%s/%s, %s", vm.Namespace, vm.Name, sureness(vm)))
			}
		}
		if len(down) > 0 {
			facts = append(facts, fmt.Sprintf("%d %s would be shut down, for %s: %s", len(down), counted(len(down), "VM", "VMs"), because(node.ShutDowns), drain.Abridge(down)))
		}
		var used []string
		for _, loss := range node.Losses {
			if loss.Used {
				used = append(used, loss.Volume)
			}
		}
		if len(used) > 0 {
			facts = append(facts, fmt.Sprintf("%d %s in use would not be available while it is down, all good replicas being there: %s", len(used), counted(len(used), "volume", "volumes"), drain.Abridge(used)))
		}
		if len(facts) > 0 {
			reported = true
			p.Report(Finding{Object: ObjectOf(p.Node(node.Node)), Message: fmt.Sprintf("when %s (%s of %d) is upgraded, %s", node.Node, ordinal(node.Position), node.Of, strings.Join(facts, "; and "))})
		}
	}
	if len(plan.Unknown) > 0 && !reported {
		return errors.New(drain.Abridge(plan.Unknown))
	}
	return nil
}

func sureness(vm drain.ShutDown) string {
	if vm.Confidence == drain.Certain {
		return "certainly"
	}
	return string(vm.Confidence)
}

// because returns the reason of the first VM that is shut down for want of room.
func because(downs []drain.ShutDown) string {
	for _, vm := range downs {
		if vm.Check == "" {
			return vm.Because
		}
	}
	return ""
}
