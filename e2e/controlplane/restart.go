package controlplane

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// The names of the two programs that every control plane has, for ProcessID.
const (
	apiServerName = "kube-apiserver"
	etcdName      = "etcd"
)

// StopAPIServer stops the API server, by force if it does not end in 20 s, and leaves etcd with all data. StartAPIServer brings
// it back.
func (p *ControlPlane) StopAPIServer() error {
	p.mu.Lock()
	restarted := p.restarted
	p.restarted = nil
	p.mu.Unlock()
	if restarted != nil {
		return restarted.Stop()
	}
	// Only the process: the environment's own Stop would have the next Start make another CA of the clients, and nobody's
	// certificate would be valid any more.
	id, err := p.processes.id(apiServerName)
	if err != nil {
		return err
	}
	if err := syscall.Kill(id, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping the API server: %w", err)
	}
	awaitEnd(id)
	return nil
}

// awaitEnd waits until the process is gone; after componentStopTimeout it is killed.
func awaitEnd(id int) {
	ticker := time.NewTicker(readyPoll)
	defer ticker.Stop()
	late := time.After(componentStopTimeout)
	for syscall.Kill(id, 0) == nil {
		select {
		case <-ticker.C:
		case <-late:
			_ = syscall.Kill(id, syscall.SIGKILL)
			late = nil
		}
	}
}

// StartAPIServer starts an API server that StopAPIServer has stopped, at the same address, and returns when it is ready.
func (p *ControlPlane) StartAPIServer(ctx context.Context) error {
	arguments, err := p.processes.arguments(apiServerName)
	if err != nil {
		return err
	}
	server, err := p.run(ctx, apiServerName, p.path("run-"+apiServerName), "https://"+p.Address()+"/readyz", arguments)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restarted = server
	return nil
}

// PauseEtcd stops etcd in the middle of what it does, as a disk does that hangs, until ResumeEtcd.
func (p *ControlPlane) PauseEtcd() error { return p.signalEtcd(syscall.SIGSTOP) }

// ResumeEtcd lets etcd go on after PauseEtcd.
func (p *ControlPlane) ResumeEtcd() error { return p.signalEtcd(syscall.SIGCONT) }

func (p *ControlPlane) signalEtcd(signal syscall.Signal) error {
	id, err := p.processes.id(etcdName)
	if err != nil {
		return err
	}
	if err := syscall.Kill(id, signal); err != nil {
		return fmt.Errorf("sending %s to etcd: %w", signal, err)
	}
	return nil
}
