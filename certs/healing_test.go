package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"go.uber.org/zap"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
)

func TestAuthorityHeals(t *testing.T) {
	t.Parallel()
	edit := func(change func(*corev1.Secret)) func(*apiServer) {
		return func(api *apiServer) {
			secret := api.get(secretPath).(*corev1.Secret)
			change(secret)
			api.put(secretPath, secret)
		}
	}
	cases := map[string]func(api *apiServer){
		"the secret is deleted": func(api *apiServer) { api.remove(secretPath) },
		"the secret is emptied": edit(func(s *corev1.Secret) { s.Data = nil }),
		"the certificate is garbage": edit(func(s *corev1.Secret) {
			s.Data[corev1.TLSCertKey], s.Data["ca.crt"] = []byte("garbage"), []byte("garbage")
		}),
		"the key is garbage": edit(func(s *corev1.Secret) { s.Data[corev1.TLSPrivateKeyKey] = []byte("garbage") }),
		"the certificate is a leaf": edit(func(s *corev1.Secret) {
			leaf := newAuthority(t, time.Now(), time.Hour).leaf(time.Now(), time.Hour, serviceHost)
			pem := encodeBundle([]*x509.Certificate{leaf.Leaf})
			s.Data = map[string][]byte{"ca.crt": pem, "tls.crt": pem, "tls.key": keyPEM(t, leaf.PrivateKey)}
		}),
	}
	for name, damage := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := installed(t)
			replicas := []Provider{
				startReplica(t, api, rotatingOptions(), zap.NewNop()),
				startReplica(t, api, rotatingOptions(), zap.NewNop()),
			}
			for _, replica := range replicas {
				eventually(t, isReady(replica))
			}
			before := api.authority()
			damage(api)
			for _, replica := range replicas {
				eventually(t, func() error {
					leaf := servedLeaf(t, replica)
					// At no moment may a call fail.
					if err := api.accepts(leaf); err != nil {
						t.Fatalf("a call would have failed: %v", err)
					}
					now := parseBundle(api.authority())
					if len(now) == 0 || bytes.Equal(before, api.authority()) {
						return errors.New("the authority was not replaced")
					}
					return leaf.CheckSignatureFrom(now[0])
				})
				eventually(t, isReady(replica))
			}
			for name, bundle := range api.caBundles() {
				if got := len(parseBundle(bundle)); got != 2 {
					t.Errorf("%s trusts %d authorities, want the old and the new", name, got)
				}
			}
		})
	}
}

// rotatingOptions make leaves settle within a second.
func rotatingOptions() Options {
	opts := selfManagedOptions()
	opts.LeafDuration = 10 * time.Second
	opts.CADuration = time.Hour
	return opts
}

func TestLeafIsRenewedAtTwoThirdsOfItsLife(t *testing.T) {
	t.Parallel()
	opts := selfManagedOptions()
	opts.LeafDuration = 6 * time.Second
	api := installed(t)
	replica := startReplica(t, api, opts, zap.NewNop())
	eventually(t, isReady(replica))
	first := servedLeaf(t, replica)
	eventually(t, func() error {
		leaf := servedLeaf(t, replica)
		if err := api.accepts(leaf); err != nil {
			t.Fatalf("a call would have failed: %v", err)
		}
		if leaf.Equal(first) {
			return errors.New("still the first leaf")
		}
		return nil
	})
}

func TestCABundleHeals(t *testing.T) {
	t.Parallel()
	foreign := newAuthority(t, time.Now().Add(-400*24*time.Hour), 800*24*time.Hour)
	cases := map[string][]byte{
		"somebody empties it":                nil,
		"somebody writes garbage":            []byte("garbage"),
		"somebody puts another authority in": bundleOf(foreign),
	}
	for name, bundle := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := installed(t)
			replica := startReplica(t, api, selfManagedOptions(), zap.NewNop())
			eventually(t, isReady(replica))
			leaf := servedLeaf(t, replica)

			broken := api.get(ourValidating).(*admissionv1.ValidatingWebhookConfiguration)
			broken.Webhooks[1].ClientConfig.CABundle = bundle
			api.put(ourValidating, broken)
			eventually(t, func() error { return api.accepts(leaf) })
			eventually(t, isReady(replica))
			if err := servedLeaf(t, replica).CheckSignatureFrom(parseBundle(api.authority())[0]); err != nil {
				t.Errorf("the authority was replaced: %v", err)
			}
		})
	}
}
