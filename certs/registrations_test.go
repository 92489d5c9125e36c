package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	servertls "github.com/cert-manager/cert-manager/pkg/server/tls"
	"github.com/cert-manager/cert-manager/pkg/server/tls/authority"
	"go.uber.org/zap"
	admissionv1 "k8s.io/api/admissionregistration/v1"
)

func TestAccept(t *testing.T) {
	now := time.Now()
	ours := newAuthority(t, now.Add(-time.Hour), 24*time.Hour)
	previous := newAuthority(t, now.Add(-2*time.Hour), 24*time.Hour)
	webhook := func(name string, bundle []byte) registeredWebhook {
		return registeredWebhook{name: name, host: serviceHost, caBundle: bundle}
	}
	exists := func(webhooks ...registeredWebhook) *registration { return &registration{webhooks: webhooks} }
	good := ours.leaf(now.Add(-time.Minute), time.Hour, serviceHost)
	trusting := webhook("v", bundleOf(ours))
	const unread = "unread"

	cases := map[string]struct {
		leaf       *tls.Certificate
		validating any // *registration, or unread
		mutating   any
		want       []string // parts of the error; none means accepted
	}{
		"both trust us": {good, exists(trusting), exists(trusting), nil},
		"our authority is one of several in the bundle":                {good, exists(webhook("v", bundleOf(previous, ours))), exists(trusting), nil},
		"a mutating configuration that does not exist is no reason":    {good, exists(trusting), (*registration)(nil), nil},
		"a validating configuration that does not exist":               {good, (*registration)(nil), exists(trusting), []string{"ValidatingWebhookConfiguration validating does not exist"}},
		"a configuration that has not been read":                       {good, exists(trusting), unread, []string{"MutatingWebhookConfiguration mutating has not been read yet"}},
		"a configuration without webhooks":                             {good, exists(), exists(trusting), []string{"ValidatingWebhookConfiguration validating has no webhooks"}},
		"one webhook of two has an empty bundle":                       {good, exists(trusting, webhook("second", nil)), exists(trusting), []string{"ValidatingWebhookConfiguration validating does not trust", "webhook second: caBundle is empty"}},
		"the bundle is garbage":                                        {good, exists(trusting), exists(webhook("m", []byte("garbage"))), []string{"MutatingWebhookConfiguration mutating", "webhook m: caBundle contains no certificate in its 7 bytes"}},
		"the bundle has another authority":                             {good, exists(webhook("v", bundleOf(previous))), exists(trusting), []string{"ValidatingWebhookConfiguration validating", "unknown authority"}},
		"both distrust us and both are named":                          {good, exists(webhook("v", nil)), exists(webhook("m", nil)), []string{"webhook v", "webhook m"}},
		"the leaf has expired":                                         {ours.leaf(now.Add(-time.Hour), time.Minute, serviceHost), exists(trusting), exists(trusting), []string{"expired"}},
		"the leaf is not valid yet":                                    {ours.leaf(now.Add(time.Hour), time.Hour, serviceHost), exists(trusting), exists(trusting), []string{"not yet valid"}},
		"the leaf is for another name":                                 {ours.leaf(now.Add(-time.Minute), time.Hour, "localhost"), exists(trusting), exists(trusting), []string{"not " + serviceHost}},
		"a configuration that points nowhere":                          {good, exists(registeredWebhook{name: "v", caBundle: bundleOf(ours)}), exists(trusting), []string{"neither a service nor a URL"}},
		"a leaf signed by a key that only bears our authority's name ": {newAuthority(t, now, time.Hour).leaf(now, time.Hour, serviceHost), exists(trusting), exists(trusting), []string{"webhook v"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRegistrations(Options{ValidatingConfig: "validating", MutatingConfig: "mutating"}.withDefaults())
			for i, seen := range []any{c.validating, c.mutating} {
				if seen, read := seen.(*registration); read {
					r.observe(r.expected[i], seen)
				}
			}
			err := r.accept(c.leaf.Leaf)
			if len(c.want) == 0 && err != nil {
				t.Errorf("got %v, want nil", err)
			}
			for _, part := range c.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("got %v, want something with %q", err, part)
				}
			}
		})
	}
}

