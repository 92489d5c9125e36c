package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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

const (
	// filesRetry is how often the certificate files are looked for until they are
	// there; afterwards they are watched.
	filesRetry = time.Second
	// endCheck is how often it is asked whether the certificate should have been
	// renewed.
	endCheck = 5 * time.Second
)

// mounted is the Provider for certificates that cert-manager writes.
type mounted struct {
	opts          Options
	client        kubernetes.Interface
	registrations *registrations
	watcher       atomic.Pointer[certwatcher.CertWatcher]
	logger        *zap.Logger

	// warned is what was last said of a certificate that nobody renews. Only the
	// goroutine that looks at it uses it.
	warned warning
}

// warning is what has been said of which certificate.
type warning struct {
	leaf  *x509.Certificate
	stage stage
}

// stage is how far the life of a certificate has gone.
type stage int

const (
	fresh stage = iota
	overdue
	ended
)

// stageOf tells that a certificate should have been renewed when it is in the last
// quarter of its life. cert-manager renews at two thirds of it, also those that
// CertManagerObjects asks for.
func stageOf(leaf *x509.Certificate, now time.Time) stage {
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	switch {
	case now.After(leaf.NotAfter):
		return ended
	case now.After(leaf.NotAfter.Add(-life / 4)):
		return overdue
	}
	return fresh
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
	running.Go(func() { wait.UntilWithContext(ctx, m.watchEnd, endCheck) })
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
			m.logger.Warn("cannot read the serving certificate, retrying", zap.String("directory", m.opts.CertDir), m.look(), zap.Error(err))
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

// Ready also says how to find out what cert-manager waits for, where the reason may
// be that.
func (m *mounted) Ready(context.Context) error {
	certificate, err := m.GetCertificate(nil)
	if err != nil {
		return errors.Join(fmt.Errorf("%w; to see what cert-manager waits for: %s", err, m.describe()), m.registrations.complete())
	}
	if err := m.registrations.accept(certificate.Leaf); err != nil {
		return fmt.Errorf("%w; to see what cert-manager has issued: %s", err, m.describe())
	}
	return nil
}

func (m *mounted) watchEnd(context.Context) {
	if certificate, err := m.GetCertificate(nil); err == nil {
		m.warn(certificate.Leaf)
	}
}

// warn tells the log, once for each certificate, that it should have been renewed,
// and once that it has ended.
func (m *mounted) warn(leaf *x509.Certificate) {
	now := warning{leaf, stageOf(leaf, m.opts.now())}
	if m.warned.leaf != nil && leaf.Equal(m.warned.leaf) && now.stage == m.warned.stage {
		return
	}
	m.warned = now
	switch now.stage {
	case overdue:
		m.logger.Warn("cert-manager has not renewed the serving certificate; upgrades are refused when it has ended", zap.Time("end", leaf.NotAfter), m.look())
	case ended:
		m.logger.Error("the serving certificate has ended; upgrades are refused until cert-manager renews it", zap.Time("end", leaf.NotAfter), m.look())
	}
}

// describe returns the command that shows what became of the serving certificate.
func (m *mounted) describe() string {
	return "kubectl -n " + m.opts.Namespace + " describe certificate " + ServingCertificateName
}

func (m *mounted) look() zap.Field { return zap.String("look", m.describe()) }
