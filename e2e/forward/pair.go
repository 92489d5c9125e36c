package forward

import (
	"net"
	"sync"
	"sync/atomic"
)

// pair is a client's connection and the backend's that belongs to it.
type pair struct {
	client net.Conn
	asking atomic.Bool // whether what the client said waits for the hold to end

	mu      sync.Mutex
	backend net.Conn // nil until connected
	address string   // the backend's; empty until connected
	dead    bool
}

// connect notes the backend's connection. It closes it and returns false if the pair was reset
// meanwhile.
func (p *pair) connect(backend net.Conn, address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		_ = backend.Close()
		return false
	}
	p.backend, p.address = backend, address
	return true
}

// askedOf returns the backend's address while something the client said waits to reach it, else nothing.
func (p *pair) askedOf() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.asking.Load() {
		return ""
	}
	return p.address
}

// reset closes both connections at once: whatever is unsent is lost, and both ends see a reset.
func (p *pair) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return
	}
	p.dead = true
	for _, connection := range []net.Conn{p.client, p.backend} {
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
			_ = tcp.Close()
		}
	}
}

// copy copies both ways until both directions have ended. One side's orderly end is passed on, so that
// the other side may finish what it is saying.
func (p *pair) copy(hold *hold) {
	var group sync.WaitGroup
	group.Go(func() { p.pump(p.backend, p.client, hold) })
	group.Go(func() { p.pump(p.client, p.backend, hold) })
	group.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dead { // both ends have said goodbye: no need for a reset
		p.dead = true
		_ = p.client.Close()
		_ = p.backend.Close()
	}
}

// pump copies from source to target, pausing while traffic is held.
func (p *pair) pump(target, source net.Conn, hold *hold) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := source.Read(buffer)
		says := source == p.client
		if says && n > 0 {
			p.asking.Store(true)
		}
		if !hold.wait(says) {
			return
		}
		if says {
			p.asking.Store(false)
		}
		if n > 0 {
			if _, err := target.Write(buffer[:n]); err != nil {
				p.reset()
				return
			}
		}
		if err != nil {
			if tcp, ok := target.(*net.TCPConn); !ok || tcp.CloseWrite() != nil {
				p.reset()
			}
			return
		}
	}
}

// hold is a gate for traffic.
type hold struct {
	mu        sync.Mutex
	changed   *sync.Cond
	held      traffic
	abandoned bool
}

// traffic is what a hold lets wait.
type traffic int

const (
	nothing traffic = iota
	requests
	everything
)

func newHold() *hold {
	h := &hold{}
	h.changed = sync.NewCond(&h.mu)
	return h
}

func (h *hold) engage()         { h.set(func() { h.held = everything }) }
func (h *hold) engageRequests() { h.set(func() { h.held = requests }) }
func (h *hold) release()        { h.set(func() { h.held = nothing }) }
func (h *hold) abandon()        { h.set(func() { h.abandoned = true }) }

func (h *hold) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
	h.changed.Broadcast()
}

// wait returns true when traffic may flow, from the client or to it, and false when it never will again.
func (h *hold) wait(fromClient bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for (h.held == everything || h.held == requests && fromClient) && !h.abandoned {
		h.changed.Wait()
	}
	return !h.abandoned
}
