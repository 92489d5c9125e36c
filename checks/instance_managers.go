package checks

import (
	"fmt"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	settingManagerImage = "default-instance-manager-image"
	// settingV2Engine is Harvester's setting with which the upgrade counts instance managers of the data engine v2 as well.
	settingV2Engine = "longhorn-v2-data-engine-enabled"
	// managersMerged is the release of Longhorn since which one instance manager per node does what two did before.
	managersMerged = "v1.5.0"
)

// managerKind tells instance managers apart of which a node must have exactly one each.
type managerKind struct {
	managerType lhv1.InstanceManagerType
	engine      lhv1.DataEngineType
}

// inWords is empty for the usual kind: "v2 ", "replica ".
func (k managerKind) inWords() string {
	words := ""
	if k.engine != lhv1.DataEngineTypeV1 {
		words = string(k.engine) + " "
	}
	if k.managerType != lhv1.InstanceManagerTypeAllInOne {
		words += string(k.managerType) + " "
	}
	return words
}

// managersOfNode are a node's instance managers of the current image, by kind.
type managersOfNode map[managerKind][]*cluster.InstanceManager

// wantedManagers lists the kinds of instance managers that every Longhorn node must have.
func wantedManagers(p *Pass) []managerKind {
	if before(p.Longhorn(), managersMerged) {
		return []managerKind{{lhv1.InstanceManagerTypeEngine, lhv1.DataEngineTypeV1}, {lhv1.InstanceManagerTypeReplica, lhv1.DataEngineTypeV1}}
	}
	wanted := []managerKind{{lhv1.InstanceManagerTypeAllInOne, lhv1.DataEngineTypeV1}}
	if enabled, _ := p.Setting(settingV2Engine); enabled == "true" {
		wanted = append(wanted, managerKind{lhv1.InstanceManagerTypeAllInOne, lhv1.DataEngineTypeV2})
	}
	return wanted
}

func kindOf(manager *cluster.InstanceManager) managerKind {
	kind := managerKind{manager.Spec.Type, cluster.Text(manager.Spec.DataEngine)}
	if kind.engine == "" {
		kind.engine = lhv1.DataEngineTypeV1 // Longhorn up to 1.4 has no other and does not say so.
	}
	return kind
}

// managersByNode returns the instance managers of the current image. Where that is not known all count, and it says so.
func managersByNode(p *Pass) map[string]managersOfNode {
	image, _ := p.LonghornSetting(settingManagerImage)
	if image == "" {
		p.Unknownf(&lhv1.Setting{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.LonghornNamespace, Name: settingManagerImage}},
			"it does not say which image instance managers should have")
	}
	byNode := map[string]managersOfNode{}
	for _, manager := range p.InstanceManagers() {
		if image != "" && manager.Spec.Image != image {
			continue
		}
		if byNode[manager.Spec.NodeID] == nil {
			byNode[manager.Spec.NodeID] = managersOfNode{}
		}
		byNode[manager.Spec.NodeID][kindOf(manager)] = append(byNode[manager.Spec.NodeID][kindOf(manager)], manager)
	}
	return byNode
}

// reportNoStorageNode reports a Longhorn node that never gets the instance managers that the upgrade waits for.
func reportNoStorageNode(p *Pass, node *lhv1.Node, fact string) {
	f := Finding{
		Object: ObjectOf(node), Message: fmt.Sprintf("Longhorn node %s %s", node.Name, fact),
		Remedy: fmt.Sprintf("make sure that it holds no replica that is needed, then kubectl -n %[1]s patch nodes.longhorn.io %[2]s --type merge "+
			"-p '{\"spec\":{\"allowScheduling\":false}}' && kubectl -n %[1]s delete nodes.longhorn.io %[2]s.", cluster.LonghornNamespace, node.Name),
	}
	if len(p.ManagedNodes()) == 1 {
		f.Severity = Warn // With one managed node the upgrade does not wait for instance managers.
	}
	p.Report(f)
}

// reportLonghornNode reports all that keeps one Longhorn node from having the instance managers that the upgrade waits for.
func reportLonghornNode(p *Pass, node *lhv1.Node, managers map[string]managersOfNode) {
	var facts []string
	if notReady := longhornNodeNotReady(p, node); notReady != "" {
		facts = append(facts, notReady)
	}
	starting := len(facts) == 0
	for _, kind := range wantedManagers(p) {
		wrong, isStarting := countManagers(p, node, kind, managers[node.Name][kind])
		if wrong != "" {
			facts = append(facts, wrong)
			starting = starting && isStarting
		}
	}
	if len(facts) == 0 {
		return
	}
	f := Finding{
		Object: ObjectOf(node), Message: fmt.Sprintf("Longhorn node %s %s", node.Name, strings.Join(facts, " and ")),
		Remedy: fmt.Sprintf("see what is there: kubectl -n %s get instancemanagers.longhorn.io,pods -o wide -l longhorn.io/node=%s; repair the node, or the pod that does not start.",
			cluster.LonghornNamespace, node.Name),
	}
	if starting {
		f.Transient, f.Settles = true, longhornSettles
		f.Remedy = "wait until it runs, a few minutes; if it does not, " + f.Remedy
	}
	p.Report(f)
}

