package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// trace is one thing about a volume that only a migration in progress may have.
type trace struct {
	// fact goes on from "volume pvc-1 ": "has 2 engines, …".
	fact string
	// remedy is what to do once the VM is stopped.
	remedy string
	// since is when it began; zero where the objects do not say.
	since time.Time
	// certain is true where not even a migration in progress explains it, so that its age does not matter.
	certain bool
}

// tracesOf lists the traces of a migration in a volume, none for an ordinary one.
func tracesOf(p *Pass, volume *cluster.Volume) []trace {
	var traces []trace
	if engines := p.EnginesOf(volume.Name); len(engines) > 1 || (len(engines) == 1 && engines[0].DeletionTimestamp != nil) {
		traces = engineTraces(p, volume, engines, traces)
	}
	if !isShared(volume) {
		// Who removes a Kubernetes attachment removes its ticket with it, and what still has two tickets is marked again.
		if attachments := p.KubernetesAttachmentsOf(persistentVolumeOf(volume)); len(attachments) > 1 {
			traces = attachmentTraces(p, volume, attachments, traces)
		}
		if attachment := p.AttachmentOf(volume.Name); attachment != nil {
			traces = ticketTraces(p, volume, attachment, traces)
		}
	}
	return nodeTraces(volume, traces)
}

// isShared tells whether several nodes may use a volume at once, through Longhorn's share manager
// (longhorn-manager, isRegularRWXVolume). Disks of VMs are rwx too, but migratable.
func isShared(volume *cluster.Volume) bool {
	return volume.Spec.AccessMode == lhv1.AccessModeReadWriteMany && !volume.Spec.Migratable
}

// persistentVolumeOf returns the persistent volume's name, which is the volume's own where Longhorn has not noted it.
func persistentVolumeOf(volume *cluster.Volume) string {
	if name := cluster.Text(volume.Status.KubernetesStatus.PVName); name != "" {
		return name
	}
	return volume.Name
}

func engineTraces(p *Pass, volume *cluster.Volume, engines []*cluster.Engine, traces []trace) []trace {
	var names, extra []string
	var youngest time.Time
	active, sharesNode, nodes := 0, false, map[string]bool{}
	for _, engine := range engines {
		if engine.DeletionTimestamp != nil {
			if age := p.Age(engine.DeletionTimestamp.Time); age >= p.Settings.StaleEngineAge {
				traces = append(traces, trace{
					fact:   fmt.Sprintf("has an engine, %s on %s, whose deletion began %s ago and is not done", engine.Name, nodeOr(engine.Spec.NodeID), spell(age)),
					remedy: "see why the instance manager does not stop it: kubectl -n longhorn-system get instancemanagers.longhorn.io",
					since:  engine.DeletionTimestamp.Time,
				})
			}
			continue
		}
		name := fmt.Sprintf("%s on %s", engine.Name, nodeOr(engine.Spec.NodeID))
		if engine.Spec.Active {
			active++
			name += " (active)"
		}
		if !engine.Spec.Active && !isUsedOn(p, volume, engine.Spec.NodeID) {
			extra = append(extra, engine.Name)
		}
		names = append(names, name)
		if node := cluster.Text(engine.Spec.NodeID); node != "" {
			sharesNode = sharesNode || nodes[node]
			nodes[node] = true
		}
		if engine.CreationTimestamp.After(youngest) {
			youngest = engine.CreationTimestamp.Time
		}
	}
	if len(names) < 2 {
		return traces
	}
	t := trace{fact: fmt.Sprintf("has %d engines, %s", len(names), strings.Join(names, " and ")), since: youngest}
	t.certain = active > 1 || len(names) > 2 || sharesNode // A migration has two, one on each of two nodes, of which one is active.
	if active > 1 {
		t.fact = fmt.Sprintf("has %d active engines, %s", active, strings.Join(names, " and "))
	}
	t.remedy = "find out which engine has the current data, and delete the others: kubectl -n longhorn-system get engines.longhorn.io -l longhornvolume=" + volume.Name
	if current := cluster.Text(volume.Status.CurrentNodeID); current != "" && len(extra) == len(names)-1 {
		t.remedy = fmt.Sprintf("delete what is not on the volume's node, %s: kubectl -n longhorn-system delete engines.longhorn.io %s", current, strings.Join(extra, " "))
	}
	return append(traces, t)
}

// isUsedOn tells whether a volume, or a VM that has it, is on a node, so that nothing of it may be removed there. A broken
// migration can leave the two on different nodes. A VM that is not known may be anywhere.
func isUsedOn(p *Pass, volume *cluster.Volume, node string) bool {
	if volume.Status.CurrentNodeID == node || unreadWorkload(p, volume) != "" {
		return true
	}
	for _, vmi := range p.VMIsOf(volume) {
		if vmi.Status.NodeName == node {
			return true
		}
	}
	return false
}

