package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// shortLife is the whole life of a certificate that nobody renews by hand: KubeVirt's authority lives a week, its servers'
// certificates a day, and each is replaced when a fifth of that is left.
const shortLife = 90 * 24 * time.Hour

// expiry is what is wrong with a certificate's end; the zero value is nothing.
type expiry struct {
	severity Severity
	fact     string
}

// judgeExpiry compares a certificate's end with the thresholds. One that is renewed all the time by whoever made it is near
// its end all its life, and is reported only when a tenth of that is left.
func judgeExpiry(p *Pass, certificate cluster.Certificate) expiry {
	left := certificate.NotAfter.Sub(p.Now())
	block, warn := p.Settings.CertificateBlockAge, p.Settings.CertificateWarnAge
	if life := certificate.NotAfter.Sub(certificate.NotBefore); life < shortLife {
		block, warn = min(block, life/10), min(warn, life/10)
	}
	on := certificate.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case left < 0:
		return expiry{Block, fmt.Sprintf("expired %s ago, on %s", spell(-left), on)}
	case left < block:
		return expiry{Block, fmt.Sprintf("expires in %s, on %s", spell(left), on)}
	case left < warn:
		return expiry{Warn, fmt.Sprintf("expires in %s, on %s", spell(left), on)}
	}
	return expiry{}
}

// firstToExpire returns that certificate of a chain which ends first, for the chain ends with it; the chain is not empty.
func firstToExpire(chain []cluster.Certificate) cluster.Certificate {
	return slices.MinFunc(chain, byEnd)
}

// lastToExpire returns that authority of a bundle which ends last, for a bundle is good as long as one of them is; it is not
// empty.
func lastToExpire(bundle []cluster.Certificate) cluster.Certificate {
	return slices.MaxFunc(bundle, byEnd)
}

func byEnd(a, b cluster.Certificate) int { return a.NotAfter.Compare(b.NotAfter) }

// chainInWords says which certificate of a chain it is: "certificate CN=node-1", or that of an authority above it.
func chainInWords(chain []cluster.Certificate, certificate cluster.Certificate) string {
	if chain[0].NotAfter.Equal(certificate.NotAfter) {
		return "certificate " + chain[0].Subject
	}
	return "authority " + certificate.Subject
}

// issuedFor tells whether a certificate names a host, an address or a name; names are compared as TLS clients do, which look at
// no common name.
func issuedFor(certificate cluster.Certificate, host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return slices.ContainsFunc(certificate.IPAddresses, func(text string) bool {
			other, err := netip.ParseAddr(text)
			return err == nil && other.Unmap() == address.Unmap()
		})
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return slices.ContainsFunc(certificate.DNSNames, func(name string) bool {
		name = strings.ToLower(name)
		if suffix, wildcard := strings.CutPrefix(name, "*."); wildcard {
			_, parent, found := strings.Cut(host, ".")
			return found && parent == suffix
		}
		return name == host
	})
}
