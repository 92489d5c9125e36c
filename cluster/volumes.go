package cluster

import (
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	kubevirtv1 "kubevirt.io/api/core/v1"
)

const (
	// LonghornNamespace is where every Longhorn object lives in Harvester.
	LonghornNamespace = "longhorn-system"
	// LabelVolume names the volume of an engine, replica or snapshot.
	LabelVolume = "longhornvolume"
	// AnnotationDefaultClass marks the StorageClass that claims without a class get.
	AnnotationDefaultClass = "storageclass.kubernetes.io/is-default-class"
	// AnnotationImageID names the VirtualMachineImage, NAMESPACE/NAME, that a claim or backing image is made from.
	AnnotationImageID = "harvesterhci.io/imageId"
	// VolumeHead is the name under which an engine lists the live end of its snapshot chain.
	VolumeHead = "volume-head"
)

// Volumes returns every Longhorn volume.
func (s *Snapshot) Volumes() []*Volume { return s.volumes.items }

// Volume returns the Longhorn volume of that name, or nil.
func (s *Snapshot) Volume(name string) *Volume { return s.volumes.get(LonghornNamespace, name) }

// Engines returns every Longhorn engine.
func (s *Snapshot) Engines() []*Engine { return s.engines.items }

// Engine returns the Longhorn engine of that name, or nil.
func (s *Snapshot) Engine(name string) *Engine { return s.engines.get(LonghornNamespace, name) }

// EnginesOf returns the engines of a volume, by name.
func (s *Snapshot) EnginesOf(volume string) []*Engine { return s.enginesOfVolume.of(volume) }

// Replicas returns every Longhorn replica.
func (s *Snapshot) Replicas() []*Replica { return s.replicas }

// ReplicasOf returns the replicas of a volume, in no particular order.
func (s *Snapshot) ReplicasOf(volume string) []*Replica { return s.replicasOfVolume.of(volume) }

// ReplicasOn returns the replicas that are placed on a node, failed and stopped ones included.
func (s *Snapshot) ReplicasOn(node string) []*Replica { return s.replicasOnNode.of(node) }

// InstanceManagersOn returns the instance managers of a node, by name: those of older images and of every data engine included.
func (s *Snapshot) InstanceManagersOn(node string) []*InstanceManager {
	return s.managersOnNode.of(node)
}

// InstanceManagers returns every instance manager, by name.
func (s *Snapshot) InstanceManagers() []*InstanceManager { return s.instanceManagers.items }

// InstanceManager returns the instance manager of that name, or nil.
func (s *Snapshot) InstanceManager(name string) *InstanceManager {
	return s.instanceManagers.get(LonghornNamespace, name)
}

// AttachmentOf returns Longhorn's own VolumeAttachment of a volume, or nil.
func (s *Snapshot) AttachmentOf(volume string) *Attachment {
	return s.attachmentOfVolume[volume]
}

// KubernetesAttachmentsOf returns the storage.k8s.io VolumeAttachments of a persistent volume, in no particular order.
func (s *Snapshot) KubernetesAttachmentsOf(persistentVolume string) []*VolumeAttachment {
	return s.attachmentsOfPV.of(persistentVolume)
}

// LonghornSnapshots returns every Snapshot object of Longhorn.
func (s *Snapshot) LonghornSnapshots() []*LonghornSnapshot { return s.longhornSnapshots }

// LonghornNodes returns every node object of Longhorn, by name.
func (s *Snapshot) LonghornNodes() []*lhv1.Node { return s.longhornNodes.items }

// LonghornNode returns the node object of Longhorn of that name, or nil.
func (s *Snapshot) LonghornNode(name string) *lhv1.Node {
	return s.longhornNodes.get(LonghornNamespace, name)
}

// Orphans returns every orphan that Longhorn has found.
func (s *Snapshot) Orphans() []*lhv1.Orphan { return s.orphans }

// EngineImages returns every engine image.
func (s *Snapshot) EngineImages() []*lhv1.EngineImage { return s.engineImages }

// BackingImages returns every backing image.
func (s *Snapshot) BackingImages() []*lhv1.BackingImage { return s.backingImages.items }

// BackingImage returns the backing image of that name, or nil.
func (s *Snapshot) BackingImage(name string) *lhv1.BackingImage {
	return s.backingImages.get(LonghornNamespace, name)
}

// Backups returns every backup of Longhorn, those made by Harvester's backups included.
func (s *Snapshot) Backups() []*lhv1.Backup { return s.backups }

