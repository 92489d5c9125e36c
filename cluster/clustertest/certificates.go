package clustertest

import (
	"fmt"
	"net"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func nodeIP(i int) string { return fmt.Sprintf("10.10.0.%d", i+11) }

// addAPIServers makes every node one of the control plane.
func (c *Cluster) addAPIServers() {
	name, port, protocol, ready := "https", int32(6443), corev1.ProtocolTCP, true
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: "kubernetes", Namespace: metav1.NamespaceDefault, Labels: map[string]string{discoveryv1.LabelServiceName: "kubernetes"},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &port, Protocol: &protocol}},
	}
	for i := range c.size.Nodes {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{nodeIP(i)}, Conditions: discoveryv1.EndpointConditions{Ready: &ready},
		})
	}
	c.add(cluster.EndpointSlices, slice)
}

// certificates returns a certificate for each target that is valid for another year.
func certificates(targets cluster.Targets) []cluster.ServedCertificate {
	var served []cluster.ServedCertificate
	nodes := map[string]string{}
	for _, node := range targets.Nodes {
		nodes[node.Status.Addresses[0].Address] = node.Name
		served = append(served, cluster.ServedCertificate{
			Endpoint: "kubelet of " + node.Name, Node: node.Name, Chain: healthyChain(node.Name, node.Status.Addresses[0].Address),
		})
	}
	for _, address := range targets.APIServers {
		host, _, _ := net.SplitHostPort(address)
		served = append(served, cluster.ServedCertificate{
			Endpoint: "API server " + address, Node: nodes[host], Chain: healthyChain("kube-apiserver", host),
		})
	}
	return served
}

func healthyChain(name, ip string) []cluster.Certificate {
	return []cluster.Certificate{{
		Subject: "CN=" + name, NotBefore: Now().AddDate(0, -1, 0), NotAfter: Now().AddDate(1, 0, 0),
		DNSNames: []string{name}, IPAddresses: []string{ip},
	}}
}
