package checks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// phaseRunning is the phase of a machine at rest.
const phaseRunning = "Running"

// Labels by which Kubernetes and Rancher say what a node is for.
const (
	labelControlPlane = "node-role.kubernetes.io/control-plane"
	labelEtcd         = "node-role.kubernetes.io/etcd"
)

// machinesMismatched finds nodes that Cluster API sees differently than Kubernetes does.
func machinesMismatched() Check {
	return Check{
		Name:  "machines-mismatched",
		Title: "Machines and nodes do not match",
		Why: "Rancher upgrades machine by machine, not node by node: it waits without a limit for a machine that has no node or is not running, and never upgrades a node that " +
			"has no machine; a node with an older kubelet is one that an earlier upgrade did not finish.",
		Finds: "Machines that are not Running, are being deleted, have no node, or share one with another machine; nodes without a machine, or whose annotation names another; kubelets " +
			"of different versions; and, as a warning, a witness that is also a control plane, and a managed node of etcd alone that is not marked as a witness.",
		Remedy:   "finish or undo the adding or removing of the node: kubectl get machines.cluster.x-k8s.io -n fleet-local -o wide; kubectl get nodes.",
		Severity: Block,
		Needs:    []cluster.Kind{cluster.Machines, cluster.Nodes},
		Sources: []string{
			"harvester/harvester#7065", "harvester/harvester#6022", "harvester/harvester#5158", "harvester/harvester#8454", "harvester/harvester#2306",
			"harvester/harvester#6203", "harvester/harvester#3021", "harvester/harvester#3216", "harvester/harvester#7067",
			"harvester/harvester pkg/webhook/resources/upgrade checkMachines", "rancher/rancher pkg/capr/planner collect",
		},
		Elsewhere: Peers{
			Webhook: "machines that are not running, and nodes without a machine; no machine that is being deleted, no kubelet versions",
			Script:  "machines that are not running, and whether there are as many as nodes",
		},
		Run: runMachinesMismatched,
	}
}

func runMachinesMismatched(p *Pass) error {
	machineOf, byName := pairMachines(p)
	for _, machine := range byName {
		reportMachine(p, machine, machineOf)
	}
	newest := newestKubelet(p)
	for _, node := range p.Nodes() {
		reportMachinelessNode(p, node, machineOf, byName, newest)
		reportWitness(p, node)
	}
	return nil
}

// pairMachines returns the machines of this cluster by their nodes' names and by their own. Of several that name one node the first
// by name has it.
func pairMachines(p *Pass) (machineOf, byName map[string]*cluster.Machine) {
	machineOf, byName = map[string]*cluster.Machine{}, map[string]*cluster.Machine{}
	for _, machine := range p.Machines() {
		if machine.Namespace != cluster.FleetLocalNamespace {
			continue // Of a guest cluster, whose nodes are VMs.
		}
		byName[machine.Name] = machine
		if node := nodeOf(machine); node != "" && (machineOf[node] == nil || machine.Name < machineOf[node].Name) {
			machineOf[node] = machine
		}
	}
	return machineOf, byName
}

// nodeOf returns the name of a machine's node; empty where there is none yet.
func nodeOf(machine *cluster.Machine) string {
	if machine.Status.NodeRef == nil {
		return ""
	}
	return cluster.Text(machine.Status.NodeRef.Name)
}

func reportMachine(p *Pass, machine *cluster.Machine, machineOf map[string]*cluster.Machine) {
	facts, because := machineFacts(p, machine, machineOf)
	if because != "" {
		p.Unknownf(machine, "%s", because)
	}
	if len(facts) == 0 {
		return
	}
	f := Finding{Object: ObjectOf(machine),
		Message: fmt.Sprintf("machine %s/%s%s %s", machine.Namespace, machine.Name, ofNode(machine), strings.Join(facts, ", and "))}
	if !machine.DeletionTimestamp.IsZero() {
		f.Remedy = fmt.Sprintf("see what its deletion waits for: kubectl -n %s describe machines.cluster.x-k8s.io %s; repair that, or finish the removal of the node.",
			machine.Namespace, machine.Name)
	}
	p.Report(f)
}

// machineFacts lists what is wrong with a machine, and says why its phase could not be judged; because is empty where it could.
func machineFacts(p *Pass, machine *cluster.Machine, machineOf map[string]*cluster.Machine) (facts []string, because string) {
	deleted := !machine.DeletionTimestamp.IsZero()
	if deleted {
		facts = append(facts, "is being deleted"+lasting(p, machine.DeletionTimestamp.Time))
	}
	switch phase := cluster.Text(machine.Status.Phase); phase {
	case phaseRunning:
	case "Deleting", "Deleted":
		if !deleted {
			facts = append(facts, "is in phase "+phase)
		}
	case "Pending", "Provisioning", phaseProvisioned, "Failed", "Unknown":
		facts = append(facts, "is in phase "+phase)
	case "":
		because = "it reports no phase"
	default:
		because = fmt.Sprintf("its phase is %q, a word that is not known", phase)
	}
	if fact := pairing(p, machine, machineOf); fact != "" {
		facts = append(facts, fact)
	}
	return facts, because
}

