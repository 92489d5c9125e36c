package cluster

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/types"
	kubevirtv1 "kubevirt.io/api/core/v1"
)

// launcherApp is the value of KubeVirt's label for the pods that run virtual machines.
const launcherApp = "virt-launcher"

// AnnotationMirror is on the pod by which the API server shows a static pod, which belongs to its node.
const AnnotationMirror = corev1.MirrorPodAnnotationKey

// Pods returns every pod.
func (s *Snapshot) Pods() []*corev1.Pod { return s.pods.items }

// Pod returns the pod of that name, or nil.
func (s *Snapshot) Pod(namespace, name string) *corev1.Pod { return s.pods.get(namespace, name) }

// PodsOn returns the pods that were assigned to a node, ended ones included.
func (s *Snapshot) PodsOn(node string) []*corev1.Pod { return s.podsOnNode.of(node) }

// PodsIn returns the pods of a namespace, ended ones included.
func (s *Snapshot) PodsIn(namespace string) []*corev1.Pod { return s.podsOfNamespace.of(namespace) }

// PodsUsing returns the pods that mount a persistent volume claim, ended ones included.
func (s *Snapshot) PodsUsing(namespace, claim string) []*corev1.Pod {
	return s.podsOfClaim[types.NamespacedName{Namespace: namespace, Name: claim}]
}

// DaemonSet returns the DaemonSet of that name, or nil.
func (s *Snapshot) DaemonSet(namespace, name string) *appsv1.DaemonSet {
	return s.daemonSets.get(namespace, name)
}

// Deployment returns the Deployment of that name, or nil.
func (s *Snapshot) Deployment(namespace, name string) *appsv1.Deployment {
	return s.deployments.get(namespace, name)
}

// Deployments returns every Deployment.
func (s *Snapshot) Deployments() []*appsv1.Deployment { return s.deployments.items }

// Jobs returns the jobs of Harvester's own namespace.
func (s *Snapshot) Jobs() []*batchv1.Job { return s.jobs }

// DisruptionBudgets returns every PodDisruptionBudget.
func (s *Snapshot) DisruptionBudgets() []*policyv1.PodDisruptionBudget { return s.budgets.items }

// DisruptionBudget returns the PodDisruptionBudget of that name, or nil.
func (s *Snapshot) DisruptionBudget(namespace, name string) *policyv1.PodDisruptionBudget {
	return s.budgets.get(namespace, name)
}

// IsLauncher tells whether a pod runs a virtual machine.
func IsLauncher(pod *corev1.Pod) bool { return pod.Labels[kubevirtv1.AppLabel] == launcherApp }

// IsEnded tells whether all containers of a pod have ended for good.
func IsEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// PodCondition returns a pod's condition of that type, or nil where the pod does not report it. The watch cache keeps only
// the condition Ready.
func PodCondition(pod *corev1.Pod, conditionType corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == conditionType {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

func (s *Snapshot) indexPods() {
	s.podsOnNode = groupBy(s.pods.items, func(pod *corev1.Pod) (string, bool) { return pod.Spec.NodeName, pod.Spec.NodeName != "" })
	s.podsOfNamespace = groupBy(s.pods.items, func(pod *corev1.Pod) (string, bool) { return pod.Namespace, true })
	s.launchersOfVMI = groupBy(s.pods.items, func(pod *corev1.Pod) (types.UID, bool) {
		uid := types.UID(pod.Labels[kubevirtv1.CreatedByLabel])
		return uid, uid != "" && IsLauncher(pod)
	})
	s.podsOfClaim = make(map[types.NamespacedName][]*corev1.Pod)
	for _, pod := range s.pods.items {
		for _, volume := range pod.Spec.Volumes {
			if volume.PersistentVolumeClaim != nil {
				key := types.NamespacedName{Namespace: pod.Namespace, Name: volume.PersistentVolumeClaim.ClaimName}
				s.podsOfClaim[key] = append(s.podsOfClaim[key], pod)
			}
		}
	}
}
