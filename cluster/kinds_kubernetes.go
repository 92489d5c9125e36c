package cluster

import (
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func core(kind string) schema.GroupVersionKind { return corev1.SchemeGroupVersion.WithKind(kind) }

// kubernetesKinds are the rows of Kubernetes' own kinds.
func kubernetesKinds() []Resource {
	return []Resource{
		row(Resource{Kind: Nodes, GVK: core("Node"), Plural: "nodes"},
			func() client.ObjectList { return &corev1.NodeList{} }, keepNode,
			func(s *Snapshot, items []*corev1.Node) { s.nodes = indexByName(items) }),
		row(Resource{Kind: Pods, GVK: core("Pod"), Plural: "pods", Namespaced: true},
			func() client.ObjectList { return &corev1.PodList{} }, keepPod,
			func(s *Snapshot, items []*corev1.Pod) { s.pods = indexByName(items) }),
		row(Resource{Kind: Services, GVK: core("Service"), Plural: "services", Namespaced: true},
			func() client.ObjectList { return &corev1.ServiceList{} }, keepService,
			func(s *Snapshot, items []*corev1.Service) { s.services = indexByName(items) }),
		smallRow(Resource{Kind: PersistentVolumeClaims, GVK: core("PersistentVolumeClaim"), Plural: "persistentvolumeclaims", Namespaced: true},
			func() client.ObjectList { return &corev1.PersistentVolumeClaimList{} }, keepClaim,
			func(s *Snapshot, items []*Claim) { s.claims = indexByName(items) }),
		row(Resource{Kind: IOErrorEvents, GVK: core("Event"), Plural: "events", Namespaced: true,
			Select: Selector{EventReason: "IOerror"}},
			func() client.ObjectList { return &corev1.EventList{} }, keepEvent,
			func(s *Snapshot, items []*corev1.Event) { s.ioErrors = items }),
		row(Resource{Kind: NodeLeases, GVK: coordinationv1.SchemeGroupVersion.WithKind("Lease"), Plural: "leases", Namespaced: true, Poll: true,
			Select: Selector{Namespace: corev1.NamespaceNodeLease}},
			func() client.ObjectList { return &coordinationv1.LeaseList{} }, keepLease,
			func(s *Snapshot, items []*coordinationv1.Lease) { s.nodeLeases = items }),
		row(Resource{Kind: DaemonSets, GVK: appsv1.SchemeGroupVersion.WithKind("DaemonSet"), Plural: "daemonsets", Namespaced: true},
			func() client.ObjectList { return &appsv1.DaemonSetList{} }, keepDaemonSet,
			func(s *Snapshot, items []*appsv1.DaemonSet) { s.daemonSets = indexByName(items) }),
		row(Resource{Kind: Deployments, GVK: appsv1.SchemeGroupVersion.WithKind("Deployment"), Plural: "deployments", Namespaced: true},
			func() client.ObjectList { return &appsv1.DeploymentList{} }, keepDeployment,
			func(s *Snapshot, items []*appsv1.Deployment) { s.deployments = indexByName(items) }),
		row(Resource{Kind: Jobs, GVK: batchv1.SchemeGroupVersion.WithKind("Job"), Plural: "jobs", Namespaced: true,
			Select: Selector{Namespace: HarvesterNamespace}},
			func() client.ObjectList { return &batchv1.JobList{} }, keepJob,
			func(s *Snapshot, items []*batchv1.Job) { s.jobs = items }),
		row(Resource{Kind: DisruptionBudgets, GVK: policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), Plural: "poddisruptionbudgets", Namespaced: true},
			func() client.ObjectList { return &policyv1.PodDisruptionBudgetList{} }, keepDisruptionBudget,
			func(s *Snapshot, items []*policyv1.PodDisruptionBudget) { s.budgets = indexByName(items) }),
		row(Resource{Kind: StorageClasses, GVK: storagev1.SchemeGroupVersion.WithKind("StorageClass"), Plural: "storageclasses"},
			func() client.ObjectList { return &storagev1.StorageClassList{} }, keepStorageClass,
			func(s *Snapshot, items []*storagev1.StorageClass) { s.storageClasses = items }),
		smallRow(Resource{Kind: VolumeAttachments, GVK: storagev1.SchemeGroupVersion.WithKind("VolumeAttachment"), Plural: "volumeattachments"},
			func() client.ObjectList { return &storagev1.VolumeAttachmentList{} }, keepVolumeAttachment,
			func(s *Snapshot, items []*VolumeAttachment) { s.volumeAttachments = items }),
		row(Resource{Kind: EndpointSlices, GVK: discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"), Plural: "endpointslices", Namespaced: true},
			func() client.ObjectList { return &discoveryv1.EndpointSliceList{} }, keepEndpointSlice,
			func(s *Snapshot, items []*discoveryv1.EndpointSlice) { s.endpointSlices = indexByService(items) }),
		row(Resource{Kind: ValidatingWebhooks, GVK: admissionv1.SchemeGroupVersion.WithKind("ValidatingWebhookConfiguration"), Plural: "validatingwebhookconfigurations"},
			func() client.ObjectList { return &admissionv1.ValidatingWebhookConfigurationList{} }, keepValidatingWebhook,
			func(s *Snapshot, items []*admissionv1.ValidatingWebhookConfiguration) { s.validatingWebhooks = items }),
		row(Resource{Kind: MutatingWebhooks, GVK: admissionv1.SchemeGroupVersion.WithKind("MutatingWebhookConfiguration"), Plural: "mutatingwebhookconfigurations"},
			func() client.ObjectList { return &admissionv1.MutatingWebhookConfigurationList{} }, keepMutatingWebhook,
			func(s *Snapshot, items []*admissionv1.MutatingWebhookConfiguration) { s.mutatingWebhooks = items }),
		row(Resource{Kind: APIServices, GVK: apiregistration("APIService"), Plural: "apiservices"},
			func() client.ObjectList { return &APIServiceList{} }, keepAPIService,
			func(s *Snapshot, items []*APIService) { s.apiServices = items }),
		row(Resource{Kind: CustomResourceDefinitions, GVK: apiextensions("CustomResourceDefinition"), Plural: "customresourcedefinitions"},
			func() client.ObjectList { return &CustomResourceDefinitionList{} }, keepCustomResourceDefinition,
			func(s *Snapshot, items []*CustomResourceDefinition) { s.customResourceDefinitions = items }),
	}
}
