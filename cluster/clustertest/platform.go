package clustertest

import (
	"fmt"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	engineImage  = "longhornio/longhorn-engine:v1.7.2"
	managerImage = "longhornio/longhorn-instance-manager:v1.7.2"
	kubevirt     = "1.2.2-150500.8.21.1"
	systemPods   = 30 // on every node

	managementNodes = 3 // with etcd and control plane
)

// addHarvester adds Harvester's and Longhorn's settings, the version to upgrade to, and an add-on.
func (c *Cluster) addHarvester() {
	c.add(cluster.HarvesterSettings, &cluster.Setting{ObjectMeta: metav1.ObjectMeta{Name: "server-version"}, Value: "v1.4.1"})
	c.add(cluster.Versions, &cluster.Version{
		ObjectMeta: inHarvester("v1.4.2"),
		Spec:       cluster.VersionSpec{ISOURL: "http://10.10.0.1/harvester-v1.4.2.iso", MinUpgradableVersion: "v1.4.1"},
	})
	for name, value := range map[string]string{
		"current-longhorn-version": "v1.7.2", "auto-cleanup-system-generated-snapshot": "true",
		"storage-over-provisioning-percentage": "100", "storage-minimal-available-percentage": "25",
		"node-drain-policy": "allow-if-replica-is-stopped", "concurrent-replica-rebuild-per-node-limit": "5",
		"default-instance-manager-image": managerImage, "default-engine-image": engineImage, "replica-soft-anti-affinity": "false",
		"detach-manually-attached-volumes-when-cordoned": "true", "disable-scheduling-on-cordoned-node": "true",
		"allow-volume-creation-with-degraded-availability": "true", "auto-salvage": "true", "guaranteed-instance-manager-cpu": "12",
	} {
		c.add(cluster.LonghornSettings, &lhv1.Setting{ObjectMeta: inLonghorn(name), Value: value})
	}
	c.add(cluster.Addons, &cluster.Addon{ObjectMeta: inHarvester("rancher-monitoring"), Spec: cluster.AddonSpec{Enabled: true}, Status: cluster.AddonStatus{Status: "AddonDeploySuccessful"}})
}

// addPlatform adds what Kubernetes, Rancher, KubeVirt and Longhorn themselves run on.
func (c *Cluster) addPlatform() {
	c.addRancher()
	c.addKubeVirt()
	deployed := &lhv1.EngineImage{ObjectMeta: inLonghorn("ei-51cc7b9c"), Spec: lhv1.EngineImageSpec{Image: engineImage}}
	deployed.Status.State, deployed.Status.NodeDeploymentMap = lhv1.EngineImageStateDeployed, map[string]bool{}
	nodes := int32(c.size.Nodes)
	c.add(cluster.DaemonSets, &appsv1.DaemonSet{ObjectMeta: inLonghorn("longhorn-manager"), Status: appsv1.DaemonSetStatus{
		CurrentNumberScheduled: nodes, DesiredNumberScheduled: nodes, NumberReady: nodes, NumberAvailable: nodes, UpdatedNumberScheduled: nodes,
	}})
	for i := range c.size.Nodes {
		deployed.Status.NodeDeploymentMap[nodeName(i)] = true
		c.addBudget(i)
		c.addSystemPods(i)
		renewed := metav1.NewMicroTime(Now().Add(-time.Duration(i%10) * time.Second))
		c.add(cluster.NodeLeases, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), Namespace: corev1.NamespaceNodeLease}, Spec: coordinationv1.LeaseSpec{RenewTime: &renewed},
		})
	}
	c.add(cluster.EngineImages, deployed)
	c.add(cluster.StorageClasses, &storagev1.StorageClass{
		ObjectMeta:  metav1.ObjectMeta{Name: "harvester-longhorn", Annotations: map[string]string{cluster.AnnotationDefaultClass: "true"}},
		Provisioner: "driver.longhorn.io",
	})
	ignore, none := admissionv1.Ignore, admissionv1.SideEffectClassNone
	c.add(cluster.ValidatingWebhooks, &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "harvester-validator"}, Webhooks: []admissionv1.ValidatingWebhook{{
		Name: "validator.harvesterhci.io", FailurePolicy: &ignore, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		ClientConfig: admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{Namespace: cluster.HarvesterNamespace, Name: "harvester-webhook"}},
	}}})
}

