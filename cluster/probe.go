package cluster

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Targets are the servers that a probe asks. The zero value is a cluster of which nothing is known.
type Targets struct {
	// Nodes are those whose kubelets are asked; empty where they could not be listed.
	Nodes []*corev1.Node
	// APIServers are the addresses of API servers, HOST:PORT, sorted.
	APIServers []string
	// Unknown says why not all API servers are known; empty where they are.
	Unknown string
}

// Probed is what a probe brought back.
type Probed struct {
	// Kubelets is what each node's kubelet answered, by node name. A node that is missing was not asked; nil means that
	// nobody was.
	Kubelets map[string]Kubelet
	// KubeletsUnread says why no kubelet was asked, where the source never asks any; empty otherwise.
	KubeletsUnread string
	// Certificates is what each server presented, in no particular order; empty where nobody was dialled.
	Certificates []ServedCertificate
	// CertificatesUnread says why Certificates are not all there are; empty where they are.
	CertificatesUnread string
}

// newTargets returns the servers to probe. because is why the EndpointSlices could not be listed; empty where they were.
func newTargets(nodes []*corev1.Node, endpointSlices []*discoveryv1.EndpointSlice, because string) Targets {
	targets := Targets{Nodes: nodes, APIServers: apiServerAddresses(endpointSlices)}
	switch {
	case because != "":
		targets.Unknown = "the EndpointSlices of the API servers could not be listed: " + because
	case len(targets.APIServers) == 0:
		targets.Unknown = "no EndpointSlice of " + apiServerNamespace + "/" + apiServerService + " names an API server"
	}
	return targets
}

// objectsAs returns those of the objects that have a type.
func objectsAs[T client.Object](objects []client.Object) []T {
	typed := make([]T, 0, len(objects))
	for _, object := range objects {
		if o, ok := object.(T); ok {
			typed = append(typed, o)
		}
	}
	return typed
}
