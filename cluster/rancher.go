package cluster

// FleetLocalNamespace is where Rancher keeps the objects of the cluster that it runs in.
const FleetLocalNamespace = "fleet-local"

// LocalCluster is the name under which Rancher manages the cluster that it runs in.
const LocalCluster = "local"

// LabelClusterName names the cluster of Cluster API that an object belongs to.
const LabelClusterName = "cluster.x-k8s.io/cluster-name"

// AnnotationPaused stops Cluster API from working on an object, whatever its value (kubernetes-sigs/cluster-api, api/v1beta1).
const AnnotationPaused = "cluster.x-k8s.io/paused"

// ManagedCharts returns every ManagedChart.
func (s *Snapshot) ManagedCharts() []*ManagedChart { return s.managedCharts }

// Bundles returns every Bundle of Fleet.
func (s *Snapshot) Bundles() []*Bundle { return s.bundles }

// Apps returns every App, which is a Helm release.
func (s *Snapshot) Apps() []*App { return s.apps }

// ProvisioningClusters returns every cluster that Rancher provisions; that of Harvester itself is fleet-local/local.
func (s *Snapshot) ProvisioningClusters() []*ProvisioningCluster { return s.provisioningClusters }

// CAPIClusters returns every cluster of Cluster API; that of Harvester itself is fleet-local/local.
func (s *Snapshot) CAPIClusters() []*CAPICluster { return s.capiClusters }

// Machines returns every Machine of Cluster API.
func (s *Snapshot) Machines() []*Machine { return s.machines }

// NodePlans returns every plan of the system-upgrade-controller.
func (s *Snapshot) NodePlans() []*NodePlan { return s.nodePlans }

// IPPools returns every address pool of whereabouts.
func (s *Snapshot) IPPools() []*IPPool { return s.ipPools }
