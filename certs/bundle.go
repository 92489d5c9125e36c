package certs

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"time"
)

// maxBundle bounds a caBundle, should somebody delete the Secret in a loop.
const maxBundle = 16

// maxSupersededMargin is how long after its successor's birth an authority may
// still sign, because a replica has not seen the successor yet.
const maxSupersededMargin = time.Hour

// parseBundle returns the certificates of a caBundle. Whatever else is in it is
// passed over, as an API server does.
func parseBundle(bundle []byte) []*x509.Certificate {
	var authorities []*x509.Certificate
	for {
		var block *pem.Block
		if block, bundle = pem.Decode(bundle); block == nil {
			return authorities
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if authority, err := x509.ParseCertificate(block.Bytes); err == nil && !containsCertificate(authorities, authority) {
			authorities = append(authorities, authority)
		}
	}
}

func encodeBundle(authorities []*x509.Certificate) []byte {
	var bundle bytes.Buffer
	for _, authority := range authorities {
		// Writing to a bytes.Buffer cannot fail.
		_ = pem.Encode(&bundle, &pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw})
	}
	return bundle.Bytes()
}

// mergeBundle returns the caBundle that should be registered: the wanted
// authorities and those of the existing bundle, without the ones that no live
// leaf can need. All replicas come to the same bytes from the same objects.
//
// An authority is needed no more when it has expired, or when a newer one has
// existed for longer than a leaf lives. It is compared with every other authority
// and not with the wanted one only, because a replica whose view of the Secret is
// late would drop the successor otherwise.
func mergeBundle(existing []byte, wanted []*x509.Certificate, leafDuration time.Duration, now time.Time) []byte {
	all := slices.Clone(wanted)
	for _, authority := range parseBundle(existing) {
		if !containsCertificate(all, authority) {
			all = append(all, authority)
		}
	}
	slices.SortFunc(all, func(a, b *x509.Certificate) int {
		return cmp.Or(b.NotBefore.Compare(a.NotBefore), bytes.Compare(a.Raw, b.Raw))
	})

	neededFor := leafDuration + min(leafDuration, maxSupersededMargin)
	needed := slices.DeleteFunc(slices.Clone(all), func(authority *x509.Certificate) bool {
		if now.After(authority.NotAfter) {
			return true
		}
		if containsCertificate(wanted, authority) {
			return false
		}
		return slices.ContainsFunc(all, func(other *x509.Certificate) bool {
			return other.NotBefore.After(authority.NotBefore) &&
				now.After(other.NotBefore.Add(neededFor))
		})
	})
	for i := len(needed) - 1; i >= 0 && len(needed) > maxBundle; i-- {
		if !containsCertificate(wanted, needed[i]) {
			needed = slices.Delete(needed, i, i+1)
		}
	}
	return encodeBundle(needed)
}

func containsCertificate(certificates []*x509.Certificate, certificate *x509.Certificate) bool {
	return slices.ContainsFunc(certificates, certificate.Equal)
}
