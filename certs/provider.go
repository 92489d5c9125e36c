package certs

import (
	"context"
	"crypto/tls"
	"fmt"

	"go.uber.org/zap"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Provider serves the webhook's certificate and judges whether it is trusted.
type Provider interface {
	// Start keeps the certificate and the view of our webhook configurations
	// current. It blocks until ctx ends, then returns nil; the last certificate
	// stays available for connections that are still being drained.
	Start(ctx context.Context) error

	// GetCertificate returns the certificate to serve now; its signature is that
	// of tls.Config. It returns an error until there is one.
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)

	// Ready returns nil if the certificate served now is accepted by an API
	// server that follows our webhook configurations as they were last observed.
	// Otherwise the error names the configuration, the webhook and the reason. It
	// makes no call; verifying one signature per webhook takes about a
	// millisecond. A mutating configuration that does not exist is no reason: it
	// is optional, and without it nobody calls that path.
	Ready(ctx context.Context) error
}

// New returns the Provider for the mode. It makes no call; Start does.
func New(opts Options, restConfig *rest.Config, logger *zap.Logger) (Provider, error) {
	if err := opts.Validate(); err != nil {
		return nil, fmt.Errorf("certificate options: %w", err)
	}
	opts = opts.withDefaults()
	logger = logger.Named("certs")
	restConfig = rest.CopyConfig(restConfig)
	restConfig.Wrap(readOnlyWhile(opts.Clock))
	client, err := kubernetes.NewForConfig(restConfig)
	if err != nil {
		return nil, fmt.Errorf("building a client for webhook configurations: %w", err)
	}
	if opts.Mode == CertManager {
		return newMounted(opts, client, logger), nil
	}
	return newSelfManaged(opts, restConfig, client, logger), nil
}

// TLSOptions returns a mutation for a server's TLS configuration: the provider's
// certificate, TLS 1.2 as the minimum, and for TLS 1.2 only suites with forward
// secrecy and authenticated encryption (TLS 1.3 has no others).
func TLSOptions(provider Provider) func(*tls.Config) {
	return func(config *tls.Config) {
		config.GetCertificate = provider.GetCertificate
		config.MinVersion = tls.VersionTLS12
		config.CipherSuites = []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		}
	}
}
