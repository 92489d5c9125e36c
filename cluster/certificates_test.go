package cluster_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

const apiServers = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
endpoints:
- addresses: [10.10.0.11]
- addresses: [10.10.0.12]
ports:
- {name: https, port: 6443, protocol: TCP}
`

const twoNodes = `apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {addresses: [{type: InternalIP, address: 10.10.0.11}]}
---
apiVersion: v1
kind: Node
metadata: {name: node-2}
status: {addresses: [{type: InternalIP, address: 10.10.0.12}]}
`

// certificate returns a certificate in PEM that ends a number of days after Now.
func certificate(t *testing.T, name string, days int) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: clustertest.Now().AddDate(-1, 0, 0),
		NotAfter: clustertest.Now().AddDate(0, 0, days), DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(10, 10, 0, 11)},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

// told returns what the Snapshot says of each endpoint: the subjects of its chain, or its error.
func told(s *cluster.Snapshot) []string {
	var lines []string
	for _, served := range s.ServedCertificates() {
		line := served.Endpoint + " on " + served.Node + ": " + served.Error
		for _, c := range served.Chain {
			line += c.Subject + " "
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

func TestTheCertificatesOfAFolderAreThoseOfItsEndpoints(t *testing.T) {
	one, two, ca := certificate(t, "one", 30), certificate(t, "two", 5), certificate(t, "ca", 900)
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"every endpoint has its file, and a chain has its order": {
			map[string]string{"slices.yaml": apiServers, "certificates/apiserver-node-1.pem": one + ca, "certificates/apiserver-node-2.pem": two,
				"certificates/kubelet-node-1.pem": one, "certificates/kubelet-node-2.pem": two},
			[]string{"API server 10.10.0.11:6443 on node-1: CN=one CN=ca", "API server 10.10.0.12:6443 on node-2: CN=two",
				"kubelet of node-1 on node-1: CN=one", "kubelet of node-2 on node-2: CN=two"},
		},
		"an endpoint without a file is told by its own error": {
			map[string]string{"slices.yaml": apiServers, "certificates/apiserver-node-1.pem": one, "certificates/kubelet-node-2.pem": two},
			[]string{"API server 10.10.0.11:6443 on node-1: CN=one",
				"API server 10.10.0.12:6443 on node-2: the files hold no certificates/apiserver-node-2.pem",
				"kubelet of node-1 on node-1: the files hold no certificates/kubelet-node-1.pem", "kubelet of node-2 on node-2: CN=two"},
		},
		"without EndpointSlices the files name the API servers, and another file is an endpoint by its name": {
			map[string]string{"certificates/apiserver-node-1.pem": one, "certificates/kubelet-node-1.pem": one, "certificates/kubelet-node-2.pem": two,
				"certificates/kube-scheduler.pem": two},
			[]string{"API server of node-1 on node-1: CN=one", "kube-scheduler on : CN=two", "kubelet of node-1 on node-1: CN=one", "kubelet of node-2 on node-2: CN=two"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.files["nodes.yaml"] = twoNodes
			snapshot := load(t, test.files, cluster.FolderOptions{})
			if diff := cmp.Diff(test.want, told(snapshot)); diff != "" {
				t.Errorf("certificates (-want +got):\n%s", diff)
			}
			if e := snapshot.Evidence(cluster.ServedCertificates); e.State != cluster.Read || e.Count != len(test.want) {
				t.Errorf("evidence is %+v, want read", e)
			}
		})
	}
}

func TestACertificateIsReadWithItsDatesAndNames(t *testing.T) {
	got, err := cluster.ParseCertificates([]byte("a comment\n" + certificate(t, "kube-apiserver", 30)))
	if err != nil {
		t.Fatal(err)
	}
	want := []cluster.Certificate{{Subject: "CN=kube-apiserver", NotBefore: clustertest.Now().AddDate(-1, 0, 0), NotAfter: clustertest.Now().AddDate(0, 0, 30),
		DNSNames: []string{"kube-apiserver"}, IPAddresses: []string{"10.10.0.11"}}}
	if parsed, err := x509.ParseCertificate(got[0].Raw); err != nil || parsed.Subject.CommonName != "kube-apiserver" {
		t.Errorf("the whole certificate is %v (%v)", parsed, err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(cluster.Certificate{}, "Raw")); diff != "" {
		t.Errorf("certificate (-want +got):\n%s", diff)
	}
}

func TestCertificatesThatAreNotThereAreUnreadWithTheReason(t *testing.T) {
	one := certificate(t, "one", 30)
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no file":                     {map[string]string{"a.yaml": twoNodes, "b.yaml": apiServers}, "the files hold no certificates/apiserver-NODE.pem and certificates/kubelet-NODE.pem"},
		"no file of any API server":   {map[string]string{"a.yaml": twoNodes, "certificates/kubelet-node-1.pem": one}, "the files hold no certificates/apiserver-NODE.pem"},
		"nobody knows the nodes":      {map[string]string{"b.yaml": apiServers, "certificates/apiserver-node-1.pem": one}, "the nodes could not be listed: the files hold no Node"},
		"kubelets alone have answers": {map[string]string{"a.yaml": twoNodes, "kubelet/node-1.stats.json": summary}, "the files hold no certificates/apiserver-NODE.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			snapshot := load(t, test.files, cluster.FolderOptions{})
			e := snapshot.Evidence(cluster.ServedCertificates)
			if e.State != cluster.Unread || !strings.HasPrefix(e.Because, test.want) || len(snapshot.ServedCertificates()) != 0 {
				t.Errorf("evidence is %+v, want unread because %s", e, test.want)
			}
		})
	}
}

func TestAFileThatIsNoCertificateIsOneErrorThatNamesIt(t *testing.T) {
	one := certificate(t, "one", 30)
	for name, test := range map[string]struct {
		content, want string
	}{
		"no PEM":      {"-----BEGIN", "certificates/kubelet-node-1.pem: no certificate in PEM in it"},
		"a key":       {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "certificates/kubelet-node-1.pem: no certificate in PEM in it"},
		"not X.509":   {one + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificates/kubelet-node-1.pem: decode certificate 2: "},
		"no contents": {"", "certificates/kubelet-node-1.pem: no certificate in PEM in it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cluster.ReadFS(files(map[string]string{"a.yaml": aNode, "certificates/kubelet-node-1.pem": test.content}), "the folder", cluster.FolderOptions{})
			if err == nil || !strings.HasPrefix(err.Error(), "read the folder: "+test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want one line with %s", err, test.want)
			}
		})
	}
}

func TestCertificatesAreUnreadWithoutTargets(t *testing.T) {
	for name, test := range map[string]struct {
		panics cluster.Kind
		want   string
	}{
		"the nodes are not known":           {cluster.Nodes, "the nodes could not be listed: "},
		"the API servers are not known":     {cluster.EndpointSlices, "the EndpointSlices of the API servers could not be listed: reading failed"},
		"a probe that panics tells nothing": {cluster.KubeletStats, "the servers were not dialled"},
	} {
		t.Run(name, func(t *testing.T) {
			source := newFaulty()
			source.panics[test.panics] = true
			e := cluster.Load(context.Background(), source, clustertest.Now()).Evidence(cluster.ServedCertificates)
			if e.State != cluster.Unread || !strings.HasPrefix(e.Because, test.want) {
				t.Errorf("evidence is %+v, want unread because %s", e, test.want)
			}
		})
	}
}

func TestAGeneratedClusterServesHealthyCertificates(t *testing.T) {
	snapshot := cluster.Load(context.Background(), newFaulty(), clustertest.Now())
	if got := len(snapshot.ServedCertificates()); got != 6 {
		t.Fatalf("%d certificates, want 2 of each of 3 nodes", got)
	}
	for _, served := range snapshot.ServedCertificates() {
		if served.Node == "" || served.Error != "" || !served.Chain[0].NotAfter.Equal(clustertest.Now().AddDate(1, 0, 0)) {
			t.Errorf("%s is not healthy: %+v", served.Endpoint, served)
		}
	}
	if got := snapshot.EndpointSlicesOf("default", "kubernetes"); len(got) != 1 || len(got[0].Endpoints) != 3 {
		t.Errorf("EndpointSlices %+v, want one with 3 endpoints", got)
	}
	if got := snapshot.EndpointSlicesOf("default", "other"); got != nil {
		t.Errorf("another Service has %d EndpointSlices", len(got))
	}
}
