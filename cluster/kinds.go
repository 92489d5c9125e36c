package cluster

import (
	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The kinds that a Snapshot holds. A check names those that it needs.
const (
	Nodes                Kind = "nodes"
	LauncherPods         Kind = "pods"
	IOErrorEvents        Kind = "events"
	DisruptionBudgets    Kind = "poddisruptionbudgets.policy"
	VolumeAttachments    Kind = "volumeattachments.storage.k8s.io"
	VMIs                 Kind = "virtualmachineinstances.kubevirt.io"
	Migrations           Kind = "virtualmachineinstancemigrations.kubevirt.io"
	Volumes              Kind = "volumes.longhorn.io"
	Engines              Kind = "engines.longhorn.io"
	Replicas             Kind = "replicas.longhorn.io"
	InstanceManagers     Kind = "instancemanagers.longhorn.io"
	Attachments          Kind = "volumeattachments.longhorn.io"
	LonghornSnapshots    Kind = "snapshots.longhorn.io"
	LonghornSettings     Kind = "settings.longhorn.io"
	LonghornNodes        Kind = "nodes.longhorn.io"
	Orphans              Kind = "orphans.longhorn.io"
	Upgrades             Kind = "upgrades.harvesterhci.io"
	Versions             Kind = "versions.harvesterhci.io"
	HarvesterSettings    Kind = "settings.harvesterhci.io"
	VirtualMachineImages Kind = "virtualmachineimages.harvesterhci.io"
	UpgradePlans         Kind = "upgradeplans.management.harvesterhci.io"

	// KubeletStats is what each kubelet answers on /stats/summary; it is probed, not listed.
	KubeletStats Kind = "nodes/stats"
	// KubeletConfig is what each kubelet answers on /configz; it is probed, not listed.
	KubeletConfig Kind = "nodes/configz"
)

// Resources is the table of kinds, the only place where a kind is introduced. Kubernetes' own kinds come first, then
// KubeVirt's, Longhorn's and Harvester's.
func Resources() []Resource {
	return []Resource{
		row(Resource{Kind: Nodes, GVK: core("Node"), Plural: "nodes"},
			func() client.ObjectList { return &corev1.NodeList{} }, keepNode,
			func(s *Snapshot, items []*corev1.Node) { s.nodes = indexByName(items) }),
		row(Resource{Kind: LauncherPods, GVK: core("Pod"), Plural: "pods", Namespaced: true,
			Select: Selector{Labels: labels.Set{kubevirtv1.AppLabel: "virt-launcher"}}},
			func() client.ObjectList { return &corev1.PodList{} }, keepLauncherPod,
			func(s *Snapshot, items []*corev1.Pod) { s.launcherPods = items }),
		row(Resource{Kind: IOErrorEvents, GVK: core("Event"), Plural: "events", Namespaced: true,
			Select: Selector{EventReason: "IOerror"}},
			func() client.ObjectList { return &corev1.EventList{} }, keepEvent,
			func(s *Snapshot, items []*corev1.Event) { s.ioErrors = items }),
		row(Resource{Kind: DisruptionBudgets, GVK: policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), Plural: "poddisruptionbudgets", Namespaced: true},
			func() client.ObjectList { return &policyv1.PodDisruptionBudgetList{} }, keepDisruptionBudget,
			func(s *Snapshot, items []*policyv1.PodDisruptionBudget) { s.budgets = items }),
		row(Resource{Kind: VolumeAttachments, GVK: storagev1.SchemeGroupVersion.WithKind("VolumeAttachment"), Plural: "volumeattachments"},
			func() client.ObjectList { return &storagev1.VolumeAttachmentList{} }, keepVolumeAttachment,
			func(s *Snapshot, items []*storagev1.VolumeAttachment) { s.volumeAttachments = items }),

		row(Resource{Kind: VMIs, GVK: kubevirt("VirtualMachineInstance"), Plural: "virtualmachineinstances", Namespaced: true},
			func() client.ObjectList { return &kubevirtv1.VirtualMachineInstanceList{} }, keepVMI,
			func(s *Snapshot, items []*kubevirtv1.VirtualMachineInstance) { s.vmis = indexByName(items) }),
		row(Resource{Kind: Migrations, GVK: kubevirt("VirtualMachineInstanceMigration"), Plural: "virtualmachineinstancemigrations", Namespaced: true},
			func() client.ObjectList { return &kubevirtv1.VirtualMachineInstanceMigrationList{} }, keepMigration,
			func(s *Snapshot, items []*kubevirtv1.VirtualMachineInstanceMigration) { s.migrations = items }),

		row(Resource{Kind: Volumes, GVK: longhorn("Volume"), Plural: "volumes", Namespaced: true},
			func() client.ObjectList { return &lhv1.VolumeList{} }, keepVolume,
			func(s *Snapshot, items []*lhv1.Volume) { s.volumes = indexByName(items) }),
		row(Resource{Kind: Engines, GVK: longhorn("Engine"), Plural: "engines", Namespaced: true},
			func() client.ObjectList { return &lhv1.EngineList{} }, keepEngine,
			func(s *Snapshot, items []*lhv1.Engine) { s.engines = indexByName(items) }),
		row(Resource{Kind: Replicas, GVK: longhorn("Replica"), Plural: "replicas", Namespaced: true},
			func() client.ObjectList { return &lhv1.ReplicaList{} }, keepReplica,
			func(s *Snapshot, items []*lhv1.Replica) { s.replicas = items }),
		row(Resource{Kind: InstanceManagers, GVK: longhorn("InstanceManager"), Plural: "instancemanagers", Namespaced: true},
			func() client.ObjectList { return &lhv1.InstanceManagerList{} }, keepInstanceManager,
			func(s *Snapshot, items []*lhv1.InstanceManager) { s.instanceManagers = indexByName(items) }),
		row(Resource{Kind: Attachments, GVK: longhorn("VolumeAttachment"), Plural: "volumeattachments", Namespaced: true},
			func() client.ObjectList { return &lhv1.VolumeAttachmentList{} }, keepAttachment,
			func(s *Snapshot, items []*lhv1.VolumeAttachment) { s.attachments = items }),
		row(Resource{Kind: LonghornSnapshots, GVK: longhorn("Snapshot"), Plural: "snapshots", Namespaced: true},
			func() client.ObjectList { return &lhv1.SnapshotList{} }, keepLonghornSnapshot,
			func(s *Snapshot, items []*lhv1.Snapshot) { s.longhornSnapshots = items }),
		row(Resource{Kind: LonghornSettings, GVK: longhorn("Setting"), Plural: "settings", Namespaced: true},
			func() client.ObjectList { return &lhv1.SettingList{} }, keepLonghornSetting,
			func(s *Snapshot, items []*lhv1.Setting) { s.longhornSettings = indexByName(items) }),
		row(Resource{Kind: LonghornNodes, GVK: longhorn("Node"), Plural: "nodes", Namespaced: true},
			func() client.ObjectList { return &lhv1.NodeList{} }, keepLonghornNode,
			func(s *Snapshot, items []*lhv1.Node) { s.longhornNodes = indexByName(items) }),
		row(Resource{Kind: Orphans, GVK: longhorn("Orphan"), Plural: "orphans", Namespaced: true},
			func() client.ObjectList { return &lhv1.OrphanList{} }, keepOrphan,
			func(s *Snapshot, items []*lhv1.Orphan) { s.orphans = items }),

		row(Resource{Kind: Upgrades, GVK: harvester("Upgrade"), Plural: "upgrades", Namespaced: true},
			func() client.ObjectList { return &UpgradeList{} }, keepUpgrade,
			func(s *Snapshot, items []*Upgrade) { s.upgrades = items }),
		row(Resource{Kind: Versions, GVK: harvester("Version"), Plural: "versions", Namespaced: true},
			func() client.ObjectList { return &VersionList{} }, keepVersion,
			func(s *Snapshot, items []*Version) { s.versions = indexByName(items) }),
		row(Resource{Kind: HarvesterSettings, GVK: harvester("Setting"), Plural: "settings"},
			func() client.ObjectList { return &SettingList{} }, keepSetting,
			func(s *Snapshot, items []*Setting) { s.settings = indexByName(items) }),
		row(Resource{Kind: VirtualMachineImages, GVK: harvester("VirtualMachineImage"), Plural: "virtualmachineimages", Namespaced: true},
			func() client.ObjectList { return &VirtualMachineImageList{} }, keepVirtualMachineImage,
			func(s *Snapshot, items []*VirtualMachineImage) { s.images = indexByName(items) }),
		row(Resource{Kind: UpgradePlans, GVK: UpgradePlanGVK(), Plural: "upgradeplans", Optional: "the upgrade manager add-on"},
			func() client.ObjectList { return &UpgradePlanList{} }, keepUpgradePlan,
			func(s *Snapshot, items []*UpgradePlan) { s.upgradePlans = items }),
	}
}

func core(kind string) schema.GroupVersionKind { return corev1.SchemeGroupVersion.WithKind(kind) }

func kubevirt(kind string) schema.GroupVersionKind { return kubevirtv1.GroupVersion.WithKind(kind) }

func longhorn(kind string) schema.GroupVersionKind { return lhv1.SchemeGroupVersion.WithKind(kind) }
