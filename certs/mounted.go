package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// filesRetry is how often the certificate files are looked for until they are
// there; afterwards they are watched.
const filesRetry = time.Second

// mounted is the Provider for certificates that cert-manager writes.
type mounted struct {
	opts          Options
	client        kubernetes.Interface
	registrations *registrations
	watcher       atomic.Pointer[certwatcher.CertWatcher]
	logger        *zap.Logger
}

func newMounted(opts Options, client kubernetes.Interface, logger *zap.Logger) *mounted {
	return &mounted{opts: opts, client: client, registrations: newRegistrations(opts), logger: logger}
}

func (m *mounted) Start(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	if err := watchRegistrations(ctx, &running, m.client, m.registrations, func() {}, m.logger); err != nil {
		return err
	}
	watcher := m.awaitFiles(ctx)
	if watcher == nil {
		return nil
	}
	m.watcher.Store(watcher)
	if err := watcher.Start(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("watching the certificate files in %s: %w", m.opts.CertDir, err)
	}
	return nil
}

// awaitFiles returns nil if ctx ends before the files can be read.
func (m *mounted) awaitFiles(ctx context.Context) *certwatcher.CertWatcher {
	certificate := filepath.Join(m.opts.CertDir, corev1.TLSCertKey)
	key := filepath.Join(m.opts.CertDir, corev1.TLSPrivateKeyKey)
	var watcher *certwatcher.CertWatcher
	said := ""
	// The only error is that of ctx.
	_ = wait.PollUntilContextCancel(ctx, filesRetry, true, func(context.Context) (bool, error) {
		var err error
		if watcher, err = certwatcher.New(certificate, key); err == nil {
			return true, nil
		}
		if err.Error() != said {
			said = err.Error()
			m.logger.Warn("cannot read the serving certificate, retrying", zap.String("directory", m.opts.CertDir), zap.Error(err))
		}
		return false, nil
	})
	return watcher
}

func (m *mounted) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	watcher := m.watcher.Load()
	if watcher == nil {
		return nil, errors.New("no serving certificate in " + m.opts.CertDir)
	}
	return watcher.GetCertificate(hello)
}

func (m *mounted) Ready(context.Context) error {
	certificate, err := m.GetCertificate(nil)
	if err != nil {
		return errors.Join(err, m.registrations.complete())
	}
	return m.registrations.accept(certificate.Leaf)
}
