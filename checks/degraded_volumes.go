package checks

import (
	"errors"
	"fmt"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// degradedVolumes finds what the upgrade's own wait for Longhorn's engines would wait for: it replays that rule
// (wait_longhorn_engines), and adds what will make it wait later.
func degradedVolumes() Check {
	return Check{
		Name:  "degraded-volumes",
		Title: "Volumes are degraded, rebuilding, or cannot get all their replicas",
		Why: "Before it drains a node the upgrade waits, without limit, until every volume in use is healthy; on two nodes, until it has two " +
			"usable replicas. A volume that cannot become healthy keeps the node in Pre-draining for ever.",
		Finds: "Volumes in use that the upgrade would wait for by its own rule (on three nodes or more their robustness, on two their usable replicas), " +
			"rebuilds that run or have failed, replicas that Longhorn cannot place, more replicas than there are nodes for them, " +
			"expansions that are pending, failed or unintended, and running engines whose volume does not exist. Of volumes that wait for a backing image " +
			"the cause is told by backing-images-unready; those that are being attached or detached are left to stale-attachments.",
		Remedy: "wait for running rebuilds; free disk space or un-cordon nodes so that replicas can be placed; lower numberOfReplicas where " +
			"there are not enough nodes: kubectl -n longhorn-system get volumes.longhorn.io,replicas.longhorn.io.",
		Severity: Block,
		Waivable: true,
		Needs: []cluster.Kind{
			cluster.Nodes, cluster.Volumes, cluster.Engines, cluster.Replicas, cluster.LonghornNodes, cluster.LonghornSettings,
		},
		Sources: []string{
			"harvester/harvester package/upgrade/upgrade_node.sh wait_longhorn_engines", "harvester/harvester#3164",
			"harvester/harvester#6425", "harvester/harvester#7902", "longhorn/longhorn#5709", "longhorn/longhorn#2805",
		},
		Elsewhere: Peers{
			Webhook: "degraded volumes, on three nodes or more and without naming one; none of unknown robustness",
			Script:  "running engines whose volume is not healthy, or on two nodes has too few usable replicas",
		},
		Run: runDegradedVolumes,
	}
}

func runDegradedVolumes(p *Pass) error {
	if len(p.Engines()) > 0 && len(p.ManagedNodes()) == 0 {
		return errors.New("no node carries the label " + cluster.LabelManaged + "=true, so it is not known how many replicas the upgrade waits for")
	}
	wait := waitRuleOf(p)
	for _, volume := range p.Volumes() {
		if p.IsOrdinary(volume) {
			if !wait.single {
				reportProspects(p, wait, volume)
			}
			continue
		}
		engines := p.EnginesOf(volume.Name)
		reportExpansion(p, volume, engines)
		if !wait.single {
			reportRedundancy(p, wait, volume, engines)
		} else if because := unreadState(volume); because != "" {
			p.Unknownf(volume, "%s", because)
		}
	}
	if !wait.single {
		reportRunningWithoutVolume(p)
	}
	return nil
}

// waitRule is how the upgrade waits for volumes in this cluster.
type waitRule struct {
	// nodes are the nodes that the upgrade counts.
	nodes int
	// single is true in a cluster of one node: its upgrade stops every VM, drains nothing and waits for no volume.
	single bool
	// homes are the Longhorn nodes that take new replicas.
	homes int
	// homesLater counts those as well that do not now for a reason that another check reports.
	homesLater int
}

func waitRuleOf(p *Pass) waitRule {
	now, later := replicaHomes(p)
	return waitRule{nodes: len(p.ManagedNodes()), single: isSingleNode(p), homes: now, homesLater: later}
}

// byRobustness tells whether the upgrade looks at the robustness; on two nodes it counts replicas, for a volume that
// wants three is degraded there for ever.
func (w waitRule) byRobustness() bool { return w.nodes > 2 }

// shortfall says what the upgrade would wait for in a volume in use; empty where it would not wait. inUse is how many
// replicas the engine with the fewest uses, and less than zero where no engine runs.
func (w waitRule) shortfall(volume *cluster.Volume, engines []*cluster.Engine, inUse int) string {
	switch {
	case inUse < 0:
		return fmt.Sprintf("is %s, but its engine %s is %s", volume.Status.State, engines[0].Name, engines[0].Status.CurrentState)
	case !w.byRobustness():
		wanted := 2
		if volume.Spec.NumberOfReplicas == 1 {
			wanted = 1
		}
		if inUse < wanted {
			return fmt.Sprintf("has %d %s in use, and on %d nodes the upgrade waits for %d", inUse, counted(inUse, "replica", "replicas"), w.nodes, wanted)
		}
	case volume.Status.Robustness == lhv1.VolumeRobustnessDegraded:
		return fmt.Sprintf("is degraded: %d of %d replicas are in use", inUse, volume.Spec.NumberOfReplicas)
	case volume.Status.Robustness != lhv1.VolumeRobustnessHealthy:
		return fmt.Sprintf("is %s with robustness %s while its engine runs", volume.Status.State, volume.Status.Robustness)
	}
	return ""
}

// reportRunningWithoutVolume finds running engines whose volume is gone: the upgrade reads its robustness as empty, and waits.
func reportRunningWithoutVolume(p *Pass) {
	for _, engine := range p.Engines() {
		name := cluster.VolumeOf(engine.Spec.VolumeName, engine.Labels)
		if p.Volume(name) != nil {
			continue
		}
		if engine.Status.CurrentState != lhv1.InstanceStateRunning {
			if because := unreadEngine([]*cluster.Engine{engine}); because != "" {
				p.Unknownf(engine, "its volume %q does not exist, and %s", name, because)
			}
			continue
		}
		p.Report(Finding{
			Object:  ObjectOf(engine),
			Message: fmt.Sprintf("engine %s runs on %s for volume %q, which does not exist, and the upgrade waits for that volume to be healthy", engine.Name, engine.Spec.NodeID, name),
			Remedy:  fmt.Sprintf("make sure that nothing uses it, then delete it: kubectl -n longhorn-system delete engines.longhorn.io %s.", engine.Name),
		})
	}
}
