package gate

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
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

// probeTimeout bounds one readiness probe of the forwarder.
const probeTimeout = time.Second

// StartService installs the gate if it is not, starts replicas, registers the forwarder before them and
// waits until all are ready. Cluster.Stop stops them.
func (c *Cluster) StartService(ctx context.Context, replicas int, options Options) (*Service, error) {
	service := &Service{}
	byAddress := map[string]*Process{}
	var backends []string
	for range replicas {
		process, err := c.StartProcess(ctx, options)
		if err != nil {
			return nil, err
		}
		byAddress[process.address()] = process
		backends = append(backends, process.address())
		service.Replicas = append(service.Replicas, process)
	}
	var err error
	service.Forwarder, err = forward.Start(forward.Options{Backends: backends, Ready: func(backend string) bool {
		ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
		defer cancel()
		return byAddress[backend].Ready(ctx) == nil
	}})
	if err != nil {
		return nil, fmt.Errorf("starting the forwarder before the gates: %w", err)
	}
	c.OnStop(service.Forwarder.Close)
	_, port, err := net.SplitHostPort(service.Forwarder.Address())
	if err != nil {
		return nil, fmt.Errorf("starting the forwarder before the gates: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("starting the forwarder before the gates: %w", err)
	}
	if err := c.Register(ctx, number); err != nil {
		return nil, err
	}
	for _, process := range service.Replicas {
		if err := process.AwaitReady(ctx); err != nil {
			return nil, err
		}
	}
	return service, nil
}
