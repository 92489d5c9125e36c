package clustertest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// namespaces is how many namespaces the virtual machines are spread over.
const namespaces = 10

// owner returns the virtual machine that mounts a volume.
func (c *Cluster) owner(volume int) int { return volume % c.size.VirtualMachines }

func namespaceOf(vm int) string { return fmt.Sprintf("team-%d", vm%namespaces) }

func claimName(volume int) string { return fmt.Sprintf("disk-%05d", volume) }

func launcherName(vm int) string { return fmt.Sprintf("virt-launcher-vm-%05d-x7k2p", vm) }

// Namespaces returns the namespaces that the cluster's objects live in.
func (c *Cluster) Namespaces() []string {
	names := []string{cluster.LonghornNamespace, cluster.HarvesterNamespace, cluster.FleetLocalNamespace, "cattle-system", "cattle-fleet-system"}
	for i := range namespaces {
		names = append(names, namespaceOf(i))
	}
	return names
}

func (c *Cluster) addVirtualMachine(i int) {
	name, home := fmt.Sprintf("vm-%05d", i), nodeName(i%c.size.Nodes)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: launcherName(i), Namespace: namespaceOf(i)}}
	pod.Spec = corev1.PodSpec{NodeName: home, Containers: requesting("500m", "2Gi"), NodeSelector: map[string]string{kubevirtv1.NodeSchedulable: "true"}}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	c.add(cluster.Pods, pod)

	vmi := &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{
		Name: name, Namespace: namespaceOf(i), CreationTimestamp: metav1.NewTime(Now().AddDate(0, -2, 0)),
		Labels: map[string]string{kubevirtv1.NodeNameLabel: home, "harvesterhci.io/vmName": name},
	}}
	strategy := kubevirtv1.EvictionStrategyLiveMigrate
	vmi.Spec.EvictionStrategy = &strategy
	guest := resource.MustParse("2Gi")
	vmi.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: &guest}
	for volume := i; volume < c.size.Volumes; volume += c.size.VirtualMachines {
		disk := fmt.Sprintf("disk-%d", len(vmi.Spec.Volumes))
		source := kubevirtv1.VolumeSource{PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{}}
		source.PersistentVolumeClaim.ClaimName = claimName(volume)
		vmi.Spec.Volumes = append(vmi.Spec.Volumes, kubevirtv1.Volume{Name: disk, VolumeSource: source})
		vmi.Spec.Domain.Devices.Disks = append(vmi.Spec.Domain.Devices.Disks, kubevirtv1.Disk{Name: disk})
	}
	vmi.Status.Phase, vmi.Status.NodeName = kubevirtv1.Running, home
	vmi.Status.Conditions = []kubevirtv1.VirtualMachineInstanceCondition{
		{Type: kubevirtv1.VirtualMachineInstanceReady, Status: corev1.ConditionTrue},
		{Type: kubevirtv1.VirtualMachineInstanceIsMigratable, Status: corev1.ConditionTrue},
	}
	vmi.Status.ActivePods = map[types.UID]string{pod.UID: home}
	c.add(cluster.VMIs, vmi)
	c.addVirtualMachineOf(vmi)
	pod.Labels = map[string]string{kubevirtv1.AppLabel: "virt-launcher", kubevirtv1.CreatedByLabel: string(vmi.UID)}
	if i%10 == 0 {
		c.addFinishedMigration(vmi)
	}
}

func (c *Cluster) addVirtualMachineOf(vmi *kubevirtv1.VirtualMachineInstance) {
	vm := &kubevirtv1.VirtualMachine{ObjectMeta: metav1.ObjectMeta{Name: vmi.Name, Namespace: vmi.Namespace, CreationTimestamp: vmi.CreationTimestamp}}
	strategy := kubevirtv1.RunStrategyRerunOnFailure
	vm.Spec.RunStrategy = &strategy
	vm.Spec.Template = &kubevirtv1.VirtualMachineInstanceTemplateSpec{Spec: vmi.Spec}
	vm.Status.Created, vm.Status.Ready, vm.Status.PrintableStatus = true, true, kubevirtv1.VirtualMachineStatusRunning
	c.add(cluster.VirtualMachines, vm)
	vmi.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(vm, kubevirtv1.VirtualMachineGroupVersionKind)}
	for _, claim := range cluster.ClaimsOf(vmi) {
		c.addClaim(vmi.Namespace, claim)
	}
}

func (c *Cluster) addClaim(namespace, name string) {
	class, size := "harvester-longhorn", resource.MustParse("40Gi")
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	claim.Spec.StorageClassName = &class
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: size}
	claim.Status.Phase = corev1.ClaimBound
	c.add(cluster.PersistentVolumeClaims, claim)
}

func (c *Cluster) addFinishedMigration(vmi *kubevirtv1.VirtualMachineInstance) {
	migration := &kubevirtv1.VirtualMachineInstanceMigration{ObjectMeta: metav1.ObjectMeta{
		Name: vmi.Name + "-move", Namespace: vmi.Namespace, CreationTimestamp: metav1.NewTime(Now().AddDate(0, -1, 0)),
		Labels: map[string]string{kubevirtv1.MigrationSelectorLabel: vmi.Name},
	}}
	migration.Spec.VMIName = vmi.Name
	migration.Status.Phase = kubevirtv1.MigrationSucceeded
	c.add(cluster.Migrations, migration)
}
