package certs

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMergeBundle(t *testing.T) {
	const (
		day  = 24 * time.Hour
		leaf = 7 * day
	)
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	aged := func(age time.Duration) testAuthority { return newAuthority(t, now.Add(-age), 365*day) }
	current, successor := aged(day), aged(time.Hour)
	previous, settled, expired := aged(250*day), aged(30*day), aged(400*day)

	cases := map[string]struct {
		existing []byte
		wanted   []testAuthority
		want     []byte
	}{
		"an empty bundle gets the authority":                        {nil, []testAuthority{current}, bundleOf(current)},
		"garbage is replaced":                                       {[]byte("-----BEGIN CERTIFICATE-----\nnonsense"), []testAuthority{current}, bundleOf(current)},
		"garbage around a certificate is dropped":                   {slices.Concat([]byte("x\n"), bundleOf(current), []byte("y")), []testAuthority{current}, bundleOf(current)},
		"a private key does not get through":                        {keyPEM(t, current.key), []testAuthority{current}, bundleOf(current)},
		"a right bundle stays as it is":                             {bundleOf(current, previous), []testAuthority{current}, bundleOf(current, previous)},
		"a duplicate is dropped":                                    {bundleOf(current, current), []testAuthority{current}, bundleOf(current)},
		"the newest comes first whatever order it had":              {bundleOf(previous, current), []testAuthority{current}, bundleOf(current, previous)},
		"the previous one stays while its leaves can be alive":      {bundleOf(previous), []testAuthority{current}, bundleOf(current, previous)},
		"the previous one goes when the new is older than a leaf":   {bundleOf(previous), []testAuthority{settled}, bundleOf(settled)},
		"an expired one goes at once":                               {bundleOf(expired), []testAuthority{current}, bundleOf(current)},
		"a replica that is behind does not drop the successor":      {bundleOf(successor, settled), []testAuthority{settled}, bundleOf(successor, settled)},
		"the authority of a leaf in use stays although superseded":  {bundleOf(settled), []testAuthority{settled, previous}, bundleOf(settled, previous)},
		"a restored older authority is added beside the newer ones": {bundleOf(current), []testAuthority{previous}, bundleOf(current, previous)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := mergeBundle(c.existing, certificatesOf(c.wanted), leaf, now)
			if diff := cmp.Diff(string(c.want), string(got)); diff != "" {
				t.Errorf("bundle (-want +got):\n%s", diff)
			}
			again := mergeBundle(got, certificatesOf(c.wanted), leaf, now)
			if diff := cmp.Diff(string(got), string(again)); diff != "" {
				t.Errorf("merging once more changes the bundle (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMergeBundleIsBoundedAndKeepsTheWanted(t *testing.T) {
	now := time.Now()
	oldest := newAuthority(t, now.Add(-time.Hour), 24*time.Hour)
	var many []testAuthority
	for i := range 2 * maxBundle {
		many = append(many, newAuthority(t, now.Add(time.Duration(-i)*time.Second), 24*time.Hour))
	}
	got := parseBundle(mergeBundle(bundleOf(many...), []*x509.Certificate{oldest.certificate}, time.Hour, now))
	if len(got) != maxBundle {
		t.Errorf("%d authorities, want %d", len(got), maxBundle)
	}
	if !containsCertificate(got, oldest.certificate) {
		t.Error("the wanted authority was cut off")
	}
	if !containsCertificate(got, many[0].certificate) {
		t.Error("the newest authority was cut off")
	}
}

func certificatesOf(authorities []testAuthority) []*x509.Certificate {
	var certificates []*x509.Certificate
	for _, authority := range authorities {
		certificates = append(certificates, authority.certificate)
	}
	return certificates
}
