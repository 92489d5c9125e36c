package kubelets

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
)

// dripInterval is the time between two bytes of a dripping answer. At this pace no answer of a real
// size comes to its end before its reader gives up.
const dripInterval = time.Second

// Kubelet is one node's kubelet.
type Kubelet struct {
	name        string
	address     string // an IP address
	port        int
	certificate tls.Certificate
	access      *access
	requests    atomic.Int64

	mu       sync.Mutex
	server   *http.Server // nil while dead
	behave   behaviour
	changed  chan struct{} // closed when behave changes
	evidence map[string][]byte
}

// behaviour is how a kubelet answers.
type behaviour struct {
	hang, drip bool
	status     int // not zero: answer this
}

func newKubelet(name, address string, authority *controlplane.Authority, access *access) (*Kubelet, error) {
	certificate, err := authority.Serving("system:node:"+name, address, name)
	if err != nil {
		return nil, err
	}
	kubelet := &Kubelet{
		name:        name,
		address:     address,
		certificate: certificate,
		access:      access,
		changed:     make(chan struct{}),
		evidence:    map[string][]byte{},
	}
	return kubelet, kubelet.Revive()
}

// Port returns the port that the kubelet listens on. It stays the same for its whole life.
func (k *Kubelet) Port() int { return k.port }

// URL returns the kubelet's address for the path, such as "/stats/summary".
func (k *Kubelet) URL(path string) string {
	return fmt.Sprintf("https://%s:%d%s", k.address, k.port, path)
}

// Requests returns how many requests have arrived, whatever became of them.
func (k *Kubelet) Requests() int { return int(k.requests.Load()) }

// Read takes over the node's recorded answers from an example cluster. A missing file makes the kubelet
// answer 404 for it.
func (k *Kubelet) Read(folder string) error { return k.read(folder, false) }

// read is Read, which may leave an answer whose file is missing as it is.
func (k *Kubelet) read(folder string, keepMissing bool) error {
	for path, ending := range map[string]string{"/stats/summary": statsEnding, "/configz": configzEnding} {
		text, err := os.ReadFile(filepath.Join(folder, "kubelet", k.name+ending))
		switch {
		case errors.Is(err, fs.ErrNotExist) && keepMissing:
			continue
		case errors.Is(err, fs.ErrNotExist):
			text = nil
		case err != nil:
			return fmt.Errorf("reading the kubelet's recorded answer: %w", err)
		}
		if err := k.set(path, text); err != nil {
			return fmt.Errorf("%s%s: %w", k.name, ending, err)
		}
	}
	return nil
}

// SetStats changes the answer on /stats/summary. Nil makes the kubelet answer 404.
func (k *Kubelet) SetStats(text []byte) error { return k.set("/stats/summary", text) }

// SetConfigz changes the answer on /configz, which a kubelet wraps: {"kubeletconfig": {…}}. Nil makes the
// kubelet answer 404.
func (k *Kubelet) SetConfigz(text []byte) error { return k.set("/configz", text) }

func (k *Kubelet) set(path string, text []byte) error {
	if text != nil {
		var answer map[string]json.RawMessage
		if err := json.Unmarshal(text, &answer); err != nil {
			return fmt.Errorf("the answer on %s is no JSON object: %w", path, err)
		}
		if _, wrapped := answer["kubeletconfig"]; path == "/configz" && !wrapped {
			return errors.New(`the answer on /configz has no "kubeletconfig" around it`)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.evidence[path] = text
	return nil
}

// Hang makes the kubelet take requests and never answer, until it is told something else.
func (k *Kubelet) Hang() { k.become(behaviour{hang: true}) }

// Drip makes the kubelet answer one byte a second.
func (k *Kubelet) Drip() { k.become(behaviour{drip: true}) }

// Fail makes the kubelet answer every request with that HTTP status.
func (k *Kubelet) Fail(status int) { k.become(behaviour{status: status}) }

// Heal makes the kubelet answer as it should. A dead one stays dead.
func (k *Kubelet) Heal() { k.become(behaviour{}) }

func (k *Kubelet) become(behave behaviour) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.behave = behave
	close(k.changed)
	k.changed = make(chan struct{})
}

// Die closes the kubelet's port and all its connections. Nobody else may take the port unless the
// system gives it away by chance.
func (k *Kubelet) Die() error { return k.stop() }

// Revive opens the port of a dead kubelet again.
func (k *Kubelet) Revive() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(k.address, fmt.Sprint(k.port)))
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	k.port = listener.Addr().(*net.TCPAddr).Port
	k.server = &http.Server{
		Handler:           http.HandlerFunc(k.serve),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{k.certificate}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 10 * time.Second,
		// A client that does not trust us is that client's finding, not ours to print.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	server := k.server
	go func() { _ = server.ServeTLS(listener, "", "") }() // ends with the server
	return nil
}

func (k *Kubelet) stop() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.server == nil {
		return nil
	}
	server := k.server
	k.server = nil
	return server.Close()
}

// state returns how to answer now, and a channel that closes when that changes.
func (k *Kubelet) state(path string) (behaviour, <-chan struct{}, []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.behave, k.changed, k.evidence[path]
}
