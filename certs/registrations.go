package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// configuration identifies one of our webhook configurations.
type configuration struct {
	kind string
	name string
}

func (c configuration) String() string { return c.kind + " " + c.name }

const (
	validatingKind = "ValidatingWebhookConfiguration"
	mutatingKind   = "MutatingWebhookConfiguration"
)

// registration is one webhook configuration as it was last observed.
type registration struct {
	resourceVersion string
	webhooks        []registeredWebhook
}

// registeredWebhook is what an API server needs to call one webhook of ours.
type registeredWebhook struct {
	name string
	// host is the name that the API server verifies the certificate for.
	host        string
	caBundle    []byte
	authorities []observedAuthority
}

type observedAuthority struct {
	certificate *x509.Certificate
	// since is when we first saw the authority in this webhook's caBundle.
	since time.Time
}

// registrations holds our webhook configurations as observed from the API server.
// Its methods are safe for concurrent use.
type registrations struct {
	expected []configuration
	now      func() time.Time

	mu sync.RWMutex
	// observed has an entry for every expected configuration that has been read;
	// the value is nil if the configuration does not exist.
	observed map[configuration]*registration
	// unreadable says why a configuration cannot be watched.
	unreadable map[configuration]error
}

func newRegistrations(opts Options) *registrations {
	r := &registrations{
		expected:   []configuration{{validatingKind, opts.ValidatingConfig}},
		now:        opts.now,
		observed:   map[configuration]*registration{},
		unreadable: map[configuration]error{},
	}
	if opts.MutatingConfig != "" {
		r.expected = append(r.expected, configuration{mutatingKind, opts.MutatingConfig})
	}
	return r
}

// observe takes over the newest state of a configuration; nil means that it does
// not exist. Authorities that were in a webhook's caBundle before keep their age.
func (r *registrations) observe(c configuration, seen *registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.unreadable, c)
	if seen != nil {
		previous := r.observed[c]
		now := r.now()
		for i := range seen.webhooks {
			seen.webhooks[i].authorities = previous.age(seen.webhooks[i], now)
		}
	}
	r.observed[c] = seen
}

// observeAbsence records that a configuration was missing from the first list,
// unless something was observed since.
func (r *registrations) observeAbsence(c configuration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, read := r.observed[c]; !read {
		delete(r.unreadable, c)
		r.observed[c] = nil
	}
}

// age dates the authorities of a webhook's caBundle, by their first sight.
func (previous *registration) age(webhook registeredWebhook, now time.Time) []observedAuthority {
	var before []observedAuthority
	if previous != nil {
		same := func(other registeredWebhook) bool { return other.name == webhook.name }
		if i := slices.IndexFunc(previous.webhooks, same); i >= 0 {
			before = previous.webhooks[i].authorities
		}
	}
	var dated []observedAuthority
	for _, certificate := range parseBundle(webhook.caBundle) {
		authority := observedAuthority{certificate: certificate, since: now}
		same := func(other observedAuthority) bool { return other.certificate.Equal(certificate) }
		if i := slices.IndexFunc(before, same); i >= 0 {
			authority.since = before[i].since
		}
		dated = append(dated, authority)
	}
	return dated
}

// unwatchable records why a configuration cannot be read at present.
func (r *registrations) unwatchable(c configuration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unreadable[c] = err
}

// get returns the last observed state of a configuration: nil if it does not
// exist, and false if it has not been read yet.
func (r *registrations) get(c configuration) (*registration, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	seen, read := r.observed[c]
	return seen, read
}

// trusts returns nil if every webhook of every existing configuration has, for at
// least minAge, contained an authority that the leaf chains to, and the leaf is
// valid now for the name that the webhook is called by. A configuration that does
// not exist calls nobody and so distrusts nobody; one that was never read might,
// so it counts as distrust.
func (r *registrations) trusts(leaf *x509.Certificate, minAge time.Duration) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var problems []error
	for _, c := range r.expected {
		seen, read := r.observed[c]
		switch {
		case !read:
			problems = append(problems, r.unread(c))
		case seen != nil:
			if err := seen.trusts(leaf, r.now(), minAge); err != nil {
				problems = append(problems, fmt.Errorf("%s does not trust the serving certificate: %w", c, err))
			}
		}
	}
	return errors.Join(problems...)
}

func (r *registrations) unread(c configuration) error {
	if err := r.unreadable[c]; err != nil {
		return fmt.Errorf("%s cannot be read: %w", c, err)
	}
	return fmt.Errorf("%s has not been read yet", c)
}

// accept returns nil if an API server that follows the registrations calls us and
// accepts the leaf.
func (r *registrations) accept(leaf *x509.Certificate) error {
	if err := r.complete(); err != nil {
		return err
	}
	return r.trusts(leaf, 0)
}

// complete returns an error if a configuration has not been read, if the validating
// one does not exist, or if one is without webhooks: then upgrades pass unjudged.
func (r *registrations) complete() error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var problems []error
	for _, c := range r.expected {
		seen, read := r.observed[c]
		switch {
		case !read:
			problems = append(problems, r.unread(c))
		case seen == nil && c.kind == validatingKind:
			problems = append(problems, fmt.Errorf("%s does not exist, upgrades are not judged", c))
		case seen != nil && len(seen.webhooks) == 0:
			problems = append(problems, fmt.Errorf("%s has no webhooks", c))
		}
	}
	return errors.Join(problems...)
}

func (r *registration) trusts(leaf *x509.Certificate, at time.Time, minAge time.Duration) error {
	var problems []error
	for _, webhook := range r.webhooks {
		if err := webhook.trusts(leaf, at, minAge); err != nil {
			problems = append(problems, fmt.Errorf("webhook %s: %w", webhook.name, err))
		}
	}
	return errors.Join(problems...)
}

func (w registeredWebhook) trusts(leaf *x509.Certificate, at time.Time, minAge time.Duration) error {
	if w.host == "" {
		return errors.New("clientConfig names neither a service nor a URL with a host")
	}
	if len(w.authorities) == 0 {
		if len(w.caBundle) == 0 {
			return errors.New("caBundle is empty")
		}
		return fmt.Errorf("caBundle contains no certificate in its %d bytes", len(w.caBundle))
	}
	roots := x509.NewCertPool()
	old := 0
	for _, authority := range w.authorities {
		if at.Sub(authority.since) >= minAge {
			roots.AddCert(authority.certificate)
			old++
		}
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots:       roots,
		DNSName:     w.host,
		CurrentTime: at,
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return fmt.Errorf("checked against %d of the %d authorities in its caBundle: %w", old, len(w.authorities), err)
	}
	return nil
}
