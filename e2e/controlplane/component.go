package controlplane

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	// readyPoll is how often a component that starts is asked whether it is ready.
	readyPoll = 50 * time.Millisecond
	// componentStopTimeout is how long a component may take to end before it is killed.
	componentStopTimeout = 20 * time.Second
)

// Component is a program that runs against the control plane, such as the scheduler.
type Component struct {
	// Name is the program's, such as "kube-scheduler".
	Name string
	// Log is the path of what the program wrote to its standard output and error.
	Log string
	// Address is host:port on 127.0.0.1 where the program serves, with a certificate that ClusterCA has signed.
	Address string

	plane    *ControlPlane
	command  *exec.Cmd
	ended    chan struct{} // closed when the process has ended
	stopOnce sync.Once
	stopErr  error
}

// Ended is closed when the program has ended, by itself or stopped.
func (c *Component) Ended() <-chan struct{} { return c.ended }

// Stop ends the program, by force when it does not end by itself in 20 s. It may be called more than once.
func (c *Component) Stop() error {
	c.stopOnce.Do(func() {
		select {
		case <-c.ended: // by itself, which it should not have
			c.stopErr = fmt.Errorf("%s has ended before it was stopped: %s%s", c.Name, c.command.ProcessState, tailOf(c.Name, c.Log))
		default:
			c.stopErr = c.terminate()
		}
		c.plane.processes.forgetOne(c.Name)
	})
	return c.stopErr
}

// Pause halts the program where it is: it does nothing and answers nobody, and its connections stay open. Who waits for it
// does not learn why.
func (c *Component) Pause() error { return c.signal(syscall.SIGSTOP) }

// Resume lets a program go on that was halted. One that was not goes on as well.
func (c *Component) Resume() error { return c.signal(syscall.SIGCONT) }

func (c *Component) signal(signal syscall.Signal) error {
	if err := c.command.Process.Signal(signal); err != nil {
		return fmt.Errorf("sending %s to %s: %w", signal, c.Name, err)
	}
	return nil
}

func (c *Component) terminate() error {
	_ = c.Resume()                                // one that is halted would not hear of its end
	_ = c.command.Process.Signal(syscall.SIGTERM) // fails when it has just ended
	select {
	case <-c.ended:
		return nil
	case <-time.After(componentStopTimeout):
	}
	_ = c.command.Process.Kill()
	<-c.ended
	return fmt.Errorf("%s did not end in %s and was killed", c.Name, componentStopTimeout)
}

// startComponent starts a program, and returns when it answers 200 on https://ADDRESS/HEALTH. arguments
// gets the address on 127.0.0.1 to listen on, and the files of a serving certificate for it.
func (p *ControlPlane) startComponent(ctx context.Context, name, program, health string, arguments func(address, certificate, key string) []string) (*Component, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	certificate, key, err := p.writeServingPair(name)
	if err != nil {
		return nil, err
	}
	script, err := p.processes.wrapper(name, program)
	if err != nil {
		return nil, err
	}
	component, err := p.run(ctx, name, script, "https://"+address+health, arguments(address, certificate, key))
	if err != nil {
		return nil, err
	}
	component.Address = address
	return component, nil
}

// run runs the script of a component, and returns when it answers 200 on the URL. What it writes is added to its log.
func (p *ControlPlane) run(ctx context.Context, name, script, health string, arguments []string) (*Component, error) {
	component := &Component{Name: name, Log: p.path(name + ".log"), plane: p, ended: make(chan struct{})}
	log, err := os.OpenFile(component.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a log: %w", err)
	}
	defer log.Close() // the process has its own
	component.command = exec.Command(script, arguments...)
	component.command.Env = p.Environment(p.Kubeconfig)
	component.command.Dir = p.WorkDir
	component.command.Stdout, component.command.Stderr = log, log
	// A group of its own, so that the Ctrl-C that ends us does not end it first.
	component.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := component.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = component.command.Wait() // the state says how it ended
		close(component.ended)
	}()
	if err := component.waitReady(ctx, health); err != nil {
		_ = component.Stop() // says the same again, or that a program which never became ready had to be killed
		return nil, fmt.Errorf("starting %s: %w%s", name, err, tailOf(name, component.Log))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.components = append(p.components, component)
	return component, nil
}

// waitReady asks until the program says that it is ready, has ended, or has taken too long.
func (c *Component) waitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.plane.ClusterCA.Pool(), MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	ticker := time.NewTicker(readyPoll)
	defer ticker.Stop()
	for {
		last := ask(ctx, client, url)
		if last == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-c.ended:
			return fmt.Errorf("it has ended: %s", c.command.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), last)
		}
	}
}

func ask(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(text))
	}
	return nil
}

// writeServingPair writes a serving certificate and its key, and returns the files' paths.
func (p *ControlPlane) writeServingPair(name string) (certificate, key string, err error) {
	certificatePEM, keyPEM, err := p.ClusterCA.ServingPEM(name, "127.0.0.1", "localhost")
	if err != nil {
		return "", "", err
	}
	certificate, key = p.path(name+".crt"), p.path(name+".key")
	err = errors.Join(os.WriteFile(certificate, certificatePEM, 0o600), os.WriteFile(key, keyPEM, 0o600))
	if err != nil {
		return "", "", fmt.Errorf("writing the certificate of %s: %w", name, err)
	}
	return certificate, key, nil
}

// freeAddress returns an address on 127.0.0.1 that nobody listens on now. Somebody else may take it
// before it is used; the system gives ports out in turns, so that this is unlikely.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// stopComponents ends all components, the latest first.
func (p *ControlPlane) stopComponents() error {
	p.mu.Lock()
	components := p.components
	p.components = nil
	p.mu.Unlock()
	var errs []error
	for _, component := range slices.Backward(components) {
		errs = append(errs, component.Stop())
	}
	return errors.Join(errs...)
}
