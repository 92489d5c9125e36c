package clustertest

import (
	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func (c *Cluster) addNode(i int) {
	name := nodeName(i)
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: name, CreationTimestamp: metav1.NewTime(Now().AddDate(-1, 0, 0)),
		Labels:      map[string]string{cluster.LabelManaged: "true", corev1.LabelHostname: name},
		Annotations: map[string]string{cluster.AnnotationMachine: machineName(i)},
	}}
	node.Status.Addresses = []corev1.NodeAddress{
		{Type: corev1.NodeInternalIP, Address: nodeIP(i)},
		{Type: corev1.NodeHostName, Address: name},
	}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = 10250
	node.Labels[kubevirtv1.NodeSchedulable] = "true"
	if i < managementNodes {
		node.Labels["node-role.kubernetes.io/etcd"], node.Labels["node-role.kubernetes.io/control-plane"] = "true", "true"
	}
	node.Status.Allocatable = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("256Gi"), corev1.ResourcePods: resource.MustParse("250"),
		"devices.kubevirt.io/kvm": resource.MustParse("1k"),
	}
	node.Status.NodeInfo.KubeletVersion = "v1.30.7+rke2r1"
	for _, quiet := range []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure} {
		node.Status.Conditions = append(node.Status.Conditions, corev1.NodeCondition{Type: quiet, Status: corev1.ConditionFalse})
	}
	node.Status.Conditions = append(node.Status.Conditions, corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"})
	c.add(cluster.Nodes, node)
	c.addLonghornNode(name)
	c.kubelets[name] = healthyKubelet()
}

func (c *Cluster) addLonghornNode(name string) {
	node := &lhv1.Node{ObjectMeta: inLonghorn(name)}
	node.Spec.AllowScheduling = true
	node.Spec.Disks = map[string]lhv1.DiskSpec{"default-disk": {AllowScheduling: true, Path: "/var/lib/harvester/defaultdisk", StorageReserved: 50 << 30}}
	node.Status.Conditions = []lhv1.Condition{{Type: "Ready", Status: lhv1.ConditionStatusTrue}, {Type: "Schedulable", Status: lhv1.ConditionStatusTrue}}
	node.Status.DiskStatus = map[string]*lhv1.DiskStatus{"default-disk": {
		Conditions:       []lhv1.Condition{{Type: "Ready", Status: lhv1.ConditionStatusTrue}, {Type: "Schedulable", Status: lhv1.ConditionStatusTrue}},
		StorageAvailable: 8 << 40, StorageMaximum: 16 << 40, StorageScheduled: 7 << 40,
	}}
	c.add(cluster.LonghornNodes, node)
}

func healthyKubelet() cluster.Kubelet {
	capacity, used, threshold := uint64(200<<30), uint64(120<<30), int32(85)
	available := capacity - used
	disk := &cluster.FileSystem{CapacityBytes: &capacity, UsedBytes: &used, AvailableBytes: &available}
	stats := &cluster.KubeletSummary{FileSystem: disk}
	stats.Runtime.ImageFileSystem = disk
	return cluster.Kubelet{ReadAt: Now(), Stats: stats, Config: &cluster.KubeletConfiguration{ImageGCHighThresholdPercent: &threshold}}
}

func (c *Cluster) addInstanceManager(i int) {
	manager := &lhv1.InstanceManager{ObjectMeta: inLonghorn(managerName(i))}
	manager.Labels = managerLabels(i)
	manager.Spec.NodeID, manager.Spec.Image = nodeName(i), managerImage
	manager.Spec.Type = lhv1.InstanceManagerTypeAllInOne
	manager.Spec.DataEngine = lhv1.DataEngineTypeV1
	manager.Status.CurrentState = lhv1.InstanceManagerStateRunning
	manager.Status.InstanceEngines = processes(c.engines[i], lhv1.InstanceTypeEngine)
	manager.Status.InstanceReplicas = processes(c.replicas[i], lhv1.InstanceTypeReplica)
	c.add(cluster.InstanceManagers, manager)
}

func managerLabels(node int) map[string]string {
	return map[string]string{
		"longhorn.io/component": "instance-manager", "longhorn.io/managed-by": "longhorn-manager", "longhorn.io/data-engine": "v1",
		"longhorn.io/instance-manager-image": "imi-d6120567", "longhorn.io/instance-manager-type": "aio", "longhorn.io/node": nodeName(node),
	}
}

func processes(names []string, kind lhv1.InstanceType) map[string]lhv1.InstanceProcess {
	all := make(map[string]lhv1.InstanceProcess, len(names))
	for i, name := range names {
		all[name] = lhv1.InstanceProcess{
			Spec: lhv1.InstanceProcessSpec{Name: name, DataEngine: lhv1.DataEngineTypeV1},
			Status: lhv1.InstanceProcessStatus{
				State: lhv1.InstanceStateRunning, Type: kind, Listen: "10.52.0.9:10000",
				PortStart: int32(10000 + i), PortEnd: int32(10000 + i),
			},
		}
	}
	return all
}

func inLonghorn(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: cluster.LonghornNamespace, CreationTimestamp: metav1.NewTime(Now().AddDate(0, -3, 0))}
}
