// Package forward forwards TCP connections, and gets in their way when told to. In front of several
// backends it stands in for a Kubernetes Service; in front of the API server it cuts watches.
package forward

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// dialTimeout bounds how long a backend may take to accept.
const dialTimeout = 5 * time.Second

// Options say where connections go.
type Options struct {
	// Backends are addresses, host:port. Connections go to the ready ones in turn.
	Backends []string
	// Listen is the address to listen on, host:port. Empty means a free port on 127.0.0.1.
	Listen string
	// Ready says whether a backend may get new connections. It is asked for every new connection, and
	// may remember a probe. Nil means all are. Connections that are there already stay, as with a
	// Service whose endpoint becomes unready.
	Ready func(backend string) bool
}

// Forwarder listens and forwards to its backends. A client whose connection finds no
// ready backend, or one that does not accept, sees its connection reset.
type Forwarder struct {
	options Options
	address string

	mu       sync.Mutex
	listener net.Listener // nil while refusing
	next     int          // the backend whose turn it is
	pairs    map[*pair]struct{}
	closed   bool
	hold     *hold   // of the connections to come, and of those since the last Strand
	stranded []*hold // of older ones
	group    sync.WaitGroup
}

// Start listens. The caller must call Close.
func Start(options Options) (*Forwarder, error) {
	forwarder := &Forwarder{options: options, address: cmp.Or(options.Listen, "127.0.0.1:0"), pairs: map[*pair]struct{}{}, hold: newHold()}
	return forwarder, forwarder.Accept()
}

// Address returns host:port to connect to. It stays the same for the forwarder's whole life.
func (f *Forwarder) Address() string { return f.address }

// Accept takes new connections again after Refuse.
func (f *Forwarder) Accept() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener != nil || f.closed {
		return nil
	}
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", f.address, err)
	}
	f.listener, f.address = listener, listener.Addr().String()
	f.group.Go(func() { f.accept(listener) })
	return nil
}

// Refuse takes no new connections: clients see "connection refused". Those that are there stay.
func (f *Forwarder) Refuse() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener == nil {
		return nil
	}
	listener := f.listener
	f.listener = nil
	return listener.Close()
}

// Cut resets all connections and returns how many there were. New ones are taken as before.
func (f *Forwarder) Cut() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	cut := len(f.pairs)
	for pair := range f.pairs {
		pair.reset()
		delete(f.pairs, pair)
	}
	return cut
}

// HoldRequests stops what clients say, on all connections and on new ones, and leaves them open: nobody sees an error,
// and answers that are on their way arrive. What clients say until Resume arrives then.
func (f *Forwarder) HoldRequests() { f.holds((*hold).engageRequests) }

// Strand stops all traffic on the connections that are open now, as a network that loses every packet does, but lets
// new ones through: whoever waits on an old connection, such as a watch, hears nothing more and sees no error.
func (f *Forwarder) Strand() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hold.engage()
	f.stranded = append(f.stranded, f.hold)
	f.hold = newHold()
}

// Resume lets traffic flow again after HoldRequests and Strand.
func (f *Forwarder) Resume() { f.holds((*hold).release) }

// holds does something to the hold of every connection.
func (f *Forwarder) holds(do func(*hold)) {
	f.mu.Lock()
	all := append(slices.Clone(f.stranded), f.hold)
	f.mu.Unlock()
	for _, hold := range all {
		do(hold)
	}
}

// Connections returns how many connections there are.
func (f *Forwarder) Connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pairs)
}

// Asked returns the backends that clients wait for because what they said is held up, sorted. It says nothing of use
// while traffic flows.
func (f *Forwarder) Asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var backends []string
	for pair := range f.pairs {
		if address := pair.askedOf(); address != "" {
			backends = append(backends, address)
		}
	}
	slices.Sort(backends)
	return slices.Compact(backends)
}

// Close resets all connections, takes no new ones and waits until everything has ended.
func (f *Forwarder) Close() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	err := f.Refuse()
	f.Cut()
	f.holds((*hold).abandon)
	f.group.Wait()
	return err
}

// accept takes connections until the listener closes.
func (f *Forwarder) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		f.group.Go(func() { f.forward(client) })
	}
}

// forward connects the client to a backend and copies until either side ends.
func (f *Forwarder) forward(client net.Conn) {
	pair := &pair{client: client}
	defer pair.reset()
	hold := f.add(pair)
	if hold == nil {
		return
	}
	defer f.remove(pair)
	address, err := f.pick()
	if err != nil {
		return
	}
	backend, err := net.DialTimeout("tcp", address, dialTimeout)
	if err != nil || !pair.connect(backend, address) {
		return
	}
	pair.copy(hold)
}

// add notes the connection and returns its hold; nil if the forwarder is closed.
func (f *Forwarder) add(pair *pair) *hold {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.pairs[pair] = struct{}{}
	return f.hold
}

func (f *Forwarder) remove(pair *pair) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pairs, pair)
}

// pick returns the next ready backend.
func (f *Forwarder) pick() (string, error) {
	f.mu.Lock()
	first := f.next
	f.next++
	f.mu.Unlock()
	for i := range f.options.Backends {
		backend := f.options.Backends[(first+i)%len(f.options.Backends)]
		if f.options.Ready == nil || f.options.Ready(backend) {
			return backend, nil
		}
	}
	return "", errors.New("no backend is ready")
}
