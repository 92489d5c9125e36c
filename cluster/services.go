package cluster

import (
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
)

// AnnotationLastChange holds, on an EndpointSlice, when the pod or Service last changed that made Kubernetes write it.
const AnnotationLastChange = corev1.EndpointsLastChangeTriggerTime

// Service returns the Service of that name, or nil.
func (s *Snapshot) Service(namespace, name string) *corev1.Service {
	return s.services.get(namespace, name)
}

// ValidatingWebhooks returns every ValidatingWebhookConfiguration.
func (s *Snapshot) ValidatingWebhooks() []*admissionv1.ValidatingWebhookConfiguration {
	return s.validatingWebhooks
}

// MutatingWebhooks returns every MutatingWebhookConfiguration.
func (s *Snapshot) MutatingWebhooks() []*admissionv1.MutatingWebhookConfiguration {
	return s.mutatingWebhooks
}

// APIServices returns every APIService, those that the API server serves itself included.
func (s *Snapshot) APIServices() []*APIService { return s.apiServices }

// CustomResourceDefinitions returns every CustomResourceDefinition, without its schemas.
func (s *Snapshot) CustomResourceDefinitions() []*CustomResourceDefinition {
	return s.customResourceDefinitions
}
