package cluster

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ServedCertificate is what one server presented when it was dialled.
type ServedCertificate struct {
	// Endpoint names the server: "API server 10.10.0.11:6443", "kubelet of node-1". For a file of a folder that belongs to no
	// known endpoint it is "API server of NODE", or the file's name without its ending.
	Endpoint string
	// Node is the name of the node that the server runs on; empty where that is not known.
	Node string
	// Chain is what the server presented, its own certificate first; empty where Error says why.
	Chain []Certificate
	// Error says why Chain is empty.
	Error string
}

// Certificate is the part of an X.509 certificate that checks read. Nobody has verified who signed it.
type Certificate struct {
	// Subject is the distinguished name: "CN=kube-apiserver".
	Subject string
	// NotBefore and NotAfter bound its validity, both inclusive.
	NotBefore, NotAfter time.Time
	// DNSNames and IPAddresses are whom it was issued for; empty for most authorities.
	DNSNames    []string
	IPAddresses []string
	// Raw is the whole certificate in DER.
	Raw []byte
}

// ServedCertificates returns what the API servers and kubelets presented, sorted by endpoint; empty where the evidence was
// not read.
func (s *Snapshot) ServedCertificates() []ServedCertificate { return s.served }

// ParseCertificates decodes a chain in PEM, the first certificate first. Blocks that are no certificate are passed over. It
// returns an error where there is no certificate, or one that cannot be decoded.
func ParseCertificates(content []byte) ([]Certificate, error) {
	var chain []Certificate
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		parsed, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("decode certificate %d: %w", len(chain)+1, err)
		}
		chain = append(chain, certificateOf(parsed))
	}
	if len(chain) == 0 {
		return nil, errors.New("no certificate in PEM in it")
	}
	return chain, nil
}

func certificateOf(parsed *x509.Certificate) Certificate {
	certificate := Certificate{
		Subject: parsed.Subject.String(), NotBefore: parsed.NotBefore, NotAfter: parsed.NotAfter, DNSNames: parsed.DNSNames,
		Raw: parsed.Raw,
	}
	for _, ip := range parsed.IPAddresses {
		certificate.IPAddresses = append(certificate.IPAddresses, ip.String())
	}
	return certificate
}

// takeCertificates puts the probed certificates into the Snapshot and sets their evidence. They are Read when the endpoints
// were dialled; a single one that did not answer is told by its own error.
func (s *Snapshot) takeCertificates(probed Probed) {
	switch nodes := s.evidence[Nodes]; {
	case nodes.State != Read:
		s.evidence[ServedCertificates] = unread(ServedCertificates, "the nodes could not be listed: "+nodes.Because)
	case probed.CertificatesUnread != "":
		s.evidence[ServedCertificates] = unread(ServedCertificates, probed.CertificatesUnread)
	case len(probed.Certificates) == 0:
		s.evidence[ServedCertificates] = unread(ServedCertificates, "the servers were not dialled, or not before the deadline")
	default:
		s.served = slices.Clone(probed.Certificates)
		slices.SortStableFunc(s.served, func(a, b ServedCertificate) int { return cmp.Compare(a.Endpoint, b.Endpoint) })
		s.evidence[ServedCertificates] = Evidence{Kind: ServedCertificates, State: Read, ReadAt: s.now, Count: len(s.served)}
	}
}

func apiServerEndpoint(address string) string { return "API server " + address }

func kubeletEndpoint(node string) string { return "kubelet of " + node }

// The names of certificate files in a folder are these prefixes, a node's name, and .pem.
const (
	apiServerFile = "apiserver-"
	kubeletFile   = "kubelet-"
)

// nameServed names a server by its certificate's file in a folder.
func nameServed(name string) ServedCertificate {
	if node, ok := strings.CutPrefix(name, apiServerFile); ok {
		return ServedCertificate{Endpoint: "API server of " + node, Node: node}
	}
	if node, ok := strings.CutPrefix(name, kubeletFile); ok {
		return ServedCertificate{Endpoint: kubeletEndpoint(node), Node: node}
	}
	return ServedCertificate{Endpoint: name}
}
