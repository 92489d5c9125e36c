package checks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// settingDetachByHand makes Longhorn drop the attachments that people made by hand from a node that is cordoned.
const settingDetachByHand = "detach-manually-attached-volumes-when-cordoned"

// removeTicket is the command that removes one ticket, as Longhorn's UI does when it detaches.
func removeTicket(attachment *cluster.Attachment, id string) string {
	pointer := strings.NewReplacer("~", "~0", "/", "~1").Replace(id)
	return fmt.Sprintf("kubectl -n longhorn-system patch volumeattachments.longhorn.io %s --type json -p '[{\"op\":\"remove\",\"path\":\"/spec/attachmentTickets/%s\"}]'",
		attachment.Name, pointer)
}

// operationsOf holds the tickets of operations that other checks report: running backups by the ticket that each has.
func operationsOf(p *Pass) map[string]bool {
	operations := map[string]bool{}
	for _, backup := range p.Backups() {
		if isUnfinishedBackup(backup) {
			operations[lhv1.GetAttachmentTicketID(lhv1.AttacherTypeBackupController, backup.Name)] = true
		}
	}
	for _, volume := range p.Volumes() {
		if isBeingCloned(volume) {
			operations[lhv1.GetAttachmentTicketID(lhv1.AttacherTypeVolumeCloneController, volume.Name)] = true
		}
	}
	return operations
}

// ticketHolds lists the tickets of a volume that no running workload accounts for. explained is true where the volume may be
// attached without a workload: for the share manager, or for an operation that another check reports.
func ticketHolds(p *Pass, volume *cluster.Volume, operations map[string]bool) (holds []hold, explained bool) {
	explained = volume.Status.RestoreRequired || isBeingCloned(volume)
	attachment := p.AttachmentOf(volume.Name)
	if attachment == nil {
		return nil, explained
	}
	if isOrdinary(p, volume, attachment) {
		return nil, explained
	}
	for id, ticket := range attachment.Spec.AttachmentTickets.All() {
		switch {
		case ticket == nil || cluster.Text(ticket.Type) == "":
			holds = append(holds, hold{unknown: fmt.Sprintf("its attachment ticket %q does not say whose it is", id)})
		case ticket.Type == lhv1.AttacherTypeCSIAttacher:
			if h, stale := csiHold(p, volume, attachment, id, ticket); stale {
				holds = append(holds, h)
			}
		case ticket.Type == lhv1.AttacherTypeShareManagerController && isShared(volume), isOperation(p, volume, id, ticket, operations):
			explained = true
		default:
			holds = append(holds, otherHold(p, volume, attachment, id, ticket))
		}
	}
	return holds, explained
}

// isOrdinary tells whether a volume has the one ticket of the CSI driver that nearly every attached volume has.
func isOrdinary(p *Pass, volume *cluster.Volume, attachment *cluster.Attachment) bool {
	if len(attachment.Spec.AttachmentTickets) != 1 {
		return false
	}
	for id, ticket := range attachment.Spec.AttachmentTickets.All() {
		return ticket != nil && ticket.Type == lhv1.AttacherTypeCSIAttacher && hasKubernetesAttachment(p, volume, id, ticket)
	}
	return false
}

// csiHold tells whether a ticket of the CSI driver has lost the Kubernetes VolumeAttachment that it was made for. Two tickets
// of a volume that is not shared are the matter of multi-engine-volumes.
func csiHold(p *Pass, volume *cluster.Volume, attachment *cluster.Attachment, id string, ticket *lhv1.AttachmentTicket) (hold, bool) {
	csi := 0
	for _, other := range attachment.Spec.AttachmentTickets.All() {
		if other != nil && other.Type == lhv1.AttacherTypeCSIAttacher {
			csi++
		}
	}
	if csi > 1 && !isShared(volume) {
		return hold{}, false
	}
	if hasKubernetesAttachment(p, volume, id, ticket) {
		return hold{}, false
	}
	since := ticketSatisfiedSince(attachment, id)
	return hold{
		fact:  fmt.Sprintf("has the CSI ticket %s for %s without its Kubernetes VolumeAttachment", id, nodeOr(ticket.NodeID)),
		since: since, passing: p.Age(since) < p.Settings.StaleEngineAge,
		remedy: stopVM(p, volume) + ", and if the ticket stays remove it: " + removeTicket(attachment, id),
	}, true
}

// hasKubernetesAttachment tells whether the VolumeAttachment exists that a ticket of the CSI driver was made for: both have one
// name, which is made from the volume's and the node's.
func hasKubernetesAttachment(p *Pass, volume *cluster.Volume, id string, ticket *lhv1.AttachmentTicket) bool {
	for _, va := range p.KubernetesAttachmentsOf(persistentVolumeOf(volume)) {
		if va.Name == id || va.Spec.NodeName == ticket.NodeID {
			return true
		}
	}
	return false
}

// isOperation tells whether another check reports the operation that a ticket serves.
func isOperation(p *Pass, volume *cluster.Volume, id string, ticket *lhv1.AttachmentTicket, operations map[string]bool) bool {
	switch ticket.Type {
	case lhv1.AttacherTypeBackupController, lhv1.AttacherTypeVolumeCloneController:
		return operations[id] || ticket.Type == lhv1.AttacherTypeVolumeCloneController && isBeingCloned(volume)
	case lhv1.AttacherTypeVolumeRestoreController:
		return volume.Status.RestoreRequired
	case lhv1.AttacherTypeVolumeExpansionController:
		return volume.Status.ExpansionRequired
	case lhv1.AttacherTypeVolumeEvictionController:
		return slices.ContainsFunc(p.ReplicasOf(volume.Name), func(r *cluster.Replica) bool { return r.Spec.EvictionRequested })
	case lhv1.AttacherTypeVolumeRebuildingController:
		return slices.ContainsFunc(p.ReplicasOf(volume.Name), isBeingRebuilt)
	}
	return false
}

