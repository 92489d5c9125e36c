package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

func TestValidateListsEveryProblem(t *testing.T) {
	cases := map[string]struct {
		change func(*Options)
		want   []string
	}{
		"good options":                      {func(*Options) {}, nil},
		"cert-manager needs no secret name": {func(o *Options) { o.Mode, o.CertDir, o.SecretName = CertManager, "/certs", "" }, nil},
		"no mutating configuration is fine": {func(o *Options) { o.MutatingConfig = "" }, nil},
		"an unknown mode":                   {func(o *Options) { o.Mode = "magic" }, []string{`mode "magic" is neither "self-managed" nor "cert-manager"`}},
		"cert-manager without a directory":  {func(o *Options) { o.Mode = CertManager }, []string{"certificate directory is missing"}},
		"nothing at all": {func(o *Options) { *o = Options{Mode: SelfManaged} }, []string{
			"namespace is missing", "service name is missing", "validating webhook configuration is missing", "secret name is missing"}},
		"names that Kubernetes would refuse": {func(o *Options) { o.Namespace, o.ExtraDNSNames = "No", []string{"-x"} }, []string{
			`namespace "No"`, `extra DNS name "-x"`}},
		"a leaf that would outlive its authority": {func(o *Options) { o.CADuration, o.LeafDuration = 2*time.Hour, time.Hour }, []string{
			"CA duration 2h0m0s is shorter than three times the leaf duration 1h0m0s"}},
		"negative durations": {func(o *Options) { o.LeafDuration, o.Grace = -time.Hour, -time.Second }, []string{
			"leaf duration -1h0m0s is negative", "grace -1s is negative"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			opts := selfManagedOptions()
			c.change(&opts)
			err := opts.Validate()
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

func TestServedCertificateIsAcceptedOverTLS(t *testing.T) {
	t.Parallel()
	api := installed(t)
	opts := selfManagedOptions()
	opts.ExtraDNSNames = []string{"localhost"}
	replica := startReplica(t, api, opts, zap.NewNop())
	eventually(t, isReady(replica))

	config := &tls.Config{}
	TLSOptions(replica)(config)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(api.authority())
	for _, host := range []string{serviceHost, "localhost"} {
		if err := handshake(config, &tls.Config{RootCAs: roots, ServerName: host}); err != nil {
			t.Errorf("as %s: %v", host, err)
		}
	}
	if err := handshake(config, &tls.Config{RootCAs: roots, ServerName: serviceHost, MaxVersion: tls.VersionTLS12}); err != nil {
		t.Errorf("with TLS 1.2: %v", err)
	}
	if err := handshake(config, &tls.Config{RootCAs: roots, ServerName: serviceHost, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
	weak := []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
	if err := handshake(config, &tls.Config{RootCAs: roots, ServerName: serviceHost, MaxVersion: tls.VersionTLS12, CipherSuites: weak}); err == nil {
		t.Error("a CBC suite was accepted")
	}
}

func handshake(server, client *tls.Config) error {
	near, far := net.Pipe()
	served := make(chan error, 1)
	go func() {
		defer near.Close()
		served <- tls.Server(near, server).Handshake()
	}()
	defer far.Close()
	err := tls.Client(far, client).Handshake()
	far.Close()
	if served := <-served; err == nil && served != nil && !errors.Is(served, net.ErrClosed) {
		return served
	}
	return err
}

func TestMountedCertificateArrivesLateAndIsReloaded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	issuer := newAuthority(t, now.Add(-time.Hour), 24*time.Hour)
	api := newAPIServer(t)
	validating := validatingConfiguration()
	for i := range validating.Webhooks {
		validating.Webhooks[i].ClientConfig.CABundle = bundleOf(issuer)
	}
	api.put(ourValidating, validating)
	opts := selfManagedOptions()
	opts.Mode, opts.CertDir, opts.SecretName = CertManager, t.TempDir(), ""
	api.deny(secretsPath)
	replica := startReplica(t, api, opts, zap.NewNop())
	if err := replica.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "no serving certificate in") {
		t.Errorf("Ready without files: got %v", err)
	}

	for _, leaf := range []*tls.Certificate{
		issuer.leaf(now.Add(-time.Minute), time.Hour, serviceHost),
		issuer.leaf(now.Add(-time.Second), time.Hour, serviceHost),
	} {
		write(t, filepath.Join(opts.CertDir, "tls.key"), keyPEM(t, leaf.PrivateKey))
		write(t, filepath.Join(opts.CertDir, "tls.crt"), encodeBundle([]*x509.Certificate{leaf.Leaf}))
		eventually(t, func() error {
			served, err := replica.GetCertificate(nil)
			if err == nil && !served.Leaf.Equal(leaf.Leaf) {
				err = errors.New("another leaf is served")
			}
			return err
		})
		eventually(t, isReady(replica))
	}
	if got := api.patchCount(); got != 0 {
		t.Errorf("%d patches, but the caBundle belongs to cert-manager", got)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCertManagerObjectsReferToEachOther(t *testing.T) {
	objects := CertManagerObjects(Options{Namespace: "ns", ServiceName: "svc", SecretName: "serving-tls"})
	if len(objects) != 4 {
		t.Fatalf("%d objects, want 4", len(objects))
	}
	selfSigned, authority := objects[0].(*cmv1.Issuer), objects[1].(*cmv1.Certificate)
	issuer, serving := objects[2].(*cmv1.Issuer), objects[3].(*cmv1.Certificate)
	type link struct{ Have, Want string }
	for what, l := range map[string]link{
		"the authority is signed by the self-signed issuer": {authority.Spec.IssuerRef.Name, selfSigned.Name},
		"the issuer uses the authority's secret":            {issuer.Spec.CA.SecretName, authority.Spec.SecretName},
		"the leaf is signed by that issuer":                 {serving.Spec.IssuerRef.Name, issuer.Name},
		"the leaf is written to the secret asked for":       {serving.Spec.SecretName, "serving-tls"},
		"the caBundle comes from the leaf's secret":         {InjectionAnnotation("ns")["cert-manager.io/inject-ca-from"], "ns/" + serving.Name},
		"the leaf's key is replaced":                        {string(serving.Spec.PrivateKey.RotationPolicy), "Always"},
	} {
		if l.Have != l.Want {
			t.Errorf("%s: got %q, want %q", what, l.Have, l.Want)
		}
	}
	want := []string{"svc.ns.svc", "svc.ns.svc.cluster.local", "svc.ns", "svc"}
	if diff := cmp.Diff(want, serving.Spec.DNSNames); diff != "" {
		t.Errorf("DNS names (-want +got):\n%s", diff)
	}
}
