package cluster

import (
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The Service behind which the API servers stand. They write its EndpointSlices themselves.
const (
	apiServerNamespace = "default"
	apiServerService   = "kubernetes"
)

// EndpointSlicesOf returns the EndpointSlices of a Service; empty where there are none.
func (s *Snapshot) EndpointSlicesOf(namespace, service string) []*discoveryv1.EndpointSlice {
	return s.endpointSlices.of(types.NamespacedName{Namespace: namespace, Name: service})
}

func indexByService(slices []*discoveryv1.EndpointSlice) groups[types.NamespacedName, *discoveryv1.EndpointSlice] {
	return groupBy(slices, func(slice *discoveryv1.EndpointSlice) (types.NamespacedName, bool) {
		service := slice.Labels[discoveryv1.LabelServiceName]
		return types.NamespacedName{Namespace: slice.Namespace, Name: service}, service != ""
	})
}

func keepEndpointSlice(from, to *discoveryv1.EndpointSlice) {
	to.AddressType = from.AddressType
	to.Ports = from.Ports
	for _, endpoint := range from.Endpoints {
		to.Endpoints = append(to.Endpoints, discoveryv1.Endpoint{Addresses: endpoint.Addresses, Conditions: endpoint.Conditions})
	}
}

// apiServerAddresses returns every HOST:PORT under which the API servers say that they serve, sorted. EndpointSlices of other
// Services are passed over.
func apiServerAddresses(endpointSlices []*discoveryv1.EndpointSlice) []string {
	var addresses []string
	for _, slice := range endpointSlices {
		if slice.Namespace != apiServerNamespace || slice.Labels[discoveryv1.LabelServiceName] != apiServerService {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			for _, host := range endpoint.Addresses {
				addresses = append(addresses, withPorts(host, slice.Ports)...)
			}
		}
	}
	slices.Sort(addresses)
	return slices.Compact(addresses)
}

func withPorts(host string, ports []discoveryv1.EndpointPort) []string {
	var addresses []string
	for _, port := range ports {
		if port.Port != nil {
			addresses = append(addresses, net.JoinHostPort(host, strconv.Itoa(int(*port.Port))))
		}
	}
	return addresses
}

// nodeAt returns the name of the node with that InternalIP; empty where no node has it.
func nodeAt(nodes []*corev1.Node, ip string) string {
	for _, node := range nodes {
		if slices.ContainsFunc(node.Status.Addresses, func(a corev1.NodeAddress) bool {
			return a.Type == corev1.NodeInternalIP && a.Address == ip
		}) {
			return node.Name
		}
	}
	return ""
}
