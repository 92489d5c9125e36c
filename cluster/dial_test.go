package cluster

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tlsServer presents httptest's certificate on loopback, counts who shakes hands, and returns its address.
func tlsServer(t *testing.T) (address string, connections *atomic.Int32) {
	t.Helper()
	connections = &atomic.Int32{}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		connections.Add(1)
		return nil, nil
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), connections
}

// silent accepts connections and never says a word.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// gone returns an address at which nobody listens.
func gone(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func nodeServing(t *testing.T, name, address string) *corev1.Node {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: host}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(number)
	return node
}

func TestAServerThatDoesNotPresentACertificateConcernsItselfAlone(t *testing.T) {
	serving, _ := tlsServer(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for name, test := range map[string]struct{ address, want string }{
		"it accepts and never answers": {silent(t), "presented no certificate within 50ms"},
		"it refuses the connection":    {gone(t), "presented no certificate: connect: connection refused"},
		"it does not speak TLS":        {plain.Listener.Addr().String(), "presented no certificate: tls: first record does not look like a TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := 50 * time.Millisecond
			if !strings.Contains(test.want, timeout.String()) {
				timeout = time.Minute
			}
			ill := dialer{timeout: timeout}.all(context.Background(), Targets{APIServers: []string{test.address}})
			if len(ill) != 1 || !strings.Contains(ill[0].Error, test.want) || ill[0].Chain != nil {
				t.Errorf("got %+v, want an error with %q", ill, test.want)
			}
			if strings.Contains(ill[0].Error, "\n") {
				t.Errorf("the error is more than one line: %q", ill[0].Error)
			}
		})
	}
	t.Run("and the others are read", func(t *testing.T) {
		targets := Targets{APIServers: []string{gone(t), serving}, Nodes: []*corev1.Node{nodeServing(t, "node-1", serving), {ObjectMeta: metav1.ObjectMeta{Name: "node-2"}}}}
		got := dialer{timeout: time.Minute}.all(context.Background(), targets)
		if got[0].Error == "" || got[3].Error != "node node-2 names no kubelet port" {
			t.Errorf("the errors are %q and %q", got[0].Error, got[3].Error)
		}
		for _, served := range got[1:3] {
			if served.Node != "node-1" || len(served.Chain) != 1 || served.Chain[0].Subject != "O=Acme Co" || served.Error != "" {
				t.Errorf("got %+v, want the certificate of node-1", served)
			}
		}
		if got[1].Endpoint != "API server "+serving || got[2].Endpoint != "kubelet of node-1" {
			t.Errorf("the endpoints are %q and %q", got[1].Endpoint, got[2].Endpoint)
		}
	})
}

func TestNobodyIsDialledWhileTheAPIServersAreNotKnown(t *testing.T) {
	serving, connections := tlsServer(t)
	prober := &Prober{dialer: dialer{timeout: time.Minute}, now: time.Now}
	served, because := prober.Certificates(context.Background(), newTargets([]*corev1.Node{nodeServing(t, "node-1", serving)}, nil, ""))
	if len(served) != 0 || because != "no EndpointSlice of default/kubernetes names an API server" || connections.Load() != 0 {
		t.Errorf("%d certificates, because %q, %d connections", len(served), because, connections.Load())
	}
}