func (c *Cluster) addRancher() {
	ready := []cluster.StatusCondition{{Type: "Ready", Status: "True"}}
	for _, name := range []string{"harvester", "harvester-crd", "rancher-monitoring-crd", "rancher-logging-crd"} {
		c.add(cluster.ManagedCharts, &cluster.ManagedChart{ObjectMeta: inFleet(name), Status: cluster.ManagedChartStatus{Conditions: ready, Summary: cluster.BundleSummary{DesiredReady: 1, Ready: 1}}})
		c.add(cluster.Bundles, &cluster.Bundle{ObjectMeta: inFleet("mcc-" + name), Status: cluster.BundleStatus{Conditions: ready, Summary: cluster.BundleSummary{DesiredReady: 1, Ready: 1}}})
	}
	for namespace, name := range map[string]string{cluster.HarvesterNamespace: "harvester", "cattle-system": "rancher", "cattle-fleet-system": "fleet"} {
		c.add(cluster.Apps, &cluster.App{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Spec: cluster.AppSpec{Name: name, Info: cluster.AppInfo{Status: "deployed"}}})
	}
	c.add(cluster.CAPIClusters, &cluster.CAPICluster{ObjectMeta: inFleet(cluster.LocalCluster), Status: cluster.CAPIClusterStatus{Phase: "Provisioned", Conditions: ready, ObservedGeneration: 1}})
	c.add(cluster.ProvisioningClusters, &cluster.ProvisioningCluster{ObjectMeta: inFleet(cluster.LocalCluster), Status: cluster.ProvisioningClusterStatus{
		Ready: true, Conditions: append([]cluster.StatusCondition{{Type: "Provisioned", Status: "True"}, {Type: "Updated", Status: "True"}}, ready...),
	}})
	for i := range c.size.Nodes {
		meta := inFleet(machineName(i))
		if i < managementNodes {
			meta.Labels = map[string]string{"rke.cattle.io/etcd-role": "true", "rke.cattle.io/control-plane-role": "true"}
		}
		c.add(cluster.Machines, &cluster.Machine{ObjectMeta: meta, Status: cluster.MachineStatus{Phase: "Running", NodeRef: &cluster.NodeReference{Name: nodeName(i)}}})
	}
}

func (c *Cluster) addKubeVirt() {
	installed := &kubevirtv1.KubeVirt{ObjectMeta: inHarvester("kubevirt")}
	installed.Status.Phase = kubevirtv1.KubeVirtPhaseDeployed
	installed.Status.ObservedKubeVirtVersion, installed.Status.TargetKubeVirtVersion = kubevirt, kubevirt
	installed.Status.Conditions = []kubevirtv1.KubeVirtCondition{{Type: kubevirtv1.KubeVirtConditionAvailable, Status: corev1.ConditionTrue}}
	c.add(cluster.KubeVirts, installed)
}

func (c *Cluster) addBudget(node int) {
	one := intstr.FromInt32(1)
	c.add(cluster.DisruptionBudgets, &policyv1.PodDisruptionBudget{
		ObjectMeta: inLonghorn(managerName(node)),
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &one, Selector: &metav1.LabelSelector{MatchLabels: managerLabels(node)}},
		Status:     policyv1.PodDisruptionBudgetStatus{CurrentHealthy: 1, DesiredHealthy: 1, ExpectedPods: 1},
	})
	pod := runningPod(inLonghorn(managerName(node)), node)
	pod.Labels = managerLabels(node)
	c.add(cluster.Pods, pod)
}

func (c *Cluster) addSystemPods(node int) {
	for i := range systemPods {
		c.add(cluster.Pods, runningPod(inHarvester(fmt.Sprintf("system-%02d-on-%s", i, nodeName(node))), node))
	}
	handler := runningPod(inHarvester("virt-handler-on-"+nodeName(node)), node)
	handler.Labels = map[string]string{kubevirtv1.AppLabel: "virt-handler"}
	handler.Annotations = map[string]string{cluster.AnnotationInstallStrategy: kubevirt}
	c.add(cluster.Pods, handler)
}

func runningPod(meta metav1.ObjectMeta, node int) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: meta}
	pod.Spec.NodeName = nodeName(node)
	pod.Spec.Containers = requesting("50m", "128Mi")
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	return pod
}

// requesting returns the containers of a pod that requests so much.
func requesting(cpu, memory string) []corev1.Container {
	return []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
	}}}}
}

func machineName(node int) string { return fmt.Sprintf("custom-%02d", node) }

func inHarvester(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: cluster.HarvesterNamespace, CreationTimestamp: metav1.NewTime(Now().AddDate(-1, 0, 0))}
}

func inFleet(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: cluster.FleetLocalNamespace, CreationTimestamp: metav1.NewTime(Now().AddDate(-1, 0, 0))}
}
