package certs

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

func TestStalePatchIsRefusedAndLosesNothing(t *testing.T) {
	t.Parallel()
	api := installed(t)
	now := time.Now()
	first, second := newAuthority(t, now.Add(-time.Minute), time.Hour), newAuthority(t, now, time.Hour)
	stale := registrationOf(api.get(ourValidating))
	c := configuration{validatingKind, "upgrade-gate"}
	registrarFor := func(authority testAuthority) *registrar {
		r := newRegistrations(selfManagedOptions().withDefaults())
		r.observe(c, &registration{resourceVersion: stale.resourceVersion, webhooks: append([]registeredWebhook(nil), stale.webhooks...)})
		provider, err := New(selfManagedOptions(), api.restConfig(), zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		return &registrar{
			client: provider.(*selfManaged).client, registrations: r, leafDuration: time.Hour, now: time.Now, logger: zap.NewNop(),
			wanted: func() []*x509.Certificate { return []*x509.Certificate{authority.certificate} },
		}
	}
	if err := registrarFor(first).register(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	late := registrarFor(second)
	if err := late.register(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{"a.upgradegate.io": bundleOf(first), "b.upgradegate.io": bundleOf(first), "advance.upgradegate.io": nil}
	if diff := cmp.Diff(want, api.caBundles()); diff != "" {
		t.Errorf("after the stale patch (-want +got):\n%s", diff)
	}

	late.registrations.observe(c, registrationOf(api.get(ourValidating)))
	if err := late.register(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	want["a.upgradegate.io"], want["b.upgradegate.io"] = bundleOf(second, first), bundleOf(second, first)
	if diff := cmp.Diff(want, api.caBundles()); diff != "" {
		t.Errorf("after the watch caught up (-want +got):\n%s", diff)
	}
	before := api.patchCount()
	late.registrations.observe(c, registrationOf(api.get(ourValidating)))
	if err := late.register(t.Context(), c); err != nil || api.patchCount() != before {
		t.Errorf("right caBundles were patched again, error %v", err)
	}
}
