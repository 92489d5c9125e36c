package drain

import (
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// The values of KubeVirt's label for the pods that run virtual machines, and for those that bring hot-plugged volumes to their node.
const (
	launcherApp = "virt-launcher"
	hotplugApp  = "hotplug-disk"
)

// Denial is why a webhook does not let the API server evict a pod, or why no webhook can be asked.
type Denial struct {
	// Object is what the denial comes from: the VMI, the pod itself, or the configuration of the webhook.
	Object client.Object
	// Code is the HTTP status that the drain gets: 429, at which it tries again, or 500.
	Code int
	// Because states the fact: "VMI default/db-1 is on node-1, and this is the target of its migration".
	Because string
	// Evidence is what it rests on, field by field.
	Evidence []string
	// Passing is true where it ends by itself, when a migration does or the VM has left.
	Passing bool
}

// Intercepted says why KubeVirt's eviction interceptor denies the eviction of a launcher or hotplug pod; nil for one that it lets
// go, and for every other pod. The rule is that of kubevirt/kubevirt,
// pkg/virt-api/webhooks/validating-webhook/admitters/pod-eviction-admitter.go (v1.8.4, Admit):
//
//   - a hotplug pod is denied while its launcher and that launcher's VMI are there;
//   - a launcher that has ended, or that names no VMI, is let go;
//   - a launcher whose VMI does not exist is denied, for ever;
//   - a VMI with no eviction strategy, or None, is let go: the VM is killed;
//   - a VMI that must migrate and cannot is denied, for ever;
//   - a VMI that migrates, or is handled by others, is denied until its launcher has gone, as is the target of its migration.
//
// Where VMIs could not be read, a VMI that is not found is not known to be gone, and the denial says so.
func Intercepted(s *cluster.Snapshot, pod *corev1.Pod) *Denial {
	switch pod.Labels[kubevirtv1.AppLabel] {
	case hotplugApp:
		return interceptHotplug(s, pod)
	case launcherApp:
		return interceptLauncher(s, pod)
	}
	return nil
}

func interceptHotplug(s *cluster.Snapshot, pod *corev1.Pod) *Denial {
	if len(pod.OwnerReferences) != 1 {
		return nil
	}
	launcher := s.Pod(pod.Namespace, pod.OwnerReferences[0].Name)
	if launcher == nil || !cluster.IsLauncher(launcher) || cluster.IsEnded(launcher) {
		return nil
	}
	name := launcher.Annotations[cluster.AnnotationVMIDomain]
	vmi := s.VMI(pod.Namespace, name)
	if vmi == nil {
		return nil
	}
	return &Denial{
		Object: pod, Code: http.StatusTooManyRequests, Passing: true,
		Because: fmt.Sprintf("it brings hot-plugged volumes to VMI %s/%s, whose launcher %s is still there", vmi.Namespace, vmi.Name, launcher.Name),
		Evidence: []string{
			fmt.Sprintf("Pod %s/%s metadata.ownerReferences", pod.Namespace, pod.Name),
			fmt.Sprintf("Pod %s/%s status.phase", launcher.Namespace, launcher.Name),
		},
	}
}

func interceptLauncher(s *cluster.Snapshot, pod *corev1.Pod) *Denial {
	name, named := pod.Annotations[cluster.AnnotationVMIDomain]
	if cluster.IsEnded(pod) || !named {
		return nil
	}
	vmi := s.VMI(pod.Namespace, name)
	if vmi == nil {
		d := &Denial{
			Object: pod, Code: http.StatusTooManyRequests,
			Because:  fmt.Sprintf("it is the launcher of VMI %s/%s, which does not exist, and KubeVirt denies the eviction of such", pod.Namespace, name),
			Evidence: []string{fmt.Sprintf("Pod %s/%s metadata.annotations %s", pod.Namespace, pod.Name, cluster.AnnotationVMIDomain)},
		}
		if evidence := s.Evidence(cluster.VMIs); evidence.State != cluster.Read {
			d.Because = fmt.Sprintf("it is the launcher of VMI %s/%s, and VMIs could not be read (%s)", pod.Namespace, name, evidence.Because)
		}
		return d
	}
	strategy := evictionStrategyOf(s, vmi)
	migratable := isLiveMigratable(vmi)
	evidence := []string{
		fmt.Sprintf("VirtualMachineInstance %s/%s spec.evictionStrategy", vmi.Namespace, vmi.Name),
		fmt.Sprintf("VirtualMachineInstance %s/%s status.conditions LiveMigratable", vmi.Namespace, vmi.Name),
	}
	switch {
	case strategy == kubevirtv1.EvictionStrategyLiveMigrate && !migratable:
		return &Denial{
			Object: vmi, Code: http.StatusTooManyRequests, Evidence: evidence,
			Because: fmt.Sprintf("VMI %s/%s must migrate (%s) and cannot", vmi.Namespace, vmi.Name, strategy),
		}
	case strategy == kubevirtv1.EvictionStrategyLiveMigrate, strategy == kubevirtv1.EvictionStrategyExternal,
		strategy == kubevirtv1.EvictionStrategyLiveMigrateIfPossible && migratable:
		return whileItMoves(vmi, pod, strategy, evidence)
	}
	return nil
}

// whileItMoves is the denial of a launcher that waits for its VMI to leave, or to arrive.
func whileItMoves(vmi *kubevirtv1.VirtualMachineInstance, pod *corev1.Pod, strategy kubevirtv1.EvictionStrategy, evidence []string) *Denial {
	d := &Denial{Object: vmi, Code: http.StatusTooManyRequests, Passing: true, Evidence: evidence}
	if vmi.Status.NodeName != pod.Spec.NodeName {
		d.Object = pod
		d.Because = fmt.Sprintf("it is the target of a migration of VMI %s/%s, which runs on %s", vmi.Namespace, vmi.Name, nodeOrNone(vmi.Status.NodeName))
		d.Evidence = []string{fmt.Sprintf("VirtualMachineInstance %s/%s status.nodeName", vmi.Namespace, vmi.Name), fmt.Sprintf("Pod %s/%s spec.nodeName", pod.Namespace, pod.Name)}
		return d
	}
	d.Because = fmt.Sprintf("VMI %s/%s must leave the node first (%s)", vmi.Namespace, vmi.Name, strategy)
	return d
}

// LeavesWithVM tells whether a pod belongs to a VM that runs on the pod's node, as its launcher or for its hot-plugged volumes: it goes
// when the VM migrates or is stopped, which the upgrade waits for before it drains the node.
func LeavesWithVM(s *cluster.Snapshot, pod *corev1.Pod) bool {
	switch pod.Labels[kubevirtv1.AppLabel] {
	case hotplugApp:
		if len(pod.OwnerReferences) != 1 {
			return false
		}
		launcher := s.Pod(pod.Namespace, pod.OwnerReferences[0].Name)
		return launcher != nil && launcher.Spec.NodeName == pod.Spec.NodeName && LeavesWithVM(s, launcher)
	case launcherApp:
		vmi := s.VMI(pod.Namespace, pod.Annotations[cluster.AnnotationVMIDomain])
		return vmi != nil && vmi.Status.NodeName != "" && vmi.Status.NodeName == pod.Spec.NodeName
	}
	return false
}

// evictionStrategyOf returns a VMI's own eviction strategy, or the cluster's where it has none; empty where neither has.
func evictionStrategyOf(s *cluster.Snapshot, vmi *kubevirtv1.VirtualMachineInstance) kubevirtv1.EvictionStrategy {
	if vmi.Spec.EvictionStrategy != nil {
		return *vmi.Spec.EvictionStrategy
	}
	for _, installed := range s.KubeVirts() {
		if strategy := installed.Spec.Configuration.EvictionStrategy; strategy != nil {
			return *strategy
		}
	}
	return ""
}

// isLiveMigratable is IsMigratable of KubeVirt's API: a condition that is not reported means that it cannot.
func isLiveMigratable(vmi *kubevirtv1.VirtualMachineInstance) bool {
	condition := cluster.VMICondition(vmi, kubevirtv1.VirtualMachineInstanceIsMigratable)
	return condition != nil && condition.Status == corev1.ConditionTrue
}

func nodeOrNone(node string) string {
	if node == "" {
		return "no node"
	}
	return node
}
