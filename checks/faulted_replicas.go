package checks

import (
	"fmt"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// faultedReplicas finds volumes without usable data, and volumes in use of which replicas are broken. There is one finding
// per volume; what merely waits for a rebuild belongs to degraded-volumes.
func faultedReplicas() Check {
	return Check{
		Name:  "faulted-replicas",
		Title: "Volumes have faulted or failed replicas",
		Why: "The upgrade waits without limit until every volume in use is healthy, so the first node never leaves Pre-draining. " +
			"Rebooting the node that holds the last good replica takes the volume away from its VM.",
		Finds: "Volumes that are faulted, attached or not; and volumes in use with a replica that is in state error, that should run and does not, that " +
			"has failed while too few others are good, or that its engine lists as ERR or in a mode that nobody knows.",
		Beyond: "Damage to a replica's files on a node's disk that Longhorn has not noticed yet.",
		Remedy: "delete a failed replica while a good one exists, and wait for the rebuild: " +
			"kubectl -n longhorn-system get volumes.longhorn.io,replicas.longhorn.io; a faulted volume must be salvaged or restored from a backup.",
		Severity: Block,
		Waivable: false,
		Needs:    []cluster.Kind{cluster.Volumes, cluster.Engines, cluster.Replicas},
		Sources: []string{
			"harvester/harvester#2053", "harvester/harvester#3164", "harvester/harvester#7679", "longhorn/longhorn#8587",
			"longhorn/longhorn#13914", "harvester/harvester package/upgrade/upgrade_node.sh wait_longhorn_engines",
		},
		Elsewhere: Peers{
			Webhook: "volumes that are degraded by it, on three nodes or more and without naming one; no faulted volume",
			Script:  "attached volumes that are not healthy; of detached ones only the number of replicas",
		},
		Run: runFaultedReplicas,
	}
}

func runFaultedReplicas(p *Pass) error {
	for _, volume := range p.Volumes() {
		if p.IsOrdinary(volume) {
			continue
		}
		engines, replicas := p.EnginesOf(volume.Name), p.ReplicasOf(volume.Name)
		switch {
		case volume.Status.Robustness == lhv1.VolumeRobustnessFaulted:
			reportFaulted(p, volume)
		case anyBroken(volume, engines, replicas):
			reportBrokenReplicas(p, volume)
		default:
			if because := unreadReplicas(volume, engines, replicas); because != "" {
				p.Unknownf(volume, "%s", because)
			}
		}
	}
	return nil
}

// unreadReplicas says why nothing can be said about a volume's replicas; empty where something can.
func unreadReplicas(volume *cluster.Volume, engines []*cluster.Engine, replicas []*cluster.Replica) string {
	if because := unreadRobustness(volume, engines); because != "" {
		return because
	}
	if volume.Status.State == lhv1.VolumeStateAttached && len(replicas) == 0 {
		return "it is attached, but has no replica"
	}
	return ""
}

func reportFaulted(p *Pass, volume *cluster.Volume) {
	p.Report(Finding{
		Object:  ObjectOf(volume),
		Message: fmt.Sprintf("%s is faulted (%s): %s", describeVolume(p, volume), volume.Status.State, unusable(len(p.ReplicasOf(volume.Name)))),
		Remedy: fmt.Sprintf("%s, then salvage volume %s in Longhorn's UI, or restore it from a backup; if nobody needs it, delete its claim.",
			stopVM(p, volume), volume.Name),
	})
}

func unusable(replicas int) string {
	if replicas == 0 {
		return "it has no replica left"
	}
	return fmt.Sprintf("none of its %d replicas can be used", replicas)
}

func reportBrokenReplicas(p *Pass, volume *cluster.Volume) {
	broken := brokenReplicas(p, volume)
	facts := make([]string, len(broken))
	var deletable, away []string
	for i, replica := range broken {
		facts[i] = replica.fact
		switch {
		case replica.away:
			away = append(away, replica.name)
		case replica.exists:
			deletable = append(deletable, replica.name)
		}
	}
	p.Report(Finding{
		Object: ObjectOf(volume),
		Message: fmt.Sprintf("%s has %d broken %s, of %d wanted: %s",
			describeVolume(p, volume), len(broken), counted(len(broken), "replica", "replicas"), volume.Spec.NumberOfReplicas, strings.Join(facts, "; ")),
		Remedy: repairReplicas(p, volume, deletable, away),
	})
}

// repairReplicas says how to get rid of broken replicas; one is only deleted while another holds the data.
func repairReplicas(p *Pass, volume *cluster.Volume, deletable, away []string) string {
	good := 0
	for _, replica := range p.ReplicasOf(volume.Name) {
		if isGood(replica) && replica.Status.CurrentState == lhv1.InstanceStateRunning && !slices.Contains(deletable, replica.Name) {
			good++
		}
	}
	switch {
	case good == 0:
		return fmt.Sprintf("no good replica of it runs, so delete none: bring back the nodes and disks of its replicas, then salvage volume %s in Longhorn's UI.", volume.Name)
	case len(away) > 0:
		return fmt.Sprintf("bring back the node of %s, and see what is still broken then; where a node is lost for good, delete its replicas while a good one is left.",
			strings.Join(away, " and "))
	case len(deletable) == 0:
		return stopVM(p, volume) + "; then start it again, which lets the engine, that lists what is no replica, start afresh."
	}
	return rebuildFirst(p, fmt.Sprintf("delete %s, of which Longhorn makes %s from the %d good %s: kubectl -n longhorn-system delete replicas.longhorn.io %s; then wait until the volume is healthy.",
		counted(len(deletable), "the broken replica", "the broken replicas"), counted(len(deletable), "a new one", "new ones"),
		good, counted(good, "one", "ones"), strings.Join(deletable, " ")))
}
