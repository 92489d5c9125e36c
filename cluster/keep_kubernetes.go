package cluster

import (
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/component-helpers/resource"
)

func keepNode(from, to *corev1.Node) {
	to.Spec.Unschedulable = from.Spec.Unschedulable
	to.Spec.Taints = from.Spec.Taints
	to.Status.Conditions = from.Status.Conditions
	to.Status.Addresses = from.Status.Addresses
	to.Status.DaemonEndpoints = from.Status.DaemonEndpoints
	to.Spec.PodCIDR = from.Spec.PodCIDR
	to.Status.Allocatable = from.Status.Allocatable
	to.Status.NodeInfo.KubeletVersion = from.Status.NodeInfo.KubeletVersion
}

// keepPod keeps what tells where a pod runs and could run, whose it is and whether it is ready. Of its containers it keeps the sum
// of what they request, as the only container, and the ports of the node that they take.
func keepPod(from, to *corev1.Pod) {
	to.DeletionGracePeriodSeconds = from.DeletionGracePeriodSeconds
	to.Finalizers = from.Finalizers
	to.Spec.NodeName = from.Spec.NodeName
	to.Spec.HostNetwork = from.Spec.HostNetwork
	to.Spec.NodeSelector = from.Spec.NodeSelector
	to.Spec.Affinity = from.Spec.Affinity
	to.Spec.Tolerations = from.Spec.Tolerations
	to.Spec.TopologySpreadConstraints = from.Spec.TopologySpreadConstraints
	for _, volume := range from.Spec.Volumes {
		if claim := volume.PersistentVolumeClaim; claim != nil {
			to.Spec.Volumes = append(to.Spec.Volumes, corev1.Volume{Name: volume.Name, VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: claim}})
		}
	}
	to.Spec.Containers = []corev1.Container{sumOfContainers(from)}
	to.Status.Phase = from.Status.Phase
	to.Status.Reason = from.Status.Reason
	to.Status.StartTime = from.Status.StartTime
	for _, condition := range from.Status.Conditions {
		if condition.Type == corev1.PodReady {
			to.Status.Conditions = []corev1.PodCondition{condition}
		}
	}
}

func sumOfContainers(pod *corev1.Pod) corev1.Container {
	var sum corev1.Container
	// Like kube-scheduler, with what a container still has, where its requests were made smaller while it runs.
	if requests := resource.PodRequests(pod, resource.PodResourcesOptions{UseStatusResources: true}); len(requests) > 0 {
		sum.Resources.Requests = requests
	}
	for i := range pod.Spec.InitContainers {
		if policy := pod.Spec.InitContainers[i].RestartPolicy; policy != nil && *policy == corev1.ContainerRestartPolicyAlways {
			sum.Ports = append(sum.Ports, hostPorts(&pod.Spec.InitContainers[i])...) // a sidecar, which runs as long as the pod
		}
	}
	for i := range pod.Spec.Containers {
		sum.Ports = append(sum.Ports, hostPorts(&pod.Spec.Containers[i])...)
	}
	return sum
}

// hostPorts returns the ports of the node that a container takes.
func hostPorts(container *corev1.Container) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	for _, port := range container.Ports {
		if port.HostPort > 0 {
			ports = append(ports, corev1.ContainerPort{HostPort: port.HostPort, HostIP: port.HostIP, Protocol: port.Protocol})
		}
	}
	return ports
}

func keepService(from, to *corev1.Service) {
	to.Spec.Type = from.Spec.Type
	to.Spec.Ports = from.Spec.Ports
	to.Spec.Selector = from.Spec.Selector
}

// keepClaim keeps how large a claim is only where it was made from an image, whose size it is compared with.
func keepClaim(from *corev1.PersistentVolumeClaim) *Claim {
	to := &Claim{Identity: identityOf(from), Spec: ClaimSpec{VolumeName: from.Spec.VolumeName}, Status: ClaimStatus{Phase: from.Status.Phase}}
	if _, made := from.Annotations[AnnotationImageID]; made {
		to.Spec.Resources.Requests = from.Spec.Resources.Requests
	}
	return to
}

func keepEvent(from, to *corev1.Event) {
	to.InvolvedObject = from.InvolvedObject
	to.Reason = from.Reason
	to.Type = from.Type
	to.Message = from.Message
	to.Count = from.Count
	to.FirstTimestamp = from.FirstTimestamp
	to.LastTimestamp = from.LastTimestamp
	to.EventTime = from.EventTime
	to.Series = from.Series
}

func keepLease(from, to *coordinationv1.Lease) {
	to.Spec.HolderIdentity = from.Spec.HolderIdentity
	to.Spec.LeaseDurationSeconds = from.Spec.LeaseDurationSeconds
	to.Spec.RenewTime = from.Spec.RenewTime
}

func keepDaemonSet(from, to *appsv1.DaemonSet) { to.Status = from.Status }

func keepDeployment(from, to *appsv1.Deployment) {
	to.Spec.Replicas = from.Spec.Replicas
	to.Status = from.Status
}

func keepJob(from, to *batchv1.Job) { to.Status = from.Status }

func keepDisruptionBudget(from, to *policyv1.PodDisruptionBudget) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepStorageClass(from, to *storagev1.StorageClass) { to.Provisioner = from.Provisioner }

func keepVolumeAttachment(from *storagev1.VolumeAttachment) *VolumeAttachment {
	return &VolumeAttachment{
		Identity: identityOf(from),
		Spec: VolumeAttachmentSpec{Attacher: from.Spec.Attacher, NodeName: from.Spec.NodeName,
			Source: VolumeAttachmentSource{PersistentVolumeName: from.Spec.Source.PersistentVolumeName}},
		Status: VolumeAttachmentStatus{Attached: from.Status.Attached},
	}
}

func keepValidatingWebhook(from, to *admissionv1.ValidatingWebhookConfiguration) {
	for _, webhook := range from.Webhooks {
		to.Webhooks = append(to.Webhooks, admissionv1.ValidatingWebhook{
			Name: webhook.Name, ClientConfig: webhook.ClientConfig, Rules: webhook.Rules, FailurePolicy: webhook.FailurePolicy,
			NamespaceSelector: webhook.NamespaceSelector, ObjectSelector: webhook.ObjectSelector, MatchConditions: webhook.MatchConditions,
		})
	}
}

func keepMutatingWebhook(from, to *admissionv1.MutatingWebhookConfiguration) {
	for _, webhook := range from.Webhooks {
		to.Webhooks = append(to.Webhooks, admissionv1.MutatingWebhook{
			Name: webhook.Name, ClientConfig: webhook.ClientConfig, Rules: webhook.Rules, FailurePolicy: webhook.FailurePolicy,
			NamespaceSelector: webhook.NamespaceSelector, ObjectSelector: webhook.ObjectSelector, MatchConditions: webhook.MatchConditions,
		})
	}
}

func keepAPIService(from, to *APIService) {
	to.Spec = from.Spec
	to.Status = from.Status
}

func keepCustomResourceDefinition(from, to *CustomResourceDefinition) { to.Spec = from.Spec }
