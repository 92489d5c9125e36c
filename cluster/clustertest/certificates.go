package clustertest

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
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
func (c *Cluster) certificates(targets cluster.Targets) []cluster.ServedCertificate {
	var served []cluster.ServedCertificate
	nodes := map[string]string{}
	for _, node := range targets.Nodes {
		nodes[node.Status.Addresses[0].Address] = node.Name
		served = append(served, cluster.ServedCertificate{
			Endpoint: "kubelet of " + node.Name, Node: node.Name, Chain: c.healthyChain(node.Name, node.Status.Addresses[0].Address),
		})
	}
	for _, address := range targets.APIServers {
		host, _, _ := net.SplitHostPort(address)
		served = append(served, cluster.ServedCertificate{
			Endpoint: "API server " + address, Node: nodes[host], Chain: c.healthyChain("kube-apiserver", host),
		})
	}
	return served
}

// healthyChain returns a certificate that signs itself. It is made once: the same name and address give the same bytes.
func (c *Cluster) healthyChain(name, ip string) []cluster.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if chain, ok := c.chains[ip+name]; ok {
		return chain
	}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: Now().AddDate(0, -1, 0), NotAfter: Now().AddDate(1, 0, 0),
		DNSNames: []string{name}, IPAddresses: []net.IP{net.ParseIP(ip)},
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		panic(err) // Nothing in it comes from outside.
	}
	chain, err := cluster.ParseCertificates(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	if err != nil {
		panic(err)
	}
	c.chains[ip+name] = chain
	return chain
}