// mismatchedMachineIn returns the first machine by name that a message names and machines-mismatched reports; empty where there is none, or
// where that check cannot be judged.
func mismatchedMachineIn(p *Pass, message string) string {
	if p.Evidence(cluster.Machines).State != cluster.Read || p.Evidence(cluster.Nodes).State != cluster.Read {
		return ""
	}
	machineOf, byName := pairMachines(p)
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if !strings.Contains(message, name) {
			continue
		}
		if facts, _ := machineFacts(p, byName[name], machineOf); len(facts) > 0 {
			return name
		}
	}
	return ""
}

// pairing says how a machine and its node do not belong together; empty where they do.
func pairing(p *Pass, machine *cluster.Machine, machineOf map[string]*cluster.Machine) string {
	name := nodeOf(machine)
	if name == "" {
		return "has no node"
	}
	node := p.Node(name)
	switch {
	case node == nil:
		return "has a node that does not exist"
	case machineOf[name] != machine:
		return fmt.Sprintf("has the same node as machine %s", machineOf[name].Name)
	}
	switch named := cluster.Text(node.Annotations[cluster.AnnotationMachine]); named {
	case machine.Name:
		return ""
	case "":
		return "has a node without the annotation " + cluster.AnnotationMachine
	default:
		return fmt.Sprintf("has a node whose annotation %s names %s", cluster.AnnotationMachine, named)
	}
}

func ofNode(machine *cluster.Machine) string {
	if node := nodeOf(machine); node != "" {
		return " of node " + node
	}
	return ""
}

// reportMachinelessNode reports a node that no machine has, and one whose kubelet is older than others. A machine that the node's annotation
// names, but that does not name the node, reports that itself.
func reportMachinelessNode(p *Pass, node *corev1.Node, machineOf, byName map[string]*cluster.Machine, newest string) {
	var facts []string
	if machineOf[node.Name] == nil && byName[cluster.Text(node.Annotations[cluster.AnnotationMachine])] == nil {
		facts = append(facts, "has no machine")
	}
	remedy := ""
	kubelet := cluster.Text(node.Status.NodeInfo.KubeletVersion)
	switch {
	case semantic(kubelet) == nil && kubelet == "":
		p.Unknownf(node, "it does not report its kubelet's version")
	case semantic(kubelet) == nil:
		p.Unknownf(node, "its kubelet's version is %q, which is no version", kubelet)
	case kubelet != newest:
		facts = append(facts, fmt.Sprintf("runs kubelet %s, while others run %s", kubelet, newest))
		if len(facts) == 1 {
			remedy = fmt.Sprintf("finish the upgrade of Kubernetes on it: see what its agent waits for with journalctl -u rancher-system-agent on %s, "+
				"and restart it there with systemctl restart rancher-system-agent.", node.Name)
		}
	}
	if len(facts) > 0 {
		p.Report(Finding{Object: ObjectOf(node), Remedy: remedy, Message: fmt.Sprintf("node %s %s", node.Name, strings.Join(facts, " and "))})
	}
}

// newestKubelet returns the newest of the kubelets' versions, builds of one release told apart by their text.
func newestKubelet(p *Pass) string {
	var versions []string
	for _, node := range p.Nodes() {
		if text := cluster.Text(node.Status.NodeInfo.KubeletVersion); semantic(text) != nil {
			versions = append(versions, text)
		}
	}
	if len(versions) == 0 {
		return ""
	}
	return slices.MaxFunc(versions, func(a, b string) int {
		if semantic(a).LessThan(semantic(b)) {
			return -1
		}
		if semantic(b).LessThan(semantic(a)) {
			return 1
		}
		return cmp.Compare(a, b)
	})
}

// reportWitness warns of a node whose roles do not fit its label: Harvester counts on a longhorn-manager on each managed node that is
// no witness, and the taint of a node of etcd alone keeps it away.
func reportWitness(p *Pass, node *corev1.Node) {
	_, controlPlane := node.Labels[labelControlPlane]
	_, etcd := node.Labels[labelEtcd]
	switch {
	case cluster.IsWitness(node) && controlPlane:
		p.Report(Finding{Object: ObjectOf(node), Rule: "witness", Severity: Warn, Message: fmt.Sprintf("node %s is labelled as a witness, but is a control plane, too", node.Name),
			Remedy: fmt.Sprintf("remove the label if it is to run VMs, for a witness is added to the cluster as one: kubectl label node %s %s-.", node.Name, cluster.LabelWitness)})
	case !cluster.IsWitness(node) && cluster.IsManaged(node) && etcd && !controlPlane:
		p.Report(Finding{Object: ObjectOf(node), Rule: "witness", Severity: Warn, Message: fmt.Sprintf("node %s runs etcd alone, but is not labelled as a witness", node.Name),
			Remedy: fmt.Sprintf("label it: kubectl label node %s %s=true.", node.Name, cluster.LabelWitness)})
	}
}
