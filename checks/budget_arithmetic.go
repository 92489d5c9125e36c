package checks

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// neverAllows says why a budget would allow no disruption even if all its pods were healthy; empty where it would. It counts as
// Kubernetes' disruption controller does (getExpectedPodCount): shares of the pods are rounded up, those of maxUnavailable too.
func neverAllows(p *Pass, b *budgetedPods) string {
	pods := expectedPods(p, b)
	switch spec := b.Spec; {
	case spec.MaxUnavailable != nil:
		unavailable, err := intstr.GetScaledValueFromIntOrPercent(spec.MaxUnavailable, pods, true)
		if err == nil && unavailable <= 0 {
			return "maxUnavailable is " + spec.MaxUnavailable.String()
		}
	case spec.MinAvailable != nil:
		available, err := intstr.GetScaledValueFromIntOrPercent(spec.MinAvailable, pods, true)
		if err != nil || pods == 0 || available < pods {
			return ""
		}
		if spec.MinAvailable.Type == intstr.String {
			return fmt.Sprintf("minAvailable is %s, which is %d of %d pods", spec.MinAvailable.String(), available, pods)
		}
		return fmt.Sprintf("minAvailable is %d of %d pods", available, pods)
	}
	return ""
}

// expectedPods returns how many pods a budget has when all run: what their Deployments ask for, and otherwise what its status
// counts, which a pod that is just being replaced makes smaller.
func expectedPods(p *Pass, b *budgetedPods) int {
	sum := 0
	counted := map[*appsv1.Deployment]bool{}
	for _, pod := range b.pods {
		deployment := deploymentOf(p, pod)
		if deployment == nil || deployment.Spec.Replicas == nil {
			if b.Status.ExpectedPods > 0 {
				return int(b.Status.ExpectedPods)
			}
			return len(b.pods)
		}
		if !counted[deployment] {
			counted[deployment] = true
			sum += int(*deployment.Spec.Replicas)
		}
	}
	return sum
}

// isRollingOut tells whether a Deployment of one of the pods is replacing its pods; not one that has given up.
func isRollingOut(p *Pass, pods []*corev1.Pod) bool {
	var last *appsv1.Deployment
	for _, pod := range pods {
		deployment := deploymentOf(p, pod)
		if deployment == nil || deployment == last {
			continue
		}
		last = deployment
		status := deployment.Status
		replaced := status.ObservedGeneration >= deployment.Generation && status.UpdatedReplicas >= status.Replicas &&
			(deployment.Spec.Replicas == nil || status.UpdatedReplicas >= *deployment.Spec.Replicas)
		if !replaced && !hasGivenUp(deployment) {
			return true
		}
	}
	return false
}

// waitsForNode tells whether one of the pods is not ready because its node is not, which nodes-unready reports.
func waitsForNode(p *Pass, pods []*corev1.Pod) bool {
	unready := unreadyNodes(p)
	return slices.ContainsFunc(pods, func(pod *corev1.Pod) bool { return unready[pod.Spec.NodeName] && !isRunningWell(pod) })
}

func hasGivenUp(deployment *appsv1.Deployment) bool {
	for _, condition := range deployment.Status.Conditions {
		if condition.Type == appsv1.DeploymentProgressing {
			return condition.Status == corev1.ConditionFalse
		}
	}
	return false
}

// deploymentOf returns the Deployment of a pod, which the name of its ReplicaSet begins with, or nil.
func deploymentOf(p *Pass, pod *corev1.Pod) *appsv1.Deployment {
	owner := metav1.GetControllerOf(pod)
	hash := pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
	if owner == nil || owner.Kind != "ReplicaSet" || hash == "" {
		return nil
	}
	name, ok := strings.CutSuffix(owner.Name, "-"+hash)
	if !ok {
		return nil
	}
	return p.Deployment(pod.Namespace, name)
}
