package cluster

import (
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
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

// Unanswered says why nobody answers on a port of a Service: "has no ready endpoint"; empty where somebody does, and for a Service
// that leads out of the cluster. restarts is true where a pod that is being replaced looks the same for a moment.
// The rule is that of ResolveEndpoint in kubernetes/apiserver, pkg/util/proxy.
func (s *Snapshot) Unanswered(namespace, name string, port int32) (because string, restarts bool) {
	service := s.Service(namespace, name)
	switch {
	case service == nil:
		return "does not exist", false
	case service.Spec.Type == corev1.ServiceTypeExternalName:
		return "", false
	}
	wanted := portOf(service, port)
	if wanted == nil {
		return fmt.Sprintf("has no port %d", port), false
	}
	for _, slice := range s.EndpointSlicesOf(namespace, name) {
		if lists(slice, wanted.Name) && hasReadyEndpoint(slice) {
			return "", false
		}
	}
	return "has no ready endpoint", true
}

func portOf(service *corev1.Service, number int32) *corev1.ServicePort {
	for i := range service.Spec.Ports {
		if service.Spec.Ports[i].Port == number {
			return &service.Spec.Ports[i]
		}
	}
	return nil
}

// lists tells whether an EndpointSlice is for a port of its Service; they go by the port's name.
func lists(slice *discoveryv1.EndpointSlice, port string) bool {
	for _, p := range slice.Ports {
		if p.Name == nil && port == "" || p.Name != nil && *p.Name == port {
			return true
		}
	}
	return false
}

// hasReadyEndpoint tells whether somebody answers. An endpoint that says nothing is ready.
func hasReadyEndpoint(slice *discoveryv1.EndpointSlice) bool {
	for _, endpoint := range slice.Endpoints {
		if len(endpoint.Addresses) > 0 && (endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready) {
			return true
		}
	}
	return false
}
