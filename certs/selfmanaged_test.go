package certs

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	secretPath     = secretsPath + "/upgrade-gate-ca"
	ourValidating  = validatingPath + "/upgrade-gate"
	ourMutating    = mutatingPath + "/upgrade-gate-advance"
	healingTimeout = 30 * time.Second
)

func selfManagedOptions() Options {
	return Options{
		Mode: SelfManaged, Namespace: "upgrade-gate", SecretName: "upgrade-gate-ca", ServiceName: "upgrade-gate",
		ValidatingConfig: "upgrade-gate", MutatingConfig: "upgrade-gate-advance", Grace: 300 * time.Millisecond,
	}
}

func service(path string) admissionv1.WebhookClientConfig {
	return admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{
		Namespace: "upgrade-gate", Name: "upgrade-gate", Path: new(path), Port: new(int32(443)),
	}}
}

func validatingConfiguration() *admissionv1.ValidatingWebhookConfiguration {
	c := newObject(ourValidating).(*admissionv1.ValidatingWebhookConfiguration)
	c.Name, c.Labels = "upgrade-gate", map[string]string{"kept": "yes"}
	c.Webhooks = []admissionv1.ValidatingWebhook{
		{Name: "a.upgradegate.io", ClientConfig: service("/validate"), FailurePolicy: new(admissionv1.Fail), TimeoutSeconds: new(int32(30)), AdmissionReviewVersions: []string{"v1"}},
		{Name: "b.upgradegate.io", ClientConfig: service("/other"), MatchConditions: []admissionv1.MatchCondition{{Name: "kept", Expression: "true"}}},
	}
	return c
}

func mutatingConfiguration() *admissionv1.MutatingWebhookConfiguration {
	c := newObject(ourMutating).(*admissionv1.MutatingWebhookConfiguration)
	c.Name = "upgrade-gate-advance"
	c.Webhooks = []admissionv1.MutatingWebhook{{Name: "advance.upgradegate.io", ClientConfig: service("/mutate")}}
	return c
}

func installed(t *testing.T) *apiServer {
	api := newAPIServer(t)
	api.put(ourValidating, validatingConfiguration())
	api.put(ourMutating, mutatingConfiguration())
	return api
}

// startReplica runs a Provider until the test ends.
func startReplica(t *testing.T, api *apiServer, opts Options, logger *zap.Logger) Provider {
	t.Helper()
	provider, err := New(opts, api.restConfig(), logger)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- provider.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("Start: %v", err)
		}
	})
	return provider
}

// eventually polls until the condition returns nil.
func eventually(t *testing.T, condition func() error) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(healingTimeout)
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("not within %s: %v", healingTimeout, err)
		case <-tick.C:
		}
	}
}

func isReady(provider Provider) func() error {
	return func() error { return provider.Ready(context.Background()) }
}

func servedLeaf(t *testing.T, provider Provider) *x509.Certificate {
	t.Helper()
	certificate, err := provider.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return certificate.Leaf
}

// caBundles returns what is registered in every webhook.
func (api *apiServer) caBundles() map[string][]byte {
	bundles := map[string][]byte{}
	for _, path := range []string{ourValidating, ourMutating} {
		if object := api.get(path); object != nil {
			for _, webhook := range registrationOf(object).webhooks {
				bundles[webhook.name] = webhook.caBundle
			}
		}
	}
	return bundles
}

func (api *apiServer) authority() []byte {
	secret, ok := api.get(secretPath).(*corev1.Secret)
	if !ok {
		return nil
	}
	return secret.Data[corev1.TLSCertKey]
}

// accepts fails unless every webhook's stored caBundle accepts the leaf: what a
// call by the API server would meet.
func (api *apiServer) accepts(leaf *x509.Certificate) error {
	for name, bundle := range api.caBundles() {
		webhook := registeredWebhook{name: name, host: serviceHost, caBundle: bundle}
		webhook.authorities = (*registration)(nil).age(webhook, time.Time{})
		if err := webhook.trusts(leaf, time.Now(), 0); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func TestTwoReplicasRegisterOneAuthorityAndKeepEveryOtherField(t *testing.T) {
	t.Parallel()
	api := installed(t)
	first := startReplica(t, api, selfManagedOptions(), zap.NewNop())
	second := startReplica(t, api, selfManagedOptions(), zap.NewNop())
	eventually(t, isReady(first))
	eventually(t, isReady(second))

	authority := api.authority()
	want := map[string][]byte{"a.upgradegate.io": authority, "b.upgradegate.io": authority, "advance.upgradegate.io": authority}
	if diff := cmp.Diff(want, api.caBundles()); diff != "" {
		t.Errorf("caBundles (-want +got):\n%s", diff)
	}
	stored := api.get(ourValidating).(*admissionv1.ValidatingWebhookConfiguration)
	for i := range stored.Webhooks {
		stored.Webhooks[i].ClientConfig.CABundle = nil
	}
	stored.ResourceVersion = ""
	if diff := cmp.Diff(client.Object(validatingConfiguration()), client.Object(stored)); diff != "" {
		t.Errorf("configuration without caBundle (-want +got):\n%s", diff)
	}
	if got := api.patchCount(); got != 2 {
		t.Errorf("%d patches went through for two configurations, want one each", got)
	}
}

func TestConfigurationThatArrivesLate(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.InfoLevel)
	api := newAPIServer(t)
	replica := startReplica(t, api, selfManagedOptions(), zap.New(core))
	// Two tries of the registrar have passed when the leaf is there.
	eventually(t, func() error {
		_, err := replica.GetCertificate(nil)
		return err
	})
	err := replica.Ready(t.Context())
	if want := "ValidatingWebhookConfiguration upgrade-gate does not exist"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Ready: got %v, want something with %q", err, want)
	}
	if got := logs.FilterField(zap.String("problem", "ValidatingWebhookConfiguration upgrade-gate does not exist")).Len(); got != 1 {
		t.Errorf("the absence was logged %d times, want once", got)
	}

	api.put(ourValidating, validatingConfiguration())
	eventually(t, isReady(replica))
	api.put(ourMutating, mutatingConfiguration())
	eventually(t, func() error { return api.accepts(servedLeaf(t, replica)) })
	eventually(t, isReady(replica))
}

func TestConfigurationThatMayNotBeReadIsNotTrusted(t *testing.T) {
	t.Parallel()
	api := installed(t)
	api.deny(mutatingPath)
	replica := startReplica(t, api, selfManagedOptions(), zap.NewNop())
	eventually(t, func() error {
		err := replica.Ready(t.Context())
		if err != nil && strings.Contains(err.Error(), "MutatingWebhookConfiguration upgrade-gate-advance cannot be read") {
			return nil
		}
		return fmt.Errorf("Ready: %w", err)
	})
	if _, err := replica.GetCertificate(nil); err == nil {
		t.Error("a leaf is served although it is unknown who trusts it")
	}
}

func TestSwitchedOffAdvanceRefusalIsNotLookedAt(t *testing.T) {
	t.Parallel()
	api := installed(t)
	api.deny(mutatingPath)
	opts := selfManagedOptions()
	opts.MutatingConfig = ""
	eventually(t, isReady(startReplica(t, api, opts, zap.NewNop())))
}
