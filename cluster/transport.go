package cluster

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"k8s.io/client-go/rest"
)

const (
	// reconnect is how long a connection may lie idle. Upgrades are asked for more rarely, so a live read begins on a connection
	// that is new.
	reconnect = time.Second
	// dialTimeout and handshakeTimeout bound the making of a connection, well within an admission's deadline.
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	// silence is how long the API server may say nothing on a connection before it is asked whether it is still there, and silenceAfter
	// how long that answer may take: then the connection counts as lost, while an admission has time to read over another.
	// An API server that waits for its etcd still answers.
	silence      = 4 * time.Second
	silenceAfter = 4 * time.Second
	// streamBuffer is how much of a list may have arrived that nobody has decoded yet. The API server sends the large lists of a live read all
	// at once and faster than they are decoded, and Go's default of 4 MiB for each of forty is more than a small cluster's whole cache.
	streamBuffer = 256 << 10
)

// NewHTTPClient returns an HTTP client that shares no connection with anybody. client-go gives all clients of one
// configuration the same HTTP/2 connection: when the network loses it without a word, a live read would wait on it together
// with the watches that it is there to mistrust, for the 45 seconds until client-go notices.
func NewHTTPClient(config *rest.Config) (*http.Client, error) {
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, fmt.Errorf("build the TLS configuration of the API server's client: %w", err)
	}
	proxy := config.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	dial := config.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	transport, err := rest.HTTPWrappersForConfig(config, &http.Transport{
		Proxy: proxy, DialContext: dial, TLSClientConfig: tlsConfig, TLSHandshakeTimeout: handshakeTimeout,
		ForceAttemptHTTP2: true, IdleConnTimeout: reconnect, DisableCompression: config.DisableCompression,
		HTTP2: &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: silenceAfter, MaxReceiveBufferPerStream: streamBuffer},
	})
	if err != nil {
		return nil, fmt.Errorf("build the transport of the API server's client: %w", err)
	}
	return &http.Client{Transport: transport, Timeout: config.Timeout}, nil
}
