package certmanager_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
)

// mountPeriod is how often a mount looks at its Secret. A kubelet takes up to two minutes.
const mountPeriod = 100 * time.Millisecond

// mount keeps a folder as a kubelet keeps the volume of a Secret: the files lead to a folder of their version, and all change
// at once. A Secret that is deleted leaves them as they are.
type mount struct {
	folder string

	mu      sync.Mutex
	held    bool
	version string // of the Secret that was last written
	err     error
}

// newMount keeps a new folder until the test ends.
func newMount(t *testing.T, client kubernetes.Interface, secret string) *mount {
	t.Helper()
	m := &mount{folder: t.TempDir()}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.keep(ctx, client, secret)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		if m.err != nil {
			t.Error(m.err)
		}
	})
	return m
}

// hold keeps the files as they are until release, as a kubelet does that has not looked yet.
func (m *mount) hold() { m.setHeld(true) }

func (m *mount) release() { m.setHeld(false) }

func (m *mount) setHeld(held bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = held
}

func (m *mount) keep(ctx context.Context, client kubernetes.Interface, name string) {
	ticker := time.NewTicker(mountPeriod)
	defer ticker.Stop()
	for ctx.Err() == nil {
		secret, err := client.CoreV1().Secrets(manifests.Namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil:
			m.mu.Lock()
			if !m.held && secret.ResourceVersion != m.version {
				m.version = secret.ResourceVersion
				m.err = errors.Join(m.err, m.write(secret.Data))
			}
			m.mu.Unlock()
		case !apierrors.IsNotFound(err) && ctx.Err() == nil:
			m.err = errors.Join(m.err, fmt.Errorf("reading the secret %s: %w", name, err))
			return
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// write puts the files into a folder of their version, and then replaces the link ..data, through which the names lead.
func (m *mount) write(data map[string][]byte) error {
	const current = "..data"
	version := fmt.Sprintf("..%s", m.version)
	if err := os.Mkdir(filepath.Join(m.folder, version), 0o700); err != nil {
		return err
	}
	for name, content := range data {
		if err := os.WriteFile(filepath.Join(m.folder, version, name), content, 0o600); err != nil {
			return err
		}
	}
	before, _ := os.Readlink(filepath.Join(m.folder, current)) // none the first time
	next := filepath.Join(m.folder, current+"_tmp")
	if err := errors.Join(os.Symlink(version, next), os.Rename(next, filepath.Join(m.folder, current))); err != nil {
		return err
	}
	for name := range data {
		err := os.Symlink(filepath.Join(current, name), filepath.Join(m.folder, name))
		if err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	if !strings.HasPrefix(before, "..") {
		return nil
	}
	return os.RemoveAll(filepath.Join(m.folder, before))
}
