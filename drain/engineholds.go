package drain

import (
	"fmt"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// detachTime is how long Kubernetes may take to detach a volume before the attachment counts as left behind.
const detachTime = 10 * time.Minute

// The checks that report what keeps an engine.
const (
	checkOrphanedEngines  = "orphaned-engines"
	checkStaleAttachments = "stale-attachments"
)

// Keeper is what keeps an engine on a node when the node's VMs and evicted pods are gone.
type Keeper struct {
	// Object is what must go: the instance manager that lists a lost process, a pod, or an attachment.
	Object client.Object
	// Because states the fact: "engine pvc-1-e-0 is still listed on node-2 and has no Engine object".
	Because string
	// Evidence is what it rests on, field by field.
	Evidence []string
	// Check is the name of the check that reports the cause; empty where none does.
	Check string
	// Transient is true where it ends by itself in normal life.
	Transient bool
}

// LeavesNode returns what ManagerState.Gone asks: an engine leaves a node with the VMs and pods that use its volume, unless something
// keeps it.
func LeavesNode(s *cluster.Snapshot, node string, rules LonghornRules) func(engine string) bool {
	return func(engine string) bool { return WhatKeepsEngine(s, engine, node, rules) == nil }
}

// WhatKeepsEngine says what keeps an engine on a node when the VMs of the node have moved or stopped and its pods are evicted; nil where
// nothing does. These are, in this order:
//
//   - a process without an engine, or whose engine is stopped or elsewhere for the control plane (harvester/harvester#7366);
//   - an attachment ticket for the node of anything but a workload; a manual one only where a cordon does not drop it
//     (longhorn-manager, controller/volume_attachment_controller.go, handleNodeCordoned);
//   - a share manager's ticket without the share manager's pod, which otherwise takes it along;
//   - a ticket of the CSI driver without its Kubernetes VolumeAttachment, or one that nothing on the node uses;
//   - a pod that the drain leaves and that mounts the volume's claim.
func WhatKeepsEngine(s *cluster.Snapshot, engine, node string, rules LonghornRules) *Keeper {
	object := s.Engine(engine)
	if lost := lostEngine(s, object, engine, node); lost != nil {
		return lost
	}
	if object == nil {
		return nil
	}
	name := cluster.VolumeOf(object.Spec.VolumeName, object.Labels)
	volume := s.Volume(name)
	if volume == nil {
		return &Keeper{
			Object: object, Because: fmt.Sprintf("engine %s on %s belongs to volume %s, which does not exist", engine, node, name),
			Evidence: []string{fmt.Sprintf("Engine %s spec.volumeName", engine)},
		}
	}
	u := use{Snapshot: s, volume: volume, node: node, rules: rules}
	return u.keeper(object)
}

// lostEngine finds a process that the control plane does not have there. While an engine is started, stopped or deleted, its instance
// manager's list lags behind.
func lostEngine(s *cluster.Snapshot, object *cluster.Engine, engine, node string) *Keeper {
	manager, field := listing(s, node, engine)
	if manager == nil {
		return nil
	}
	k := &Keeper{Object: manager, Check: checkOrphanedEngines, Evidence: []string{fmt.Sprintf("InstanceManager %s %s", manager.Name, field)}}
	if object == nil {
		k.Because = fmt.Sprintf("engine %s is still listed on %s and has no Engine object", engine, node)
		return k
	}
	state := cluster.Text(object.Status.CurrentState)
	k.Transient = object.DeletionTimestamp != nil || object.Spec.DesireState != state
	k.Evidence = append(k.Evidence, fmt.Sprintf("Engine %s status.currentState", engine), fmt.Sprintf("Engine %s status.instanceManagerName", engine))
	switch in := cluster.Text(object.Status.InstanceManagerName); {
	case object.DeletionTimestamp != nil:
		k.Because = fmt.Sprintf("engine %s is being deleted and still listed on %s", engine, node)
	case state != lhv1.InstanceStateRunning:
		k.Because = fmt.Sprintf("engine %s is still listed on %s, and for the control plane it is %s", engine, node, stateInWords(string(state)))
	case object.Spec.NodeID != node:
		k.Because = fmt.Sprintf("engine %s is still listed on %s, and for the control plane it runs on %s", engine, node, nodeOrNone(cluster.Text(object.Spec.NodeID)))
	case in != manager.Name:
		k.Because = fmt.Sprintf("engine %s is still listed by %s on %s, and for the control plane it runs in %s", engine, manager.Name, node, quoteNone(in))
		k.Transient = k.Transient || in == ""
	default:
		return nil
	}
	return k
}

// use is a volume on a node, and what holds it there.
type use struct {
	*cluster.Snapshot
	volume *cluster.Volume
	node   string
	rules  LonghornRules
}

func (u use) keeper(engine *cluster.Engine) *Keeper {
	attachment, tickets := u.AttachmentOf(u.volume.Name), 0
	if attachment != nil {
		for id, ticket := range attachment.Spec.AttachmentTickets.All() {
			if ticket == nil || cluster.Text(ticket.NodeID) != u.node || u.isIgnored(ticket) {
				continue
			}
			tickets++
			if k := u.ticketKeeper(attachment, id, ticket); k != nil {
				return k
			}
		}
	}
	users, left := u.users()
	switch {
	case left != nil:
		return left
	case tickets > 0 || users:
		return nil
	}
	return &Keeper{
		Object: engine, Check: checkStaleAttachments, Transient: true,
		Because:  fmt.Sprintf("engine %s runs on %s, although no attachment ticket asks for it", engine.Name, u.node),
		Evidence: []string{fmt.Sprintf("VolumeAttachment.longhorn.io %s spec.attachmentTickets", u.volume.Name)},
	}
}

// isIgnored tells whether Longhorn takes no account of a ticket: the CSI driver's for a volume that a share manager serves
// (longhorn-manager, controller/volume_attachment_controller.go, isCSIAttacherTicketOfRegularRWXVolume).
func (u use) isIgnored(ticket *lhv1.AttachmentTicket) bool {
	regular := u.volume.Spec.AccessMode == lhv1.AccessModeReadWriteMany && !u.volume.Spec.Migratable
	return regular && ticket.Type == lhv1.AttacherTypeCSIAttacher
}

// ticketKeeper says why a ticket for the node stays; nil for one that goes with its workload.
func (u use) ticketKeeper(attachment *cluster.Attachment, id string, ticket *lhv1.AttachmentTicket) *Keeper {
	k := &Keeper{
		Object: attachment, Check: checkStaleAttachments,
		Because:  fmt.Sprintf("volume %s is held on %s by the ticket %s of %s", u.volume.Name, u.node, id, ownerInWords(ticket.Type)),
		Evidence: []string{fmt.Sprintf("VolumeAttachment.longhorn.io %s spec.attachmentTickets %s", attachment.Name, id)},
	}
	switch ticket.Type {
	case lhv1.AttacherTypeCSIAttacher:
		return u.csiKeeper(k, id)
	case lhv1.AttacherTypeLonghornAPI:
		if u.rules.DropsManualTickets {
			return nil
		}
		k.Because = fmt.Sprintf("volume %s is attached to %s by hand (ticket %s), and Longhorn's %s is false", u.volume.Name, u.node, id, settingDetachByHand)
		k.Evidence = append(k.Evidence, fmt.Sprintf("Setting %s value", settingDetachByHand))
	case lhv1.AttacherTypeShareManagerController:
		return u.shareKeeper(k)
	case lhv1.AttacherTypeSnapshotController, lhv1.AttacherTypeBackupController, lhv1.AttacherTypeVolumeCloneController, lhv1.AttacherTypeSalvageController,
		lhv1.AttacherTypeVolumeRestoreController, lhv1.AttacherTypeVolumeEvictionController, lhv1.AttacherTypeVolumeExpansionController,
		lhv1.AttacherTypeBackingImageDataSourceController, lhv1.AttacherTypeVolumeRebuildingController:
		k.Transient = true // It ends with the operation.
	}
	return k
}

func ownerInWords(ticketType lhv1.AttacherType) string {
	if ticketType == "" {
		return "no known owner"
	}
	return "Longhorn's " + string(ticketType)
}

// shareKeeper lets a share manager's ticket go with the share manager's pod, which is made again on another node
// (longhorn-manager, controller/share_manager_controller.go, createShareManagerAttachmentTicket).
func (u use) shareKeeper(k *Keeper) *Keeper {
	name := "share-manager-" + u.volume.Name
	pod := u.Pod(cluster.LonghornNamespace, name)
	k.Evidence = append(k.Evidence, fmt.Sprintf("Pod %s/%s spec.nodeName", cluster.LonghornNamespace, name))
	switch {
	case pod == nil:
		k.Because += fmt.Sprintf(", whose pod %s does not exist", name)
	case pod.Spec.NodeName == u.node:
		return nil
	default:
		k.Because += fmt.Sprintf(", whose pod %s is on %s", name, nodeOrNone(pod.Spec.NodeName))
		k.Transient = true
	}
	return k
}

// csiKeeper says why a ticket of the CSI driver stays when the node's VMs and evicted pods are gone.
func (u use) csiKeeper(k *Keeper, id string) *Keeper {
	va := u.kubernetesAttachment(id)
	if va == nil {
		k.Because = fmt.Sprintf("volume %s is held on %s by the CSI ticket %s, whose Kubernetes VolumeAttachment does not exist", u.volume.Name, u.node, id)
		return k
	}
	users, left := u.users()
	if left != nil {
		return left
	}
	k.Object = va
	k.Evidence = append(k.Evidence, fmt.Sprintf("VolumeAttachment.storage.k8s.io %s spec.nodeName", va.Name))
	if va.DeletionTimestamp != nil {
		k.Transient = !u.Lasted(va.DeletionTimestamp.Time, detachTime)
		k.Because = fmt.Sprintf("volume %s is held on %s by the Kubernetes VolumeAttachment %s, which has been being deleted for %s", u.volume.Name, u.node, va.Name, u.RoundedAge(va.DeletionTimestamp.Time, time.Second))
		return k
	}
	if users {
		return nil
	}
	k.Because = fmt.Sprintf("volume %s is held on %s by the Kubernetes VolumeAttachment %s, although no pod there uses it", u.volume.Name, u.node, va.Name)
	return k
}

// kubernetesAttachment returns the VolumeAttachment that a ticket of the CSI driver was made for: both have one name.
func (u use) kubernetesAttachment(id string) *cluster.VolumeAttachment {
	pv := cluster.Text(u.volume.Status.KubernetesStatus.PVName)
	if pv == "" {
		pv = u.volume.Name
	}
	for _, va := range u.KubernetesAttachmentsOf(pv) {
		if va.Name == id || va.Spec.NodeName == u.node {
			return va
		}
	}
	return nil
}

// users tells whether VMs or pods that leave the node use the volume there; left is set for a pod that uses it and stays.
func (u use) users() (leaving bool, left *Keeper) {
	claim := u.volume.Status.KubernetesStatus
	for _, pod := range u.PodsUsing(cluster.Text(claim.Namespace), cluster.Text(claim.PVCName)) {
		switch {
		case pod.Spec.NodeName != u.node || cluster.IsEnded(pod):
		case TreatmentOf(u.Snapshot, pod).Leaves():
			return true, u.leftPod(pod)
		default:
			leaving = true
		}
	}
	for _, vmi := range u.VMIsOf(u.volume) {
		moving := vmi.Status.MigrationState
		leaving = leaving || vmi.Status.NodeName == u.node || moving != nil && moving.TargetNode == u.node && !moving.Completed
	}
	return leaving, nil
}

func (u use) leftPod(pod *corev1.Pod) *Keeper {
	claim := u.volume.Status.KubernetesStatus
	return &Keeper{
		Object: pod, Because: fmt.Sprintf("pod %s/%s on %s uses volume %s (claim %s) and is %s", pod.Namespace, pod.Name, u.node, u.volume.Name, cluster.Text(claim.PVCName), TreatmentOf(u.Snapshot, pod)),
		Evidence: []string{fmt.Sprintf("Pod %s/%s spec.volumes", pod.Namespace, pod.Name), fmt.Sprintf("Pod %s/%s metadata.ownerReferences", pod.Namespace, pod.Name)},
	}
}