func TestHostIsTheOneThatTheAPIServerVerifies(t *testing.T) {
	cases := map[string]struct {
		client admissionv1.WebhookClientConfig
		want   string
	}{
		"a service is called by its cluster name": {service("/validate"), serviceHost},
		"a URL is called by its host":             {admissionv1.WebhookClientConfig{URL: new("https://localhost:9443/validate")}, "localhost"},
		"neither":                                 {admissionv1.WebhookClientConfig{}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := registeredWebhookOf("w", c.client).host; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// signer signs with whatever authority it holds at the time.
type signer struct {
	servertls.Authority
	with testAuthority
}

func (s *signer) Sign(template *x509.Certificate) (*x509.Certificate, error) {
	key := newKey(s.with.t)
	return s.with.signLeaf(key, time.Now(), time.Hour, template.DNSNames...), nil
}

func TestNewAuthoritySignsOnlyAfterEveryCABundleHasHadItForTheGrace(t *testing.T) {
	start := time.Now()
	clock := start
	opts := Options{ValidatingConfig: "validating", MutatingConfig: "mutating", Grace: 2 * time.Second}
	opts.now = func() time.Time { return clock }
	r := newRegistrations(opts.withDefaults())
	validating, mutating := r.expected[0], r.expected[1]
	previous, current := newAuthority(t, start.Add(-time.Hour), 24*time.Hour), newAuthority(t, start.Add(-time.Second), 24*time.Hour)
	inner := &signer{with: previous}
	trusted := &trustedAuthority{
		Authority: inner,
		clock:     opts.withDefaults().Clock,
		trusts:    func(leaf *x509.Certificate) error { return r.trusts(leaf, opts.Grace) },
		logger:    zap.NewNop(),
	}
	observe := func(c configuration, bundle []byte) {
		r.observe(c, &registration{webhooks: []registeredWebhook{{name: "w", host: serviceHost, caBundle: bundle}}})
	}
	pass := func(d time.Duration) { clock = clock.Add(d) }

	steps := []struct {
		fact   string
		do     func()
		signed bool
	}{
		{"nothing has been read", func() {}, false},
		{"only one configuration has been read", func() { observe(validating, bundleOf(previous)) }, false},
		{"both have been read just now", func() { observe(mutating, bundleOf(previous)) }, false},
		{"the grace has passed", func() { pass(2 * time.Second) }, true},
		{"another observation of the same bundle changes nothing", func() { observe(mutating, bundleOf(previous)) }, true},
		{"the authority has been replaced and is in no bundle", func() { inner.with = current; pass(time.Minute) }, false},
		{"it is in one bundle", func() { observe(validating, bundleOf(current, previous)); pass(time.Minute) }, false},
		{"it is in both, one of them just now", func() { observe(mutating, bundleOf(current, previous)) }, false},
		{"the grace has almost passed", func() { pass(1999 * time.Millisecond) }, false},
		{"the grace has passed for both", func() { pass(time.Millisecond) }, true},
		{"somebody emptied one bundle", func() { observe(validating, nil) }, false},
		{"the bundle is back and its age counts anew", func() { observe(validating, bundleOf(current)) }, false},
		{"the age has been reached", func() { pass(2 * time.Second) }, true},
		{"a configuration was deleted and so distrusts nobody", func() { r.observe(validating, nil) }, true},
	}
	for _, step := range steps {
		step.do()
		_, err := trusted.Sign(&x509.Certificate{DNSNames: []string{serviceHost}})
		if step.signed != (err == nil) {
			t.Errorf("%s: signed %t, want %t (error %v)", step.fact, err == nil, step.signed, err)
		}
		if err != nil && !errors.Is(err, authority.ErrCertificateNotAvailable) {
			t.Errorf("%s: error %v is not authority.ErrCertificateNotAvailable", step.fact, err)
		}
		if (trusted.heldBack() != nil) != (err != nil) {
			t.Errorf("%s: held back for %v, error %v", step.fact, trusted.heldBack(), err)
		}
	}
}

func TestAbsenceDoesNotOverwriteALaterObservation(t *testing.T) {
	r := newRegistrations(Options{ValidatingConfig: "validating"}.withDefaults())
	r.observe(r.expected[0], &registration{resourceVersion: "7"})
	r.observeAbsence(r.expected[0])
	if seen, _ := r.get(r.expected[0]); seen == nil || seen.resourceVersion != "7" {
		t.Errorf("got %v, want the observation of version 7", seen)
	}
}

func TestSettlingLeaf(t *testing.T) {
	now := time.Now()
	issuer := newAuthority(t, now.Add(-time.Hour), 24*time.Hour)
	first := issuer.leaf(now.Add(-time.Second), time.Hour, serviceHost)
	second := issuer.leaf(now.Add(time.Minute), time.Hour, serviceHost)
	clock := now
	var distrust error
	settling := settlingLeaf{
		minAge: 30 * time.Second,
		now:    func() time.Time { return clock },
		trusts: func(*x509.Certificate) error { return distrust },
	}
	steps := []struct {
		fact   string
		do     func()
		latest *tls.Certificate
		want   *tls.Certificate
	}{
		{"the first leaf is served however young", func() {}, first, first},
		{"a fresh second waits", func() { clock = now.Add(61 * time.Second) }, second, first},
		{"a settled second is served", func() { clock = now.Add(95 * time.Second) }, second, second},
		{"a fresh third is served at once when the second is not trusted", func() {
			clock, distrust = now, errors.New("not in the caBundle")
		}, first, first},
	}
	for _, step := range steps {
		step.do()
		if got := settling.choose(step.latest); got != step.want {
			t.Errorf("%s: got the leaf of %s", step.fact, got.Leaf.NotBefore)
		}
	}
}
