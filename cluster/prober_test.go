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
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const summary = `{"node":{"nodeName":"node-1","fs":{"availableBytes":80,"capacityBytes":200,"usedBytes":120},"runtime":{"imageFs":{"capacityBytes":200}}},"pods":[{"podRef":{"name":"x"}}]}`

// kubelet starts a server with a certificate of its own and returns the node that it serves, and the CA to trust.
func kubelet(t *testing.T, name string, handler http.HandlerFunc) (*corev1.Node, []byte) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	host, portText, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: host}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(port)
	return node, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

func ask(t *testing.T, ca []byte, node *corev1.Node) cluster.Kubelet {
	t.Helper()
	config := &rest.Config{Host: "https://127.0.0.1:1", BearerToken: "secret", TLSClientConfig: rest.TLSClientConfig{CAData: ca}}
	prober, err := cluster.NewProber(config, "", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return prober.Ask(context.Background(), []*corev1.Node{node})[node.Name]
}

func TestAKubeletIsAskedWithOurOwnCredentials(t *testing.T) {
	node, ca := kubelet(t, "node-1", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer secret":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/stats/summary":
			_, _ = w.Write([]byte(summary))
		case r.URL.Path == "/configz":
			_, _ = w.Write([]byte(`{"kubeletconfig":{"imageGCHighThresholdPercent":70}}`))
		}
	})
	answer := ask(t, ca, node)
	if answer.Stats == nil || *answer.Stats.FileSystem.UsedBytes != 120 {
		t.Errorf("statistics are %+v (%s), want 120 bytes used", answer.Stats, answer.StatsError)
	}
	if answer.Config == nil || *answer.Config.ImageGCHighThresholdPercent != 70 {
		t.Errorf("configuration is %+v (%s), want a threshold of 70", answer.Config, answer.ConfigError)
	}
}

func TestAKubeletThatDoesNotAnswerProperlyIsUnreadWithTheReason(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"forbidden": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Forbidden (user=x, verb=get, resource=nodes, subresource=stats)", http.StatusForbidden)
		}, "403 Forbidden on /stats/summary: Forbidden (user=x"},
		"not JSON":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "decode the answer"},
		"without a node":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }, "no field node"},
		"an endless body": {endless, "larger than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			node, ca := kubelet(t, "node-1", test.handler)
			answer := ask(t, ca, node)
			if answer.Stats != nil || !strings.Contains(answer.StatsError, test.want) {
				t.Errorf("error is %q, want %q in it", answer.StatsError, test.want)
			}
		})
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	chunk := make([]byte, 1<<20)
	for range 20 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func TestAKubeletWithACertificateOfAnotherCAIsNotBelieved(t *testing.T) {
	node, _ := kubelet(t, "node-1", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(summary)) })
	otherCA := someCA(t)
	answer := ask(t, otherCA, node)
	if answer.Stats != nil || !strings.Contains(answer.StatsError, "certificate") {
		t.Errorf("error is %q, want one about the certificate", answer.StatsError)
	}
}

func TestANodeThatNamesNoKubeletIsUnread(t *testing.T) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}
	ca := someCA(t)
	if answer := ask(t, ca, node); !strings.Contains(answer.StatsError, "names no kubelet port") {
		t.Errorf("error is %q", answer.StatsError)
	}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = 10250
	if answer := ask(t, ca, node); !strings.Contains(answer.StatsError, "has no InternalIP") {
		t.Errorf("error is %q", answer.StatsError)
	}
}

// someCA returns a CA that signed nothing.
func someCA(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "another CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
}

// proxy starts an API server below a path, as Rancher's are, which asks the kubelets of node-1 alone, and returns how to reach it.
func proxy(t *testing.T, kubelet http.HandlerFunc) *rest.Config {
	t.Helper()
	const below = "/k8s/clusters/local/api/v1/nodes/node-1/proxy"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, found := strings.CutPrefix(r.URL.Path, below)
		if !found {
			http.NotFound(w, r)
			return
		}
		r.URL.Path = path
		kubelet(w, r)
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL + "/k8s/clusters/local"}
}

func TestAKubeletThatDoesNotKnowUsIsAskedThroughTheAPIServer(t *testing.T) {
	answers := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stats/summary":
			_, _ = w.Write([]byte(summary))
		case "/configz":
			_, _ = w.Write([]byte(`{"kubeletconfig":{}}`))
		}
	}
	forbids := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"no"}`))
	}
	broken := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "dial tcp 10.0.0.1:10250: no route to host", http.StatusBadGateway)
	}
	for name, test := range map[string]struct {
		through http.HandlerFunc
		want    string
	}{
		"it answers there":                 {answers, ""},
		"we may not ask there":             {forbids, "401 Unauthorized on /stats/summary: who are you; through the API server it may not be asked without the right to get nodes/proxy"},
		"the API server does not reach it": {broken, "401 Unauthorized on /stats/summary: who are you; through the API server neither: "},
		"an endless body there":            {endless, "through the API server neither: its answer is larger than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			node, ca := kubelet(t, "node-1", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "who are you", http.StatusUnauthorized) })
			prober, err := cluster.NewProber(&rest.Config{Host: "https://127.0.0.1:1", TLSClientConfig: rest.TLSClientConfig{CAData: ca}}, "", time.Now)
			if err != nil {
				t.Fatal(err)
			}
			reader, err := cluster.NewReader(proxy(t, test.through))
			if err != nil {
				t.Fatal(err)
			}
			answer := prober.AskThrough(reader).Ask(context.Background(), []*corev1.Node{node})["node-1"]
			if test.want == "" {
				if answer.Stats == nil || answer.Config == nil || answer.StatsError+answer.ConfigError != "" {
					t.Errorf("got %+v", answer)
				}
				return
			}
			if answer.Stats != nil || !strings.Contains(answer.StatsError, test.want) {
				t.Errorf("error is %q, want %q in it", answer.StatsError, test.want)
			}
		})
	}
}
