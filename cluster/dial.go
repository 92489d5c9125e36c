package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// certificateTimeout is how long one server may take to present its certificate; all are dialled at once, so it is also how
// long all may take.
const certificateTimeout = 3 * time.Second

// dialer shakes hands with servers to see their certificates. It sends them nothing.
type dialer struct {
	timeout time.Duration
}

// all dials every API server and every node's kubelet at once, and returns within the timeout, or when ctx ends, whatever
// they do.
func (d dialer) all(ctx context.Context, targets Targets) []ServedCertificate {
	served := make([]ServedCertificate, 0, len(targets.APIServers)+len(targets.Nodes))
	addresses := make([]string, 0, cap(served))
	for _, address := range targets.APIServers {
		served = append(served, ServedCertificate{Endpoint: apiServerEndpoint(address), Node: nodeAt(targets.Nodes, hostOf(address))})
		addresses = append(addresses, address)
	}
	for _, node := range targets.Nodes {
		address, problem := kubeletHostPort(node)
		served = append(served, ServedCertificate{Endpoint: kubeletEndpoint(node.Name), Node: node.Name, Error: problem})
		addresses = append(addresses, address)
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var all sync.WaitGroup
	for i := range served {
		if served[i].Error == "" {
			all.Go(func() { served[i].Chain, served[i].Error = d.one(ctx, addresses[i]) })
		}
	}
	all.Wait()
	return served
}

// one returns the chain that a server presents, or why it did not. What a stranger sends may not end the process, so that
// includes a panic.
func (d dialer) one(ctx context.Context, address string) (chain []Certificate, problem string) {
	defer func() {
		if failure := recover(); failure != nil {
			chain, problem = nil, fmt.Sprintf("reading the certificate of %s failed: %v", address, failure)
		}
	}()
	// Nothing is verified because the dates are what is judged: of an expired certificate verification would not show them. As
	// nothing is sent either, a server that is not whom it seems learns nothing.
	secure := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}
	connection, err := secure.DialContext(ctx, "tcp", address)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Sprintf("%s presented no certificate within %s", address, d.timeout)
	case err != nil:
		if onTheWay := (*net.OpError)(nil); errors.As(err, &onTheWay) {
			err = onTheWay.Err // without the addresses, which are said already
		}
		return nil, fmt.Sprintf("%s presented no certificate: %s", address, firstLine([]byte(err.Error())))
	}
	defer connection.Close()
	for _, certificate := range connection.(*tls.Conn).ConnectionState().PeerCertificates {
		chain = append(chain, certificateOf(certificate))
	}
	return chain, ""
}

func kubeletHostPort(node *corev1.Node) (address, problem string) {
	host, port, err := kubeletAddress(node)
	if err != nil {
		return "", err.Error()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port))), ""
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return host
}
