package checks

import (
	"fmt"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// replicaHomes counts the Longhorn nodes that take new replicas: scheduling is allowed, and the node and one of its disks are
// ready and schedulable. A cordon is not held against a node: it is temporary, and nodes-unready reports it. later counts those as well
// that are not ready or being emptied, which longhorn-unsettled or nodes-unready, and longhorn-evictions, report once for all volumes.
func replicaHomes(p *Pass) (now, later int) {
	for _, node := range p.LonghornNodes() {
		switch {
		case isReplicaHome(node):
			now++
			later++
		case !isTrue(node.Status.Conditions, lhv1.NodeConditionTypeReady) || node.Spec.EvictionRequested || len(evictedDisks(node)) > 0:
			later++
		}
	}
	return now, later
}

func isReplicaHome(node *lhv1.Node) bool {
	if !node.Spec.AllowScheduling || !isTrue(node.Status.Conditions, lhv1.NodeConditionTypeReady) {
		return false
	}
	schedulable := cluster.LonghornCondition(node.Status.Conditions, lhv1.NodeConditionTypeSchedulable)
	if schedulable != nil && schedulable.Status != lhv1.ConditionStatusTrue && schedulable.Reason != lhv1.NodeConditionReasonKubernetesNodeCordoned {
		return false
	}
	for name, disk := range node.Spec.Disks {
		status := node.Status.DiskStatus[name]
		if !disk.AllowScheduling || status == nil {
			continue
		}
		if isTrue(status.Conditions, lhv1.DiskConditionTypeSchedulable) {
			return true
		}
	}
	return false
}

// tooFewHomes tells whether a volume wants more replicas than there are nodes for them.
func tooFewHomes(p *Pass, homes int, volume *cluster.Volume) bool {
	return volume.Spec.NumberOfReplicas > homes && !mayShareNode(p, volume)
}

// mayShareNode tells whether replicas of a volume may lie on the same node.
func mayShareNode(p *Pass, volume *cluster.Volume) bool {
	switch volume.Spec.ReplicaSoftAntiAffinity {
	case lhv1.ReplicaSoftAntiAffinityEnabled:
		return true
	case lhv1.ReplicaSoftAntiAffinityDisabled:
		return false
	}
	value, _ := p.LonghornSetting("replica-soft-anti-affinity")
	return value == "true"
}

// reportProspects warns of a healthy volume that the rolling upgrade will make wait.
func reportProspects(p *Pass, wait waitRule, volume *cluster.Volume) {
	if wait.byRobustness() && tooFewHomes(p, wait.homesLater, volume) {
		p.Report(Finding{
			Object: ObjectOf(volume), Rule: ruleReplicaCount, Severity: Warn,
			Message: fmt.Sprintf("%s wants %d replicas, but only %d Longhorn %s: a replica that is lost during the upgrade is not replaced",
				describeVolume(p, volume), volume.Spec.NumberOfReplicas, wait.homesLater, counted(wait.homesLater, "node takes replicas", "nodes take replicas")),
			Remedy: placeReplicas(volume, wait),
		})
	}
}

// reportUnplaced reports a volume for which Longhorn has found no place, although nothing waits for it now.
func reportUnplaced(p *Pass, volume *cluster.Volume, unplaced *lhv1.Condition, severity Severity) {
	p.Report(Finding{
		Object: ObjectOf(volume), Rule: ruleReplicaCount, Severity: severity,
		Message: fmt.Sprintf("%s (%s) wants %d replicas, and Longhorn cannot place all of them%s",
			describeVolume(p, volume), volume.Status.State, volume.Spec.NumberOfReplicas, inParentheses(explain(unplaced.Reason, unplaced.Message))),
		Remedy: "free disk space, or allow scheduling on another node or disk; or lower numberOfReplicas: " + lowerReplicas(volume, max(volume.Spec.NumberOfReplicas-1, 1)) + ".",
	})
}

func placeReplicas(volume *cluster.Volume, wait waitRule) string {
	fewer := min(max(wait.homes, 1), max(volume.Spec.NumberOfReplicas-1, 1))
	return "allow scheduling on more nodes and disks, or free space on them; where that cannot be, lower numberOfReplicas: " + lowerReplicas(volume, fewer) + "."
}

func lowerReplicas(volume *cluster.Volume, count int) string {
	return fmt.Sprintf(`kubectl -n longhorn-system patch volumes.longhorn.io %s --type merge -p '{"spec":{"numberOfReplicas":%d}}'`, volume.Name, count)
}
