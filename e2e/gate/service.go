package gate

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/forward"
)

// Service is several replicas of the gate behind a forwarder, which stands in for the Kubernetes Service:
// new connections go to the replicas that are ready.
type Service struct {
	Forwarder *forward.Forwarder
	Replicas  []*Process
}

// Asked returns the first replica for which requests are held up at the forwarder; nil if there is none.
func (s *Service) Asked() *Process {
	asked := s.Forwarder.Asked()
	for _, process := range s.Replicas {
		if slices.Contains(asked, process.address()) {
			return process
		}
	}
	return nil
}

// address returns where the forwarder finds the process.
func (p *Process) address() string { return fmt.Sprintf("127.0.0.1:%d", p.Port) }

const (
	// probeTimeout bounds one readiness probe of the forwarder, and probeMemory is how long its answer is remembered.
	probeTimeout = time.Second
	probeMemory  = 100 * time.Millisecond
	// probeFailures is how many probes in a row must be without an answer until a replica counts as not ready, as in its
	// Deployment. One that answers that it is not, or whose port is closed, is not.
	probeFailures = 2
)

// readiness is what is known of a replica.
type readiness struct {
	process *Process

	mu         sync.Mutex
	at         time.Time
	ready      bool
	unanswered int
}

// now returns whether the replica is ready, and probes it if that is not known.
func (r *readiness) now() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) < probeMemory {
		return r.ready
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	err := r.process.Ready(ctx)
	if ctx.Err() != nil {
		r.unanswered++
		r.ready = r.ready && r.unanswered < probeFailures
	} else {
		r.unanswered, r.ready = 0, err == nil
	}
	r.at = time.Now()
	return r.ready
}

// StartService installs the gate if it is not, starts replicas, registers the forwarder before them and
// waits until all are ready. Cluster.Stop stops them.
func (c *Cluster) StartService(ctx context.Context, replicas int, options Options) (*Service, error) {
	var processes []*Process
	for range replicas {
		process, err := c.StartProcess(ctx, options)
		if err != nil {
			return nil, err
		}
		processes = append(processes, process)
	}
	service, err := c.Join(processes...)
	if err != nil {
		return nil, err
	}
	if err := c.Register(ctx, service.Port()); err != nil {
		return nil, err
	}
	return service, service.AwaitReady(ctx)
}

// StartReplicas is StartService with a registration by Service, as in RegisterService.
func (c *Cluster) StartReplicas(ctx context.Context, replicas int, options Options) (*Service, error) {
	service, err := c.StartService(ctx, replicas, options)
	if err != nil {
		return nil, err
	}
	return service, c.RegisterService(ctx, service.Port(), service.Replicas...)
}

// AwaitReady waits until every replica is ready.
func (s *Service) AwaitReady(ctx context.Context) error {
	for _, process := range s.Replicas {
		if err := process.AwaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Port returns the port of 127.0.0.1 on which the replicas are reached.
func (s *Service) Port() int {
	_, port, _ := net.SplitHostPort(s.Forwarder.Address()) // it listens there
	number, _ := strconv.Atoi(port)
	return number
}

// Join puts a forwarder before replicas that run, and registers nothing. Cluster.Stop stops it.
func (c *Cluster) Join(replicas ...*Process) (*Service, error) {
	service := &Service{Replicas: replicas}
	byAddress := map[string]*readiness{}
	var backends []string
	for _, process := range replicas {
		byAddress[process.address()] = &readiness{process: process}
		backends = append(backends, process.address())
	}
	var err error
	service.Forwarder, err = forward.Start(forward.Options{Backends: backends, Ready: func(backend string) bool { return byAddress[backend].now() }})
	if err != nil {
		return nil, fmt.Errorf("starting the forwarder before the gates: %w", err)
	}
	c.OnStop(service.Forwarder.Close)
	return service, nil
}
