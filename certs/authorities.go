package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"

	servertls "github.com/cert-manager/cert-manager/pkg/server/tls"
	"github.com/cert-manager/cert-manager/pkg/server/tls/authority"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// trustedAuthority signs with the embedded authority but hands a leaf out only
// once it is trusted. Until then cert-manager's DynamicSource serves the leaf it
// has and asks again every second.
type trustedAuthority struct {
	servertls.Authority
	// clock says why our clock cannot be trusted; nil while it can.
	clock  func() error
	trusts func(leaf *x509.Certificate) error
	logger *zap.Logger

	mu sync.Mutex
	// distrust is why the last leaf was held back; nil if it was handed out.
	distrust error
}

// Sign returns authority.ErrCertificateNotAvailable while the leaf that it would
// return is not trusted, or would be dated by a wrong clock.
func (a *trustedAuthority) Sign(template *x509.Certificate) (*x509.Certificate, error) {
	leaf, err := a.Authority.Sign(template)
	distrust := a.clock()
	if distrust == nil && err != nil {
		return nil, err
	}
	if distrust == nil {
		distrust = a.trusts(leaf)
	}
	a.mu.Lock()
	a.distrust = distrust
	a.mu.Unlock()
	if distrust != nil {
		a.logger.Debug("holding a new serving certificate back", zap.Error(distrust))
		return nil, fmt.Errorf("%w: %w", authority.ErrCertificateNotAvailable, distrust)
	}
	return leaf, nil
}

// heldBack returns why a leaf is being held back, or would be if there were one:
// while the clock is wrong, the library may not even come to ask for one. Nil where
// nothing is known against it.
func (a *trustedAuthority) heldBack() error {
	if err := a.clock(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.distrust
}

// authorities remembers the certificate authorities that our Secret has held
// since this process started. Its methods are safe for concurrent use.
type authorities struct {
	mu sync.Mutex
	// seen has the current authority last; it is empty until the first is seen.
	seen []*x509.Certificate
}

func (a *authorities) observe(secret *corev1.Secret) {
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil || !pair.Leaf.IsCA {
		// The DynamicAuthority replaces it; until then it signs nothing.
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = slices.DeleteFunc(a.seen, pair.Leaf.Equal)
	a.seen = append(a.seen, pair.Leaf)
	if len(a.seen) > maxBundle {
		a.seen = slices.Delete(a.seen, 0, 1)
	}
}

// neededFor returns the current authority and the one that signed the leaf, which
// may be nil: what has to be in every caBundle for this replica's sake.
func (a *authorities) neededFor(leaf *x509.Certificate) []*x509.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	var needed []*x509.Certificate
	for i, certificate := range a.seen {
		current := i == len(a.seen)-1
		if current || leaf != nil && leaf.CheckSignatureFrom(certificate) == nil {
			needed = append(needed, certificate)
		}
	}
	return needed
}

// watchAuthorities feeds the authorities from our Secret until ctx ends, and
// calls changed after every change.
func watchAuthorities(ctx context.Context, running *sync.WaitGroup, client kubernetes.Interface, opts Options, a *authorities, changed func(), logger *zap.Logger) error {
	informer := namedInformers(client, opts.Namespace, opts.SecretName).Core().V1().Secrets().Informer()
	observe := func(obj any) {
		if secret, ok := obj.(*corev1.Secret); ok {
			a.observe(secret)
			changed()
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    observe,
		UpdateFunc: func(_, obj any) { observe(obj) },
	})
	if err != nil {
		return fmt.Errorf("watching secret %s/%s: %w", opts.Namespace, opts.SecretName, err)
	}
	unwatchable := func(err error) {
		logger.Warn("cannot watch the secret of the certificate authority",
			zap.String("secret", opts.Namespace+"/"+opts.SecretName), zap.Error(err))
	}
	if err := runInformer(ctx, running, informer, unwatchable); err != nil {
		return fmt.Errorf("watching secret %s/%s: %w", opts.Namespace, opts.SecretName, err)
	}
	return nil
}