// withoutStorageNode says why no Kubernetes node stands behind a Longhorn node; empty where one does.
func withoutStorageNode(kubernetes *corev1.Node) string {
	switch {
	case kubernetes == nil:
		return "has no Kubernetes node of that name"
	case cluster.IsWitness(kubernetes):
		return "belongs to a witness, which has no storage"
	case !cluster.IsManaged(kubernetes):
		return "belongs to a Kubernetes node that Harvester does not manage"
	}
	return ""
}

// longhornNodeNotReady says that Longhorn cannot use a node although Kubernetes can.
func longhornNodeNotReady(p *Pass, node *lhv1.Node) string {
	ready := cluster.LonghornCondition(node.Status.Conditions, lhv1.NodeConditionTypeReady)
	switch {
	case ready == nil:
		p.Unknownf(node, "it reports no condition Ready")
	case ready.Status == lhv1.ConditionStatusFalse:
		return "is not ready" + inParentheses(ready.Reason)
	case ready.Status != lhv1.ConditionStatusTrue:
		p.Unknownf(node, "its condition Ready is %q", ready.Status)
	}
	return ""
}

// countManagers says what is wrong with a node's instance managers of one kind, and whether that is only that one starts.
func countManagers(p *Pass, node *lhv1.Node, kind managerKind, managers []*cluster.InstanceManager) (wrong string, starting bool) {
	switch len(managers) {
	case 0:
		return fmt.Sprintf("has no %sinstance manager of the current image", kind.inWords()), false
	case 1:
	default:
		var names []string
		for _, manager := range managers {
			names = append(names, manager.Name)
		}
		return fmt.Sprintf("has %d %sinstance managers of the current image (%s)", len(managers), kind.inWords(), abridge(names)), false
	}
	manager := managers[0]
	switch state := cluster.Text(manager.Status.CurrentState); state {
	case lhv1.InstanceManagerStateRunning:
		return "", false
	case lhv1.InstanceManagerStateStarting, lhv1.InstanceManagerStateStopped, lhv1.InstanceManagerStateError, lhv1.InstanceManagerStateUnknown:
		return fmt.Sprintf("has no running %sinstance manager (%s is %s)", kind.inWords(), manager.Name, inState(state)), state == lhv1.InstanceManagerStateStarting
	case "":
		p.Unknownf(node, "its instance manager %s reports no state", manager.Name)
	default:
		p.Unknownf(node, "its instance manager %s is in state %q, a word that is not known", manager.Name, state)
	}
	return "", false
}

func inState(state lhv1.InstanceManagerState) string {
	switch state {
	case lhv1.InstanceManagerStateError, lhv1.InstanceManagerStateUnknown:
		return "in state " + string(state)
	}
	return string(state)
}

// reportOldManagers warns of instance managers of an older image that engines keep alive: they go when their VMs have moved or
// stopped, as those of the next upgrade will.
func reportOldManagers(p *Pass) {
	image, _ := p.LonghornSetting(settingManagerImage)
	for _, manager := range p.InstanceManagers() {
		if image == "" || manager.Spec.Image == image || manager.DeletionTimestamp != nil {
			continue
		}
		if cluster.Text(manager.Status.CurrentState) == "" {
			p.Unknownf(manager, "it reports no state")
			continue
		}
		if engines := enginesIn(p, manager); engines > 0 {
			p.Report(Finding{
				Object: ObjectOf(manager), Severity: Warn,
				Message: fmt.Sprintf("instance manager %s on %s still runs %d %s on the older image %s", manager.Name, manager.Spec.NodeID, engines, counted(engines, "engine", "engines"), manager.Spec.Image),
				Remedy:  "migrate or restart the VMs whose volumes it serves; Longhorn removes it when it is empty.",
			})
		}
	}
}

// enginesIn counts the engines that run in an instance manager, in both forms in which they are listed. What the control plane has lost
// there no VM keeps alive, and orphaned-engines reports it.
func enginesIn(p *Pass, manager *cluster.InstanceManager) int {
	engines := 0
	count := func(name string) {
		if engine := p.Engine(name); engine != nil && isPlaced(&engine.Spec.InstanceSpec, &engine.Status.InstanceStatus, manager) {
			engines++
		}
	}
	for name := range manager.Status.InstanceEngines.All() {
		count(name)
	}
	for name := range manager.Status.Instances.All() {
		count(name) // A replica has another name than any engine.
	}
	return engines
}
