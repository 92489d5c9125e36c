package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// causesTold is how many causes a finding about one node spells out for each state.
const causesTold = 2

// drainEvidence is what the simulation of the rolling upgrade looks at.
func drainEvidence() []cluster.Kind {
	return []cluster.Kind{
		cluster.Nodes, cluster.Machines, cluster.Pods, cluster.DaemonSets, cluster.DisruptionBudgets, cluster.VMIs, cluster.VirtualMachines, cluster.Migrations,
		cluster.KubeVirts, cluster.Volumes, cluster.Engines, cluster.Replicas, cluster.InstanceManagers, cluster.Attachments, cluster.VolumeAttachments,
		cluster.PersistentVolumeClaims, cluster.LonghornNodes, cluster.LonghornSettings, cluster.ManagedCharts,
	}
}

// drainStuck simulates the rolling upgrade, and finds the nodes at which it would hang.
func drainStuck() Check {
	return Check{
		Name:  "drain-stuck",
		Title: "The rolling upgrade would hang at a node",
		Why: "Harvester upgrades one node after another and waits without a time limit until its VMs have left and its pods are evicted: one VM, one volume or one pod " +
			"holds everything, with a node already cordoned.",
		Finds: "Nodes at which the simulated upgrade hangs, in which state and on what: VMs that find no room elsewhere before v1.7.0, budgets that are used up by pods that find no room, launchers without a VM, " +
			"volumes that stay degraded after a node before, no CPU for the second instance manager, no other node for the upgrade's own files; and, with a reference, whatever other checks " +
			"find that holds a drain.",
		Beyond:   "What happens during the upgrade only: networks too slow for a migration, hardware, images and boot loaders, and which node the scheduler picks; docs/drain.md lists it.",
		Remedy:   "see what happens at each node, and what to do, with upgrade-gate plan.",
		Severity: Block, Waivable: true,
		Needs: drainEvidence(), Uses: []cluster.Kind{cluster.ValidatingWebhooks, cluster.EndpointSlices, cluster.Secrets},
		Sources: []string{
			"harvester/harvester#7679", "harvester/harvester#7366", "harvester/harvester#3730", "harvester/harvester#7647", "harvester/harvester#9326",
			"harvester/harvester package/upgrade/upgrade_node.sh command_pre_drain", "rancher/rancher pkg/controllers/capr/machinedrain",
			"longhorn/longhorn-manager controller canDeleteInstanceManagerPDB",
		},
		Elsewhere: Peers{Webhook: "VMs that cannot be moved, by three of their fields", Script: "VMs with a CD-ROM or host devices"},
		Run:       runDrainStuck,
	}
}

func runDrainStuck(p *Pass) error {
	plan := p.Plan()
	for _, stop := range plan.Before {
		reportBefore(p, stop)
	}
	for _, node := range plan.Nodes {
		if len(node.Stops) > 0 {
			reportStuckNode(p, node)
		}
	}
	if evidence := p.Evidence(cluster.ValidatingWebhooks); evidence.State != cluster.Read {
		p.LeaveOut(fmt.Sprintf("webhooks that must approve evictions (%s)", evidence.Because))
	}
	if p.Target() == nil {
		p.LeaveOut(fmt.Sprintf("rules of releases before %s, for the target version is not known", plan.RulesOf))
	}
	reportUnsimulated(p, plan)
	return nil
}

// reportBefore reports what holds the upgrade before any node is drained.
func reportBefore(p *Pass, stop drain.Stop) {
	f := Finding{Object: ObjectOf(stop.Object), Remedy: stop.Remedy, Severity: severityOf(stop.Confidence), Transient: stop.Transient}
	would := "would"
	if stop.Confidence == drain.Possible {
		would = "could"
	}
	f.Message = fmt.Sprintf("the upgrade %s hang in %s, before any node is drained: %s", would, stop.State, stop.Because)
	if stop.Check != "" {
		f.Severity = Warn // Its own check refuses, or has been told not to.
		f.Message += " (see " + stop.Check + ")"
		f.Remedy = "do what " + stop.Check + " says; upgrade-gate plan shows each node."
	}
	p.Report(f)
}

// severityOf lets only what is certain or likely refuse an upgrade.
func severityOf(confidence drain.Confidence) Severity {
	if confidence == drain.Possible {
		return Warn
	}
	return Block
}

// reportStuckNode reports all that a node would hang on as one finding. What another check reports it only refers to, and leaves to that
// check whether it refuses the upgrade: one cause is decided upon once, also where a policy has softened the other check.
func reportStuckNode(p *Pass, node drain.NodePlan) {
	f := Finding{Object: ObjectOf(p.Node(node.Node)), Severity: Warn, Transient: true}
	var owners, remedies []string
	would := "could"
	for _, stop := range node.Stops {
		if severityOf(stop.Confidence) == Block {
			would = "would"
			if stop.Check == "" {
				f.Severity = Block
			}
		}
		f.Transient = f.Transient && stop.Transient
		switch {
		case stop.Check != "" && !slices.Contains(owners, stop.Check):
			owners = append(owners, stop.Check)
		case stop.Remedy != "" && !slices.Contains(remedies, stop.Remedy):
			remedies = append(remedies, strings.TrimSuffix(stop.Remedy, "."))
		}
	}
	f.Message = fmt.Sprintf("%s (%s) %s hang in %s", node.Node, placeOf(node), would, strings.Join(hangsByState(node.Stops), ". After that it "+would+" hang in "))
	if len(owners) > 0 {
		remedies = append(remedies, "do what "+enumerate(owners)+" "+counted(len(owners), "says", "say"))
	}
	f.Remedy = strings.Join(remedies, "; then ") + "; upgrade-gate plan shows each node."
	if f.Transient {
		f.Remedy = "wait until that is over, and retry; if it stays, " + f.Remedy
	}
	p.Report(f)
}

// placeOf says where in the order a node comes: "1st of 4", or "1st to 3rd of 4" where several orders are possible.
func placeOf(node drain.NodePlan) string {
	if node.Earliest < node.Latest {
		return fmt.Sprintf("%s to %s of %d", drain.Ordinal(node.Earliest), drain.Ordinal(node.Latest), node.Of)
	}
	return fmt.Sprintf("%s of %d", drain.Ordinal(node.Position), node.Of)
}

// hangsByState says on what a node hangs, state by state: "Pre-drained: A; B; and 3 more".
func hangsByState(stops []drain.Stop) []string {
	var states []drain.State
	facts := map[drain.State][]string{}
	for _, stop := range stops {
		fact := stop.Because
		if stop.Check != "" {
			fact += " (see " + stop.Check + ")"
		}
		if stop.OrderDependent {
			fact += ", in some of the possible orders of the nodes"
		}
		if facts[stop.State] == nil {
			states = append(states, stop.State)
		}
		facts[stop.State] = append(facts[stop.State], fact)
	}
	var texts []string
	for _, state := range states {
		told := facts[state]
		if more := len(told) - causesTold; more > 0 {
			told = append(told[:causesTold:causesTold], fmt.Sprintf("and %d more", more))
		}
		texts = append(texts, fmt.Sprintf("%s: %s", state, strings.Join(told, "; ")))
	}
	return texts
}

// enumerate joins names to "a, b and c".
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
