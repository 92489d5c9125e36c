package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	servertls "github.com/cert-manager/cert-manager/pkg/server/tls"
	"github.com/cert-manager/cert-manager/pkg/server/tls/authority"
	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// authorityCommonName is the subject of the certificate authorities we create.
const authorityCommonName = "upgrade-gate-ca"

// selfManaged is the Provider for clusters without cert-manager.
type selfManaged struct {
	opts          Options
	client        kubernetes.Interface
	registrations *registrations
	authorities   authorities
	authority     *trustedAuthority
	source        *servertls.DynamicSource
	settling      settlingLeaf
	logger        *zap.Logger
}

func newSelfManaged(opts Options, restConfig *rest.Config, client kubernetes.Interface, logger *zap.Logger) *selfManaged {
	registrations := newRegistrations(opts)
	s := &selfManaged{
		opts:          opts,
		client:        client,
		registrations: registrations,
		logger:        logger,
		settling: settlingLeaf{
			minAge: opts.settleTime(),
			now:    opts.now,
			trusts: func(leaf *x509.Certificate) error { return registrations.trusts(leaf, 0) },
		},
	}
	s.authority = &trustedAuthority{
		Authority: &authority.DynamicAuthority{
			SecretNamespace: opts.Namespace,
			SecretName:      opts.SecretName,
			SecretLabels:    map[string]string{"app.kubernetes.io/name": "upgrade-gate", "app.kubernetes.io/component": "webhook"},
			RESTConfig:      restConfig,
			CommonName:      authorityCommonName,
			CADuration:      opts.CADuration,
			LeafDuration:    opts.LeafDuration,
		},
		clock:  opts.Clock,
		trusts: func(leaf *x509.Certificate) error { return registrations.trusts(leaf, opts.Grace) },
		logger: logger,
	}
	s.source = &servertls.DynamicSource{DNSNames: opts.DNSNames(), Authority: s.authority}
	return s
}

func (s *selfManaged) Start(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	pending := make(chan struct{}, 1)
	changed := func() {
		select {
		case pending <- struct{}{}:
		default:
			// The registrar will look at everything anyway.
		}
	}
	if err := watchRegistrations(ctx, &running, s.client, s.registrations, changed, s.logger); err != nil {
		return err
	}
	if err := watchAuthorities(ctx, &running, s.client, s.opts, &s.authorities, changed, s.logger); err != nil {
		return err
	}
	registrar := &registrar{
		client:        s.client,
		registrations: s.registrations,
		wanted:        s.wantedAuthorities,
		leafDuration:  s.opts.LeafDuration,
		now:           s.opts.now,
		changed:       pending,
		logger:        s.logger,
	}
	running.Go(func() { registrar.run(ctx) })

	// cert-manager logs each retry at its ordinary level; one level down keeps a
	// wait of minutes from filling the log.
	libraryLogger := zapr.NewLogger(s.logger).V(1)
	if err := s.source.Start(logr.NewContext(ctx, libraryLogger)); err != nil {
		return fmt.Errorf("keeping the serving certificate current: %w", err)
	}
	return nil
}

func (s *selfManaged) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	latest, err := s.source.GetCertificate(hello)
	if err != nil {
		return nil, err
	}
	return s.settling.choose(latest), nil
}

func (s *selfManaged) Ready(context.Context) error {
	certificate, err := s.GetCertificate(nil)
	if err != nil {
		return errors.Join(fmt.Errorf("no serving certificate yet: %w", err), s.authority.heldBack(), s.registrations.complete())
	}
	return s.registrations.accept(certificate.Leaf)
}

func (s *selfManaged) wantedAuthorities() []*x509.Certificate {
	var leaf *x509.Certificate
	if certificate, err := s.GetCertificate(nil); err == nil {
		leaf = certificate.Leaf
	}
	return s.authorities.neededFor(leaf)
}

// settlingLeaf hands out the newest leaf, but keeps to the previous one while the
// newest is so young that an API server whose clock is behind would find it not
// yet valid, as long as the previous one still works.
type settlingLeaf struct {
	minAge time.Duration
	now    func() time.Time
	trusts func(leaf *x509.Certificate) error

	mu     sync.Mutex
	served *tls.Certificate
}

func (s *settlingLeaf) choose(latest *tls.Certificate) *tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.served == latest {
		return latest
	}
	young := s.now().Sub(latest.Leaf.NotBefore) < s.minAge
	if s.served == nil || !young || s.trusts(s.served.Leaf) != nil {
		s.served = latest
	}
	return s.served
}
