package checks

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// nodesUnready finds nodes on which the upgrade's own pods cannot run.
func nodesUnready() Check {
	return Check{
		Name:  "nodes-unready",
		Title: "Nodes are not ready, cordoned, under pressure or tainted",
		Why: "The upgrade prepares and upgrades every node in turn and gives up on none: on a node where its pods cannot start it waits for ever, " +
			"and the other nodes have less room for the VMs that must move.",
		Finds: "Nodes that are not ready, cordoned, short of memory or process IDs, or without network; and, as a warning, taints that neither Harvester " +
			"nor Kubernetes itself puts on a node.",
		Remedy:   "see what the node reports: kubectl describe node NAME; repair it, or remove it from the cluster.",
		Severity: Block,
		Needs:    []cluster.Kind{cluster.Nodes},
		Sources: []string{
			"harvester/harvester#3216", "harvester/harvester#6432", "harvester/harvester#2306", "harvester/harvester#7065",
			"harvester/harvester pkg/webhook/resources/upgrade checkNodes",
		},
		Elsewhere: Peers{
			Webhook: "nodes that are not ready or cordoned",
			Script:  "nodes that are not ready, cordoned or tainted",
		},
		Run: runNodesUnready,
	}
}

func runNodesUnready(p *Pass) error {
	for _, node := range p.Nodes() {
		facts, remedy := nodeFacts(node)
		taints := unexpectedTaints(node)
		if len(facts)+len(taints) > 0 {
			f := Finding{Object: ObjectOf(node), Remedy: remedy}
			if len(facts) == 0 {
				f.Severity = Warn
			}
			if len(taints) > 0 {
				facts = append(facts, fmt.Sprintf("carries the taint %s, which the upgrade's pods may not tolerate", strings.Join(taints, ", ")))
				if f.Severity == Warn {
					f.Remedy = fmt.Sprintf("remove the taint for the time of the upgrade: kubectl taint node %s %s-.", node.Name, strings.Join(taints, "- "))
				}
			}
			if f.Remedy == "" {
				f.Remedy = fmt.Sprintf("see what the node reports: kubectl describe node %s; repair it, or remove it from the cluster.", node.Name)
			}
			f.Message = fmt.Sprintf("node %s %s", node.Name, strings.Join(facts, " and "))
			p.Report(f)
		}
		reportUnjudgedNode(p, node)
	}
	return nil
}

// nodeFacts lists what keeps the upgrade's pods off a node, and what to do about it where that is the same for all.
func nodeFacts(node *corev1.Node) (facts []string, remedy string) {
	ready := cluster.NodeCondition(node, corev1.NodeReady)
	switch {
	case ready == nil || ready.Status == corev1.ConditionTrue:
	case ready.Status == corev1.ConditionUnknown:
		facts = append(facts, "is not ready: its kubelet stopped reporting"+inParentheses(ready.Reason))
	default:
		facts = append(facts, "is not ready"+inParentheses(ready.Reason))
	}
	if node.Spec.Unschedulable {
		facts = append(facts, "is cordoned")
		if len(facts) == 1 {
			remedy = fmt.Sprintf("if nobody is working on it: kubectl uncordon %s.", node.Name)
		}
	}
	for _, pressure := range pressures() {
		if c := cluster.NodeCondition(node, pressure); c != nil && c.Status == corev1.ConditionTrue {
			facts = append(facts, "reports "+string(pressure))
			remedy = ""
		}
	}
	return facts, remedy
}

// pressures are the conditions that keep pods off a node. DiskPressure is missing on purpose: disk-space reports it with the
// numbers.
func pressures() [3]corev1.NodeConditionType {
	return [...]corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodePIDPressure, corev1.NodeNetworkUnavailable}
}

// reportUnjudgedNode says which conditions of a node are not known. While the kubelet does not report at all, Ready says so.
func reportUnjudgedNode(p *Pass, node *corev1.Node) {
	ready := cluster.NodeCondition(node, corev1.NodeReady)
	if ready == nil {
		p.Unknownf(node, "it reports no condition Ready")
		return
	}
	if ready.Status != corev1.ConditionTrue {
		return
	}
	for _, pressure := range pressures() {
		if c := cluster.NodeCondition(node, pressure); c != nil && c.Status != corev1.ConditionTrue && c.Status != corev1.ConditionFalse {
			p.Unknownf(node, "its condition %s is %q", pressure, c.Status)
			return
		}
	}
}

// unexpectedTaints lists the taints that keep pods off a node and that neither Harvester nor a condition puts there.
func unexpectedTaints(node *corev1.Node) []string {
	var unexpected []string
	for _, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectPreferNoSchedule || isExpectedTaint(taint.Key) {
			continue
		}
		unexpected = append(unexpected, taintInWords(taint))
	}
	return unexpected
}

// taintInWords writes a taint as kubectl takes it: "dedicated=gpu:NoSchedule".
func taintInWords(taint corev1.Taint) string {
	if value := cluster.Text(taint.Value); value != "" {
		return fmt.Sprintf("%s=%s:%s", taint.Key, value, taint.Effect)
	}
	return fmt.Sprintf("%s:%s", taint.Key, taint.Effect)
}

func isExpectedTaint(key string) bool {
	switch key {
	case "CriticalAddonsOnly", cluster.LabelWitness, "kubernetes.io/arch",
		"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master", "node-role.kubernetes.io/etcd":
		return true // Those of Harvester's own roles, and one that the upgrade's plans tolerate.
	case corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable, corev1.TaintNodeUnschedulable, corev1.TaintNodeMemoryPressure,
		corev1.TaintNodeDiskPressure, corev1.TaintNodePIDPressure, corev1.TaintNodeNetworkUnavailable:
		return true // Kubernetes derives them from conditions, which are reported themselves.
	case drainTaint:
		return true // in-flight-migrations reports it.
	}
	return false
}
