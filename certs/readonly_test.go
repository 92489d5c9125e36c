package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
)

func TestAWrongClockReplacesNoAuthorityAndSignsNothing(t *testing.T) {
	api := installed(t)
	// In its last third, so that it is replaced as soon as somebody may.
	old := newAuthority(t, time.Now().Add(-23*time.Hour), 24*time.Hour)
	secret := newObject(secretPath).(*corev1.Secret)
	secret.Name, secret.Namespace = "upgrade-gate-ca", "upgrade-gate"
	certificate := encodeBundle([]*x509.Certificate{old.certificate})
	secret.Data = map[string][]byte{"ca.crt": certificate, corev1.TLSCertKey: certificate, corev1.TLSPrivateKeyKey: keyPEM(t, old.key)}
	api.put(secretPath, secret)

	var wrong atomic.Bool
	var asked atomic.Int32
	wrong.Store(true)
	options := selfManagedOptions()
	options.Clock = func() error {
		asked.Add(1)
		if wrong.Load() {
			return errors.New("the clock is 365d ahead")
		}
		return nil
	}
	provider := startReplica(t, api, options, zap.NewNop())
	eventually(t, func() error {
		if n := asked.Load(); n < 4 {
			return fmt.Errorf("the clock was asked for %d times", n)
		}
		return nil
	})
	if err := provider.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "the clock is 365d ahead") {
		t.Errorf("ready: %v, want the clock", err)
	}
	before := api.authority()
	if !bytes.Equal(before, secret.Data[corev1.TLSCertKey]) || api.patchCount() != 0 {
		t.Errorf("the authority was replaced, or one of %d patches was sent", api.patchCount())
	}

	wrong.Store(false)
	api.put(secretPath, secret) // what makes the library look now and not in ten seconds
	eventually(t, isReady(provider))
	if bytes.Equal(api.authority(), before) {
		t.Error("with the right clock the authority was not replaced")
	}
}
