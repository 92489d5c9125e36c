package checks

import (
	"fmt"
	"strings"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// staleAttachments finds volumes that are held on a node by something that no drain moves away.
func staleAttachments() Check {
	return Check{
		Name:  "stale-attachments",
		Title: "Volumes are attached for no running workload",
		Why: "Longhorn keeps a node's instance manager as long as one volume is attached there, so that the node stays in Pre-drained for ever; and a ticket " +
			"beside the VM's own keeps a migrating volume on the old node, which then stays in Pre-draining.",
		Finds: "While no migration of the volume's VM is running: volumes attached without a running workload; attachment tickets of others than the CSI driver, except those " +
			"of an operation that another check reports, and as a warning manual ones that a cordon removes, by Longhorn's setting or because the upgrade changes it; CSI tickets without their Kubernetes VolumeAttachment; volumes that " +
			"are attaching or detaching for more than 10 minutes; and Kubernetes VolumeAttachments of nodes or volumes that are gone, or whose deletion does not end.",
		Beyond: "Devices that the kernel of a node still holds open.",
		Remedy: "see who holds the volume: kubectl -n longhorn-system get volumeattachments.longhorn.io VOLUME -o yaml; detach it in Longhorn's UI, or stop the VM and start it " +
			"again.",
		Severity: Block,
		Waivable: true,
		Needs: []cluster.Kind{
			cluster.Volumes, cluster.Engines, cluster.VolumeAttachments, cluster.VMIs, cluster.Migrations, cluster.Nodes, cluster.Backups, cluster.Replicas, cluster.LonghornSettings, cluster.ManagedCharts,
		},
		Uses:      []cluster.Kind{cluster.Attachments},
		AsksKnown: []cluster.Kind{cluster.VMIs, cluster.Migrations},
		Sources: []string{
			"harvester/harvester#3648", "harvester/harvester#6754", "harvester/harvester#6594", "harvester/harvester#7067", "harvester/harvester#8974",
			"longhorn/longhorn#8339", "longhorn/longhorn#9267", "longhorn/longhorn#7994",
			"longhorn/longhorn-manager controller handleNodeCordoned", "longhorn/longhorn-manager controller canDeleteInstanceManagerPDB",
			"longhorn/longhorn-manager controller setWorkloads", "harvester/harvester package/upgrade/upgrade_manifests.sh patch_longhorn_settings",
		},
		Elsewhere: Peers{Script: "attached volumes without a running workload"},
		Run:       runStaleAttachments,
	}
}

func runStaleAttachments(p *Pass) error {
	operations := operationsOf(p)
	for _, volume := range p.Volumes() {
		if p.IsOrdinary(volume) {
			continue
		}
		if because := unreadState(volume); because != "" {
			p.Unknownf(volume, "%s", because)
		}
		holds := holdsOf(p, volume, operations)
		switch unread := unreadWorkload(p, volume); {
		case len(holds) == 0:
		case unread != "":
			p.Unknownf(volume, "%s; whether a VM that starts or migrates explains that is not known, %s", holdsInWords(p, holds), unread)
		case p.ActiveMigrationOfVolume(volume) == nil:
			reportHolds(p, volume, holds)
		}
	}
	reportStaleKubernetesAttachments(p)
	return nil
}

// hold is one thing that keeps a volume on a node, or between two states.
type hold struct {
	// fact goes on from "volume pvc-1 ": "is attached to node-1 without a running workload".
	fact string
	// remedy is a step towards its end, without a full stop.
	remedy string
	// since is when it began; zero where the objects do not say.
	since time.Time
	// unknown is set instead of a fact where it cannot be judged.
	unknown string
	// mild holds do not block.
	mild bool
	// passing holds also occur in normal life, and then end within settles of their beginning.
	passing bool
}

// holdsInWords says what is seen of a volume's attachment: "is attached to node-1 without a running workload".
func holdsInWords(p *Pass, holds []hold) string {
	var facts []string
	for _, h := range holds {
		if h.unknown != "" {
			facts = append(facts, h.unknown)
			continue
		}
		facts = append(facts, h.fact+lasting(p, h.since))
	}
	return strings.Join(facts, "; ")
}

// holdsOf lists what is stale about a volume's attachment, nothing for an ordinary one.
func holdsOf(p *Pass, volume *cluster.Volume, operations map[string]bool) []hold {
	tickets, explained := ticketHolds(p, volume, operations)
	var holds []hold
	switch {
	case isMoving(volume):
		if h, ok := arrivesNowhere(p, volume); ok {
			holds = append(holds, h)
		}
	case volume.Status.State == lhv1.VolumeStateAttached && !explained:
		if idle, ok := withoutWorkload(p, volume); ok {
			holds = append(holds, idle)
		}
	}
	return append(holds, tickets...)
}

// arrivesNowhere tells whether a volume has been on its way for too long. Between two nodes it may be so for ever, and
// multi-engine-volumes reports why.
func arrivesNowhere(p *Pass, volume *cluster.Volume) (hold, bool) {
	since := movingSince(p, volume)
	if !since.IsZero() && p.Age(since) < p.Settings.StaleEngineAge || len(tracesOf(p, volume)) > 0 {
		return hold{}, false
	}
	return hold{
		fact: fmt.Sprintf("is %s%s", volume.Status.State, onNodeNamed(volume)), since: since, passing: since.IsZero(),
		remedy: fmt.Sprintf("see why with kubectl -n longhorn-system describe volumes.longhorn.io %s", volume.Name),
	}, true
}

// withoutWorkload tells whether nothing that runs uses an attached volume. Longhorn keeps the list of its last pods when they
// are gone, and then notes when that was.
func withoutWorkload(p *Pass, volume *cluster.Volume) (hold, bool) {
	status := volume.Status.KubernetesStatus
	gone := cluster.Text(status.LastPodRefAt)
	starting := false
	if gone == "" {
		for _, workload := range status.WorkloadsStatus {
			switch workload.PodStatus {
			case "Running":
				return hold{}, false
			case "Pending":
				starting = true
			case "Succeeded", "Failed":
			default:
				return hold{unknown: fmt.Sprintf("its workload's pod %s is in phase %q", workload.PodName, workload.PodStatus)}, true
			}
		}
	}
	for _, vmi := range p.VMIsOf(volume) {
		if !vmi.IsFinal() {
			return hold{}, false // It starts, runs or ends; residual-vmis has those that do not.
		}
	}
	h := hold{fact: fmt.Sprintf("is attached%s without a running workload", onNodeNamed(volume)), passing: starting, mild: aCordonDetaches(p, volume)}
	h.remedy = fmt.Sprintf("detach it in Longhorn's UI, or see what holds it: kubectl -n longhorn-system get volumeattachments.longhorn.io %s -o yaml", volume.Name)
	if since := timeOf(gone); !since.IsZero() {
		h.since, h.passing = since, p.Age(since) < p.Settings.StaleEngineAge
	}
	return h, true
}

// movingSince is when a volume's latest ticket began to wait; zero where no ticket says so.
func movingSince(p *Pass, volume *cluster.Volume) time.Time {
	var since time.Time
	attachment := p.AttachmentOf(volume.Name)
	if attachment == nil {
		return since
	}
	for _, status := range attachment.Status.AttachmentTicketStatuses.All() {
		if at := satisfiedSince(status); status != nil && !status.Satisfied && at.After(since) {
			since = at
		}
	}
	return since
}

// satisfiedSince is when a ticket was satisfied, or when it ceased to be; zero where its status does not say.
func satisfiedSince(status *lhv1.AttachmentTicketStatus) time.Time {
	if status == nil {
		return time.Time{}
	}
	condition := cluster.LonghornCondition(status.Conditions, lhv1.AttachmentStatusConditionTypeSatisfied)
	if condition == nil {
		return time.Time{}
	}
	return timeOf(condition.LastTransitionTime)
}

func ticketSatisfiedSince(attachment *cluster.Attachment, ticket string) time.Time {
	status, _ := attachment.Status.AttachmentTicketStatuses.Get(ticket)
	return satisfiedSince(status)
}

func onNodeNamed(volume *cluster.Volume) string {
	if node := cluster.Text(volume.Status.CurrentNodeID); node != "" {
		return " on " + node
	}
	return ""
}

// reportHolds merges all that is stale about one volume into one finding.
func reportHolds(p *Pass, volume *cluster.Volume, holds []hold) {
	var facts, steps []string
	f := Finding{Object: ObjectOf(volume), Severity: Warn, Transient: true}
	for _, h := range holds {
		if h.unknown != "" {
			p.Unknownf(volume, "%s", h.unknown)
			continue
		}
		facts = append(facts, h.fact+lasting(p, h.since))
		if len(steps) == 0 || steps[len(steps)-1] != h.remedy {
			steps = append(steps, h.remedy)
		}
		if !h.mild {
			f.Severity = Block
		}
		f.Transient = f.Transient && h.passing
		if !h.since.IsZero() && (f.Since.IsZero() || h.since.Before(f.Since)) {
			f.Since = h.since
		}
	}
	if len(facts) == 0 {
		return
	}
	f.Message = describeVolume(p, volume) + " " + strings.Join(facts, "; ")
	f.Remedy = strings.Join(steps, "; ") + "."
	if f.Transient {
		f.Settles = p.Settings.StaleEngineAge
		f.Remedy = "wait a few minutes and retry; if it stays, " + f.Remedy
	}
	p.Report(f)
}
