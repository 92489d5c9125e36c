package checks

import (
	"fmt"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// The rules of single-replica-volumes. The annotation harvesterhci.io/skipSingleReplicaDetachedVol waives the second alone.
const (
	ruleAttachedSingle = "attached"
	ruleDetachedSingle = "detached"
)

const (
	// detachedNoLongerBlocks is the first release whose drain passes by the last replica of a detached volume: it sets Longhorn's
	// node-drain-policy to allow-if-replica-is-stopped.
	detachedNoLongerBlocks = "v1.4.0"
	// detachedIsRefused is the first release whose own webhook refuses an upgrade for detached volumes too.
	detachedIsRefused = "v1.5.0"
)

// singleReplicaVolumes finds volumes of which there is only one copy.
func singleReplicaVolumes() Check {
	return Check{
		Name:  "single-replica-volumes",
		Title: "Volumes have a single replica",
		Why: "Longhorn does not let go of a node that holds the last replica of a volume in use, so that the node stays in Pre-drained for ever. Of a " +
			"detached volume the only copy is away while its node restarts, and lost if the node does not come back.",
		Finds: "On clusters of more than one node, volumes for which one replica is asked, bound to its node (strict-local) or not: attached ones (or being attached or created), and all others, as a " +
			"warning where neither the drain nor Harvester's own webhook minds them, in upgrades from before v1.5.0 to v1.4.0 or later.",
		Remedy: "raise the number of replicas and wait until the volume is healthy: kubectl -n longhorn-system patch volumes.longhorn.io VOLUME " +
			`--type merge -p '{"spec":{"numberOfReplicas":3}}'; or stop the VM for the time of the upgrade.`,
		Severity: Block,
		Waivable: true,
		Needs:    []cluster.Kind{cluster.Volumes, cluster.Nodes},
		Uses:     []cluster.Kind{cluster.Replicas, cluster.HarvesterSettings},
		Sources: []string{
			"harvester/harvester#4467", "harvester/harvester#4249", "harvester/harvester#2053", "harvester/harvester#7323", "harvester/harvester#7361",
			"longhorn/longhorn#5910", "harvester/harvester pkg/webhook/resources/upgrade checkSingleReplicaVolumes",
			"longhorn/longhorn-manager controller canDeleteInstanceManagerPDB",
		},
		Elsewhere: Peers{
			Webhook: "the same, detached ones only since v1.5.0; the annotation skipSingleReplicaDetachedVol counts with any value",
			Script:  "attached and detached ones",
		},
		Run: runSingleReplicaVolumes,
	}
}

func runSingleReplicaVolumes(p *Pass) error {
	if isSingleNode(p) {
		return nil // There is no other node for a second replica, and none is drained.
	}
	for _, volume := range p.Volumes() {
		if volume.Spec.NumberOfReplicas != 1 {
			if volume.Spec.NumberOfReplicas < 1 {
				p.Unknownf(volume, "it does not say how many replicas it should have")
			}
			continue
		}
		if because := unreadState(volume); because != "" {
			p.Unknownf(volume, "it has a single replica, and %s", because)
			continue
		}
		reportSingleReplica(p, volume)
	}
	return nil
}

func reportSingleReplica(p *Pass, volume *cluster.Volume) {
	f := Finding{Object: ObjectOf(volume), Rule: ruleDetachedSingle}
	more, fact := moreReplicas(p, volume), "has a single replica"
	if volume.Spec.DataLocality == lhv1.DataLocalityStrictLocal {
		fact += ", bound to its node (dataLocality strict-local),"
	}
	switch volume.Status.State {
	case lhv1.VolumeStateAttached, lhv1.VolumeStateAttaching, lhv1.VolumeStateCreating:
		f.Rule = ruleAttachedSingle
		f.Remedy = fmt.Sprintf("raise the number of replicas and wait until the volume is healthy: %s; or %s.", more, stopVM(p, volume))
	default:
		if passesByDetached(p) {
			f.Severity = Warn
		}
		f.Remedy = fmt.Sprintf("raise the number of replicas, attach the volume once and wait until it is healthy: %s; or accept that its only copy is away "+
			"while the node restarts: set the annotation harvesterhci.io/skipSingleReplicaDetachedVol=true on the Upgrade.", more)
	}
	f.Message = fmt.Sprintf("%s %s%s, and is %s", describeVolume(p, volume), fact, whereReplicasAre(p, volume), volume.Status.State)
	p.Report(f)
}

// moreReplicas returns the command that asks for more replicas. Longhorn lets no volume have them that is bound to its node, and
// unbinds it only while it is detached.
func moreReplicas(p *Pass, volume *cluster.Volume) string {
	spec := fmt.Sprintf(`"numberOfReplicas":%d`, min(len(p.Nodes()), 3))
	first := ""
	if volume.Spec.DataLocality == lhv1.DataLocalityStrictLocal {
		spec = `"dataLocality":"best-effort",` + spec
		if volume.Status.State != lhv1.VolumeStateDetached {
			first = stopVM(p, volume) + ", then "
		}
	}
	return fmt.Sprintf("%skubectl -n longhorn-system patch volumes.longhorn.io %s --type merge -p '{\"spec\":{%s}}'", first, volume.Name, spec)
}

// passesByDetached tells whether neither the drain nor Harvester's webhook stops at the single replica of a detached volume. Of
// versions that are not known it is false.
func passesByDetached(p *Pass) bool {
	running := p.Running()
	return before(running, detachedIsRefused) && (atLeast(running, detachedNoLongerBlocks) || atLeast(p.Target(), detachedNoLongerBlocks))
}

// whereReplicasAre returns " on node-1", for several " on node-1, node-2" in the order of their names; empty where no replica says.
func whereReplicasAre(p *Pass, volume *cluster.Volume) string {
	var nodes []string
	for _, replica := range p.ReplicasOf(volume.Name) {
		if node := cluster.Text(replica.Spec.NodeID); node != "" {
			nodes = append(nodes, node)
		}
	}
	if len(nodes) == 0 {
		return ""
	}
	slices.Sort(nodes)
	return " on " + strings.Join(slices.Compact(nodes), ", ")
}
