package cluster

import (
	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func longhorn(kind string) schema.GroupVersionKind { return lhv1.SchemeGroupVersion.WithKind(kind) }

// inLonghorn is the namespace of all of Longhorn's objects: its manager looks into no other.
func inLonghorn() []string { return []string{"longhorn-system"} }

// longhornKinds are the rows of Longhorn's kinds; its own Go types, pinned.
func longhornKinds() []Resource {
	return []Resource{
		smallRow(Resource{Kind: Volumes, GVK: longhorn("Volume"), Plural: "volumes", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.VolumeList{} }, keepVolume,
			func(s *Snapshot, items []*Volume) { s.volumes = indexByName(items) }),
		smallRow(Resource{Kind: Engines, GVK: longhorn("Engine"), Plural: "engines", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.EngineList{} }, keepEngine,
			func(s *Snapshot, items []*Engine) { s.engines = indexByName(items) }),
		smallRow(Resource{Kind: Replicas, GVK: longhorn("Replica"), Plural: "replicas", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.ReplicaList{} }, keepReplica,
			func(s *Snapshot, items []*Replica) { s.replicas = items }),
		smallRow(Resource{Kind: InstanceManagers, GVK: longhorn("InstanceManager"), Plural: "instancemanagers", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.InstanceManagerList{} }, keepInstanceManager,
			func(s *Snapshot, items []*InstanceManager) { s.instanceManagers = indexByName(items) }),
		smallRow(Resource{Kind: Attachments, GVK: longhorn("VolumeAttachment"), Plural: "volumeattachments", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.VolumeAttachmentList{} }, keepAttachment,
			func(s *Snapshot, items []*Attachment) { s.attachments = items }),
		smallRow(Resource{Kind: LonghornSnapshots, GVK: longhorn("Snapshot"), Plural: "snapshots", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.SnapshotList{} }, keepLonghornSnapshot,
			func(s *Snapshot, items []*LonghornSnapshot) { s.longhornSnapshots = items }),
		row(Resource{Kind: LonghornSettings, GVK: longhorn("Setting"), Plural: "settings", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.SettingList{} }, keepLonghornSetting,
			func(s *Snapshot, items []*lhv1.Setting) { s.longhornSettings = indexByName(items) }),
		row(Resource{Kind: LonghornNodes, GVK: longhorn("Node"), Plural: "nodes", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.NodeList{} }, keepLonghornNode,
			func(s *Snapshot, items []*lhv1.Node) { s.longhornNodes = indexByName(items) }),
		row(Resource{Kind: Orphans, GVK: longhorn("Orphan"), Plural: "orphans", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.OrphanList{} }, keepOrphan,
			func(s *Snapshot, items []*lhv1.Orphan) { s.orphans = items }),
		row(Resource{Kind: EngineImages, GVK: longhorn("EngineImage"), Plural: "engineimages", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.EngineImageList{} }, keepEngineImage,
			func(s *Snapshot, items []*lhv1.EngineImage) { s.engineImages = items }),
		row(Resource{Kind: BackingImages, GVK: longhorn("BackingImage"), Plural: "backingimages", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.BackingImageList{} }, keepBackingImage,
			func(s *Snapshot, items []*lhv1.BackingImage) { s.backingImages = indexByName(items) }),
		row(Resource{Kind: Backups, GVK: longhorn("Backup"), Plural: "backups", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.BackupList{} }, keepBackup,
			func(s *Snapshot, items []*lhv1.Backup) { s.backups = items }),
		row(Resource{Kind: RecurringJobs, GVK: longhorn("RecurringJob"), Plural: "recurringjobs", Namespaced: true, Home: inLonghorn()},
			func() client.ObjectList { return &lhv1.RecurringJobList{} }, keepRecurringJob,
			func(s *Snapshot, items []*lhv1.RecurringJob) { s.recurringJobs = items }),
	}
}
