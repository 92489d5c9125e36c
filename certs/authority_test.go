package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

const serviceHost = "upgrade-gate.upgrade-gate.svc"

// testAuthority is a certificate authority made on the spot.
type testAuthority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, notBefore time.Time, life time.Duration) testAuthority {
	t.Helper()
	a := testAuthority{t: t, key: newKey(t)}
	a.certificate = sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: authorityCommonName}, NotBefore: notBefore, NotAfter: notBefore.Add(life),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, &a.key.PublicKey, a.key)
	return a
}

func (a testAuthority) leaf(notBefore time.Time, life time.Duration, hosts ...string) *tls.Certificate {
	a.t.Helper()
	key := newKey(a.t)
	leaf := a.signLeaf(key, notBefore, life, hosts...)
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

func (a testAuthority) signLeaf(key *ecdsa.PrivateKey, notBefore time.Time, life time.Duration, hosts ...string) *x509.Certificate {
	return sign(a.t, &x509.Certificate{
		NotBefore: notBefore, NotAfter: notBefore.Add(life), DNSNames: hosts,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.certificate, &key.PublicKey, a.key)
}

func sign(t *testing.T, template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keyPEM(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func bundleOf(authorities ...testAuthority) []byte {
	var certificates []*x509.Certificate
	for _, authority := range authorities {
		certificates = append(certificates, authority.certificate)
	}
	return encodeBundle(certificates)
}