// otherHold is a ticket of neither a workload nor a known operation.
func otherHold(p *Pass, volume *cluster.Volume, attachment *cluster.Attachment, id string, ticket *lhv1.AttachmentTicket) hold {
	h := hold{
		since:  ticketSatisfiedSince(attachment, id),
		remedy: "remove the ticket: " + removeTicket(attachment, id),
	}
	switch ticket.Type {
	case lhv1.AttacherTypeLonghornAPI:
		h.fact = fmt.Sprintf("is held on %s by the manual attachment %s", nodeOr(ticket.NodeID), id)
		h.remedy = "detach it in Longhorn's UI, or " + h.remedy
		kept := keepsManualTickets(p)
		if h.mild = kept == ""; !h.mild {
			h.fact += fmt.Sprintf(", which no cordon removes (%s is not true, and %s)", settingDetachByHand, kept)
		}
	case lhv1.AttacherTypeSnapshotController, lhv1.AttacherTypeBackupController, lhv1.AttacherTypeVolumeCloneController, lhv1.AttacherTypeSalvageController,
		lhv1.AttacherTypeShareManagerController, lhv1.AttacherTypeVolumeRestoreController, lhv1.AttacherTypeVolumeEvictionController,
		lhv1.AttacherTypeVolumeExpansionController, lhv1.AttacherTypeBackingImageDataSourceController, lhv1.AttacherTypeVolumeRebuildingController:
		h.fact = fmt.Sprintf("is held on %s by the ticket %s of Longhorn's %s", nodeOr(ticket.NodeID), id, ticket.Type)
		h.passing = h.since.IsZero() || p.Age(h.since) < p.Settings.StuckMigrationAge
	default:
		h.unknown = fmt.Sprintf("its attachment ticket %q is of the type %q, a word that is not known", id, ticket.Type)
	}
	return h
}

// keepsManualTickets says why Longhorn will not remove manual tickets from a node that is cordoned, as the upgrade does; empty where
// it will, for the upgrade switches that on.
func keepsManualTickets(p *Pass) string {
	if value, _ := p.LonghornSetting(settingDetachByHand); value == "true" {
		return ""
	}
	return keptByUpgrade(p, func(d cluster.LonghornDefaults) json.RawMessage { return d.DetachManuallyAttachedVolumesWhenCordoned })
}

// aCordonDetaches tells whether a volume is attached by hand alone, so that it is detached when its node is cordoned.
func aCordonDetaches(p *Pass, volume *cluster.Volume) bool {
	attachment := p.AttachmentOf(volume.Name)
	if attachment == nil || len(attachment.Spec.AttachmentTickets) == 0 || keepsManualTickets(p) != "" {
		return false
	}
	for _, ticket := range attachment.Spec.AttachmentTickets.All() {
		if ticket == nil || ticket.Type != lhv1.AttacherTypeLonghornAPI {
			return false
		}
	}
	return true
}

// reportStaleKubernetesAttachments finds the VolumeAttachments of Kubernetes that point nowhere, or cannot be deleted. Several of one
// volume are the matter of multi-engine-volumes, but for shared ones.
func reportStaleKubernetesAttachments(p *Pass) {
	volumes := volumesByPersistentVolume(p)
	for _, va := range p.VolumeAttachments() {
		if va.Spec.Attacher != longhornDriver || va.Spec.Source.PersistentVolumeName == nil {
			continue
		}
		name := *va.Spec.Source.PersistentVolumeName
		volume := volumes[name]
		if volume != nil && !isShared(volume) && len(p.KubernetesAttachmentsOf(name)) > 1 {
			continue
		}
		if fact := staleFact(p, va, volume != nil); fact != "" {
			p.Report(Finding{
				Object: ObjectOf(va), Since: deletedOrCreated(va),
				Message: fmt.Sprintf("VolumeAttachment %s of volume %s to %s %s", va.Name, name, nodeOr(va.Spec.NodeName), fact),
				Remedy: fmt.Sprintf("make sure that nothing uses the volume there, then kubectl delete volumeattachments.storage.k8s.io %[1]s --wait=false; if it stays: "+
					`kubectl patch volumeattachments.storage.k8s.io %[1]s --type merge -p '{"metadata":{"finalizers":null}}'.`, va.Name),
			})
		}
	}
}

// volumesByPersistentVolume returns Longhorn's volumes by the names of their persistent volumes.
func volumesByPersistentVolume(p *Pass) map[string]*cluster.Volume {
	volumes := make(map[string]*cluster.Volume, len(p.Volumes()))
	for _, volume := range p.Volumes() {
		volumes[persistentVolumeOf(volume)] = volume
	}
	return volumes
}

func staleFact(p *Pass, va *cluster.VolumeAttachment, exists bool) string {
	var facts []string
	if va.Spec.NodeName != "" && p.Node(va.Spec.NodeName) == nil {
		facts = append(facts, "names a node that does not exist")
	}
	switch {
	case exists:
	case len(facts) > 0:
		facts = append(facts, "a volume that Longhorn does not have")
	default:
		facts = append(facts, "names a volume that Longhorn does not have")
	}
	if va.DeletionTimestamp != nil {
		if age := p.Age(va.DeletionTimestamp.Time); age >= p.Settings.StaleEngineAge {
			facts = append(facts, fmt.Sprintf("has been in deletion for %s", spell(age)))
		}
	}
	return strings.Join(facts, " and ")
}

func deletedOrCreated(va *cluster.VolumeAttachment) time.Time {
	if va.DeletionTimestamp != nil {
		return va.DeletionTimestamp.Time
	}
	return va.CreationTimestamp.Time
}