// RecurringJobs returns every recurring job of Longhorn.
func (s *Snapshot) RecurringJobs() []*lhv1.RecurringJob { return s.recurringJobs }

// Attachments returns every VolumeAttachment of Longhorn.
func (s *Snapshot) Attachments() []*Attachment { return s.attachments }

// VolumeAttachments returns every VolumeAttachment of Kubernetes.
func (s *Snapshot) VolumeAttachments() []*VolumeAttachment { return s.volumeAttachments }

// LonghornSetting returns the value of a Longhorn setting; false where the setting does not exist.
func (s *Snapshot) LonghornSetting(name string) (string, bool) {
	setting := s.longhornSettings.get(LonghornNamespace, name)
	if setting == nil {
		return "", false
	}
	return Text(setting.Value), true
}

// LonghornSettingObject returns the Longhorn setting of that name, or nil.
func (s *Snapshot) LonghornSettingObject(name string) *lhv1.Setting {
	return s.longhornSettings.get(LonghornNamespace, name)
}

// VMIsOf returns the VMIs that use a volume, through the claim that Longhorn has noted for it.
func (s *Snapshot) VMIsOf(volume *Volume) []*kubevirtv1.VirtualMachineInstance {
	claim := volume.Status.KubernetesStatus
	return s.VMIsUsing(Text(claim.Namespace), Text(claim.PVCName))
}

// ActiveMigrationOfVolume returns the unfinished migration of a VMI that uses the volume, or nil. While there is one,
// two engines, two attachment tickets and two node names are what they should be.
func (s *Snapshot) ActiveMigrationOfVolume(volume *Volume) *kubevirtv1.VirtualMachineInstanceMigration {
	for _, vmi := range s.VMIsOf(volume) {
		if migration := s.ActiveMigrationOf(vmi); migration != nil {
			return migration
		}
	}
	return nil
}

// VolumeOf returns the name of the volume that an engine belongs to: its spec, or its label where the spec is empty.
func VolumeOf(specified string, labels map[string]string) string {
	if name := Text(specified); name != "" {
		return name
	}
	return labels[LabelVolume]
}

// LonghornCondition returns the condition of that type, or nil. Old releases of Longhorn wrote types in lower case.
func LonghornCondition(conditions []lhv1.Condition, conditionType string) *lhv1.Condition {
	for i := range conditions {
		if strings.EqualFold(conditions[i].Type, conditionType) {
			return &conditions[i]
		}
	}
	return nil
}

// Text returns a string as Longhorn meant it: support bundles write the text "null" for an empty string
// (harvester/harvester#5789).
func Text[S ~string](s S) S {
	if s == "null" {
		return ""
	}
	return s
}

func (s *Snapshot) indexEngines() {
	s.enginesOfVolume = groupBy(s.engines.items, func(engine *Engine) (string, bool) {
		volume := VolumeOf(engine.Spec.VolumeName, engine.Labels)
		return volume, volume != ""
	})
	for number := range s.enginesOfVolume.ends {
		if engines := s.enginesOfVolume.group(int32(number)); len(engines) > 1 {
			sortByName(engines)
		}
	}
}

func (s *Snapshot) indexReplicas() {
	s.replicasOfVolume = groupBy(s.replicas, func(replica *Replica) (string, bool) {
		volume := VolumeOf(replica.Spec.VolumeName, replica.Labels)
		return volume, volume != ""
	})
	s.replicasOnNode = groupBy(s.replicas, func(replica *Replica) (string, bool) {
		node := Text(replica.Spec.NodeID)
		return node, node != ""
	})
}

func (s *Snapshot) indexInstanceManagers() {
	sortByName(s.instanceManagers.items)
	s.managersOnNode = groupBy(s.instanceManagers.items, func(manager *InstanceManager) (string, bool) {
		node := Text(manager.Spec.NodeID)
		return node, node != ""
	})
}

func (s *Snapshot) indexAttachments() {
	s.attachmentOfVolume = make(map[string]*Attachment, len(s.attachments))
	for _, attachment := range s.attachments {
		s.attachmentOfVolume[attachment.Spec.Volume] = attachment
	}
}

func (s *Snapshot) indexKubernetesAttachments() {
	s.attachmentsOfPV = groupBy(s.volumeAttachments, func(va *VolumeAttachment) (string, bool) {
		if va.Spec.Source.PersistentVolumeName == nil {
			return "", false
		}
		return *va.Spec.Source.PersistentVolumeName, true
	})
}
