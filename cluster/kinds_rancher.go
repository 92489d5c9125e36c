package cluster

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func cattle(group, version, kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: group + ".cattle.io", Version: version, Kind: kind}
}

func clusterAPI(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "cluster.x-k8s.io", Version: "v1beta1", Kind: kind}
}

// inFleetLocal is the namespace of everything that Rancher, Fleet and Cluster API keep of the cluster that they run in.
func inFleetLocal() []string { return []string{FleetLocalNamespace} }

// rancherKinds are the rows of the kinds with which Rancher, Fleet and Cluster API run the cluster, and whereabouts' pools.
func rancherKinds() []Resource {
	return []Resource{
		row(Resource{Kind: ManagedCharts, GVK: cattle("management", "v3", "ManagedChart"), Plural: "managedcharts", Namespaced: true, Home: inFleetLocal()},
			func() client.ObjectList { return &ManagedChartList{} }, keepManagedChart,
			func(s *Snapshot, items []*ManagedChart) { s.managedCharts = items }),
		row(Resource{Kind: Bundles, GVK: cattle("fleet", "v1alpha1", "Bundle"), Plural: "bundles", Namespaced: true, Home: inFleetLocal()},
			func() client.ObjectList { return &BundleList{} }, keepBundle,
			func(s *Snapshot, items []*Bundle) { s.bundles = items }),
		row(Resource{Kind: Apps, GVK: cattle("catalog", "v1", "App"), Plural: "apps", Namespaced: true},
			func() client.ObjectList { return &AppList{} }, keepApp,
			func(s *Snapshot, items []*App) { s.apps = items }),
		row(Resource{Kind: ProvisioningClusters, GVK: cattle("provisioning", "v1", "Cluster"), Plural: "clusters", Namespaced: true, Home: inFleetLocal()},
			func() client.ObjectList { return &ProvisioningClusterList{} }, keepProvisioningCluster,
			func(s *Snapshot, items []*ProvisioningCluster) { s.provisioningClusters = items }),
		row(Resource{Kind: CAPIClusters, GVK: clusterAPI("Cluster"), Plural: "clusters", Namespaced: true, Home: inFleetLocal()},
			func() client.ObjectList { return &CAPIClusterList{} }, keepCAPICluster,
			func(s *Snapshot, items []*CAPICluster) { s.capiClusters = items }),
		row(Resource{Kind: Machines, GVK: clusterAPI("Machine"), Plural: "machines", Namespaced: true, Home: inFleetLocal()},
			func() client.ObjectList { return &MachineList{} }, keepMachine,
			func(s *Snapshot, items []*Machine) { s.machines = items }),
		row(Resource{Kind: NodePlans, GVK: cattle("upgrade", "v1", "Plan"), Plural: "plans", Namespaced: true, Home: []string{"cattle-system"}},
			func() client.ObjectList { return &NodePlanList{} }, keepNodePlan,
			func(s *Snapshot, items []*NodePlan) { s.nodePlans = items }),
		row(Resource{Kind: IPPools, GVK: schema.GroupVersionKind{Group: "whereabouts.cni.cncf.io", Version: "v1alpha1", Kind: "IPPool"}, Plural: "ippools", Namespaced: true, Home: []string{"kube-system"}, Optional: "whereabouts, which gives a storage network its addresses,"},
			func() client.ObjectList { return &IPPoolList{} }, keepIPPool,
			func(s *Snapshot, items []*IPPool) { s.ipPools = items }),
	}
}

func keepManagedChart(from, to *ManagedChart) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepBundle(from, to *Bundle) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepApp(from, to *App) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepProvisioningCluster(from, to *ProvisioningCluster) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepCAPICluster(from, to *CAPICluster) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepMachine(from, to *Machine) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepNodePlan(from, to *NodePlan) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepIPPool(from, to *IPPool) {
	to.Spec = from.Spec
}