// nodeTraces finds the node names that Longhorn writes for the time of a migration.
func nodeTraces(volume *cluster.Volume, traces []trace) []trace {
	wanted, current := cluster.Text(volume.Spec.MigrationNodeID), cluster.Text(volume.Status.CurrentMigrationNodeID)
	if wanted == "" && current == "" {
		return traces
	}
	return append(traces, trace{
		fact: fmt.Sprintf("is marked as migrating to %s (spec.migrationNodeID %q, status.currentMigrationNodeID %q, volume %s)",
			nodeOr(current, wanted), wanted, current, volume.Status.State),
		remedy: "once it is detached, clear the mark: " + clearMark(volume.Name, wanted, current),
	})
}

// clearMark clears those of the two node names that are set. They are written through different endpoints.
func clearMark(volume, wanted, current string) string {
	var commands []string
	if wanted != "" {
		commands = append(commands, fmt.Sprintf(`kubectl -n longhorn-system patch volumes.longhorn.io %s --type merge -p '{"spec":{"migrationNodeID":""}}'`, volume))
	}
	if current != "" {
		commands = append(commands, fmt.Sprintf("kubectl -n longhorn-system patch volumes.longhorn.io %s --type merge --subresource status "+
			`-p '{"status":{"currentMigrationNodeID":""}}'`, volume))
	}
	return strings.Join(commands, " && ")
}

// ticketTraces looks at the tickets by which Longhorn attaches a volume.
func ticketTraces(p *Pass, volume *cluster.Volume, attachment *cluster.Attachment, traces []trace) []trace {
	if attachment.DeletionTimestamp != nil && len(attachment.Spec.AttachmentTickets) == 0 {
		return append(traces, trace{
			fact: "has a Longhorn attachment that is being deleted and has no ticket left", since: attachment.DeletionTimestamp.Time,
			remedy: "see what holds it: kubectl -n longhorn-system get volumeattachments.longhorn.io " + volume.Name + " -o yaml",
		})
	}
	if len(attachment.Spec.AttachmentTickets) < 2 {
		return traces
	}
	var nodes, stale, removals []string
	for id, ticket := range attachment.Spec.AttachmentTickets.All() {
		if ticket == nil || ticket.Type != lhv1.AttacherTypeCSIAttacher {
			continue
		}
		status, _ := attachment.Status.AttachmentTicketStatuses.Get(id)
		if volume.Status.State == lhv1.VolumeStateDetached || (status != nil && status.Satisfied) {
			nodes = append(nodes, nodeOr(ticket.NodeID))
			if !isUsedOn(p, volume, ticket.NodeID) {
				stale = append(stale, nodeOr(ticket.NodeID))
				removals = append(removals, removeTicket(attachment, id))
			}
		}
	}
	if len(nodes) < 2 {
		return traces
	}
	slices.Sort(nodes)
	t := trace{fact: fmt.Sprintf("has %d csi attachment tickets, for %s", len(nodes), strings.Join(nodes, " and "))}
	t.remedy = "see which of its tickets stay: kubectl -n longhorn-system get volumeattachments.longhorn.io " + attachment.Name + " -o yaml"
	if len(removals) > 0 {
		t.remedy = fmt.Sprintf("remove the %s for %s where %s still there: %s",
			counted(len(stale), "ticket", "tickets"), strings.Join(stale, " and "), counted(len(stale), "it is", "they are"), strings.Join(removals, "; "))
	}
	return append(traces, t)
}

// attachmentTraces looks at the attachments by which Kubernetes asks the CSI driver for a volume.
func attachmentTraces(p *Pass, volume *cluster.Volume, attachments []*cluster.VolumeAttachment, traces []trace) []trace {
	var nodes, stale []string
	var youngest time.Time
	for _, attachment := range attachments {
		if attachment.Spec.Attacher != "" && attachment.Spec.Attacher != longhornDriver {
			continue
		}
		nodes = append(nodes, nodeOr(attachment.Spec.NodeName))
		if !isUsedOn(p, volume, attachment.Spec.NodeName) {
			stale = append(stale, attachment.Name)
		}
		if attachment.CreationTimestamp.After(youngest) {
			youngest = attachment.CreationTimestamp.Time
		}
	}
	if len(nodes) < 2 {
		return traces
	}
	slices.Sort(nodes)
	t := trace{fact: fmt.Sprintf("has %d Kubernetes attachments, to %s", len(nodes), strings.Join(nodes, " and ")), since: youngest}
	if len(stale) > 0 {
		slices.Sort(stale)
		t.remedy = "delete the attachment to a node that no launcher pod of its VM runs on: kubectl delete volumeattachments.storage.k8s.io " + strings.Join(stale, " ")
	}
	return append(traces, t)
}

// longhornDriver is the name of Longhorn's CSI driver.
const longhornDriver = "driver.longhorn.io"

// nodeOr returns the first name that is not empty, or "no node".
func nodeOr(names ...string) string {
	for _, name := range names {
		if cluster.Text(name) != "" {
			return name
		}
	}
	return "no node"
}
