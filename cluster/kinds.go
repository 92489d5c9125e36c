package cluster

import "slices"

// The kinds that a Snapshot holds. A check names those that it needs.
const (
	Nodes                     Kind = "nodes"
	Pods                      Kind = "pods"
	Services                  Kind = "services"
	PersistentVolumeClaims    Kind = "persistentvolumeclaims"
	IOErrorEvents             Kind = "events"
	NodeLeases                Kind = "leases.coordination.k8s.io"
	DaemonSets                Kind = "daemonsets.apps"
	Deployments               Kind = "deployments.apps"
	Jobs                      Kind = "jobs.batch"
	DisruptionBudgets         Kind = "poddisruptionbudgets.policy"
	StorageClasses            Kind = "storageclasses.storage.k8s.io"
	VolumeAttachments         Kind = "volumeattachments.storage.k8s.io"
	EndpointSlices            Kind = "endpointslices.discovery.k8s.io"
	ValidatingWebhooks        Kind = "validatingwebhookconfigurations.admissionregistration.k8s.io"
	MutatingWebhooks          Kind = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
	APIServices               Kind = "apiservices.apiregistration.k8s.io"
	CustomResourceDefinitions Kind = "customresourcedefinitions.apiextensions.k8s.io"

	VirtualMachines Kind = "virtualmachines.kubevirt.io"
	VMIs            Kind = "virtualmachineinstances.kubevirt.io"
	Migrations      Kind = "virtualmachineinstancemigrations.kubevirt.io"
	KubeVirts       Kind = "kubevirts.kubevirt.io"
	CDIs            Kind = "cdis.cdi.kubevirt.io"

	Volumes           Kind = "volumes.longhorn.io"
	Engines           Kind = "engines.longhorn.io"
	Replicas          Kind = "replicas.longhorn.io"
	InstanceManagers  Kind = "instancemanagers.longhorn.io"
	Attachments       Kind = "volumeattachments.longhorn.io"
	LonghornSnapshots Kind = "snapshots.longhorn.io"
	LonghornSettings  Kind = "settings.longhorn.io"
	LonghornNodes     Kind = "nodes.longhorn.io"
	Orphans           Kind = "orphans.longhorn.io"
	EngineImages      Kind = "engineimages.longhorn.io"
	BackingImages     Kind = "backingimages.longhorn.io"
	Backups           Kind = "backups.longhorn.io"
	RecurringJobs     Kind = "recurringjobs.longhorn.io"

	Upgrades             Kind = "upgrades.harvesterhci.io"
	Versions             Kind = "versions.harvesterhci.io"
	HarvesterSettings    Kind = "settings.harvesterhci.io"
	VirtualMachineImages Kind = "virtualmachineimages.harvesterhci.io"
	VMBackups            Kind = "virtualmachinebackups.harvesterhci.io"
	VMRestores           Kind = "virtualmachinerestores.harvesterhci.io"
	VMBackupSchedules    Kind = "schedulevmbackups.harvesterhci.io"
	Addons               Kind = "addons.harvesterhci.io"
	UpgradePlans         Kind = "upgradeplans.management.harvesterhci.io"

	ManagedCharts        Kind = "managedcharts.management.cattle.io"
	Bundles              Kind = "bundles.fleet.cattle.io"
	Apps                 Kind = "apps.catalog.cattle.io"
	ProvisioningClusters Kind = "clusters.provisioning.cattle.io"
	CAPIClusters         Kind = "clusters.cluster.x-k8s.io"
	Machines             Kind = "machines.cluster.x-k8s.io"
	NodePlans            Kind = "plans.upgrade.cattle.io"
	IPPools              Kind = "ippools.whereabouts.cni.cncf.io"

	// KubeletStats is what each kubelet answers on /stats/summary; it is probed, not listed.
	KubeletStats Kind = "nodes/stats"
	// KubeletConfig is what each kubelet answers on /configz; it is probed, not listed.
	KubeletConfig Kind = "nodes/configz"
	// ServedCertificates is what the API servers and kubelets present when they are dialled; it is probed, not listed.
	ServedCertificates Kind = "certificates"
)

// Resources is the table of kinds, the only place where a kind is introduced: Kubernetes' own kinds first, then KubeVirt's,
// Longhorn's, Harvester's and Rancher's, each group in a file of its own, beside the functions that say what is kept of them.
func Resources() []Resource {
	return slices.Concat(kubernetesKinds(), kubevirtKinds(), longhornKinds(), harvesterKinds(), rancherKinds())
}

// watchedResources are the rows that the watch cache watches, and polledResources those that it polls.
func watchedResources() []Resource {
	return slices.DeleteFunc(Resources(), Resource.polled)
}

func polledResources() []Resource {
	return slices.DeleteFunc(everyResource(), func(r Resource) bool { return !r.polled() })
}
