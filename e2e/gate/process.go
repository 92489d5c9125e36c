package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
)

const (
	// readyTimeout bounds the start of a gate: filling the cache, making a certificate, and the grace
	// period before it is used.
	readyTimeout = 60 * time.Second
	// stopTimeout bounds the end of a gate that was told to stop by Cluster.Stop.
	stopTimeout = 30 * time.Second
)

// Options say how a gate is run. The zero value is a good one.
type Options struct {
	// Identity replaces the shipped service account: the same one through a forwarder, say.
	Identity *controlplane.Identity
	// DrainDelay is --drain-delay. Zero is none, other than the product's default.
	DrainDelay time.Duration
	// Args are further flags of serve, such as "--log-level=debug".
	Args []string
	// Environment are further variables, such as "GOMEMLIMIT=64MiB".
	Environment []string
	// Memory is the group that the process runs in. Nil is none.
	Memory *MemoryGroup
}

// Process is one running upgrade-gate serve.
type Process struct {
	// Port is where the API server calls, with TLS.
	Port int
	// HealthPort is that of /healthz, /readyz and /metrics.
	HealthPort int
	// LogFile is the path of what the process wrote.
	LogFile string

	binary      string
	args        []string
	environment []string
	memory      *MemoryGroup // nil is none
	command     *exec.Cmd
	client      *http.Client
	pidFile     string
	done        chan struct{}
	mu          sync.Mutex
	killed      bool
	exit        error // valid when done is closed
}

// StartGate installs the gate if it is not, starts one, registers it and waits until it is ready. Cluster.Stop
// stops it.
func (c *Cluster) StartGate(ctx context.Context, options Options) (*Process, error) {
	process, err := c.StartProcess(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := c.Register(ctx, process.Port); err != nil {
		return nil, err
	}
	return process, process.AwaitReady(ctx)
}

// StartProcess installs the gate if it is not, and starts one on free ports. It does not wait: a gate
// becomes ready only when it is registered. Cluster.Stop stops it.
func (c *Cluster) StartProcess(ctx context.Context, options Options) (*Process, error) {
	installed, err := c.install(ctx)
	if err != nil {
		return nil, err
	}
	identity := options.Identity
	if identity == nil {
		identity = installed.identity
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.started++
	name := fmt.Sprintf("upgrade-gate-%d", c.started)
	c.mu.Unlock()
	process := &Process{
		Port: ports[0], HealthPort: ports[1],
		LogFile: filepath.Join(c.WorkDir, name+".log"),
		// The control plane's watchdog kills what *.pid files name when this process ends without Stop.
		pidFile: filepath.Join(c.WorkDir, name+".pid"),
		client:  &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second},
	}
	args := append([]string{
		"serve", "--certs=self-managed", "--dns-name=localhost",
		"--kubeconfig=" + identity.Kubeconfig, "--kubelet-ca=" + installed.kubeletCA,
		fmt.Sprintf("--listen=127.0.0.1:%d", process.Port), fmt.Sprintf("--health-listen=127.0.0.1:%d", process.HealthPort),
		fmt.Sprintf("--drain-delay=%s", options.DrainDelay),
	}, options.Args...)
	process.binary, process.args, process.memory = installed.binary, args, options.Memory
	process.environment = append(c.Environment(identity.Kubeconfig), options.Environment...)
	if err := process.start(); err != nil {
		return nil, err
	}
	c.OnStop(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		return process.Stop(ctx)
	})
	return process, nil
}

// start runs the binary in a process group of its own, so that the Ctrl-C that ends a demo does not end
// it before it is told.
func (p *Process) start() error {
	log, err := os.OpenFile(p.LogFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the gate's log: %w", err)
	}
	defer log.Close() // the process has its own copy
	members := os.DevNull
	if p.memory != nil {
		members = p.memory.members()
	}
	p.command = exec.Command("/bin/sh", append([]string{"-c", `echo $$ >"$0" && echo $$ >"$1" && shift && exec "$@"`, p.pidFile, members, p.binary}, p.args...)...)
	p.command.Stdout, p.command.Stderr = log, log
	p.command.Env = p.environment
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("starting the gate: %w", err)
	}
	p.done = make(chan struct{})
	go func() {
		p.exit = p.command.Wait()
		_ = os.Remove(p.pidFile)
		close(p.done)
	}()
	return nil
}

// ID returns the process id.
func (p *Process) ID() int { return p.command.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop tells the process to stop, with SIGTERM, and waits until it has. When ctx ends first it is killed,
// which is an error, as is an exit code other than zero. Of a process that was killed by Kill, or stopped
// already, it says nothing more.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.Terminate(); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		_ = p.Kill()
		return fmt.Errorf("the gate did not stop in time and was killed%s", p.tail())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exit != nil && !p.killed {
		return fmt.Errorf("the gate ended with %w%s", p.exit, p.tail())
	}
	return nil
}

// Terminate sends SIGTERM and does not wait. A process that has ended already is fine.
func (p *Process) Terminate() error { return p.signal(syscall.SIGTERM) }

// Kill sends SIGKILL and waits until the process is gone.
func (p *Process) Kill() error {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	err := p.signal(syscall.SIGKILL)
	<-p.done
	return err
}

func (p *Process) signal(signal syscall.Signal) error {
	if err := p.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %s to the gate: %w", signal, err)
	}
	return nil
}

// Ready asks /readyz; the error is what is missing.
func (p *Process) Ready(ctx context.Context) error {
	text, status, err := p.get(ctx, "/readyz")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("the gate is not ready:\n%s", strings.TrimSpace(text))
	}
	return nil
}

// AwaitReady waits until the process is ready, or has ended, for at most a minute.
func (p *Process) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-p.done:
			cancel(errors.New("it ended"))
		case <-ctx.Done():
		}
	}()
	if err := Await(ctx, readyTimeout, p.Ready); err != nil {
		return fmt.Errorf("waiting for the gate to be ready: %w%s", errors.Join(context.Cause(ctx), err), p.tail())
	}
	return nil
}

// get asks the health server.
func (p *Process) get(ctx context.Context, path string) (text string, status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", p.HealthPort, path), nil)
	if err != nil {
		return "", 0, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), response.StatusCode, err
}

// tail returns the last lines of the log, for an error message.
func (p *Process) tail() string {
	text, err := os.ReadFile(p.LogFile)
	if err != nil || len(text) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "\nthe end of the gate's log:\n" + strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// RSS returns the process's resident memory in bytes.
func (p *Process) RSS() (int64, error) {
	output, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(p.ID())).Output()
	if err != nil {
		return 0, fmt.Errorf("measuring the gate's memory: %w", err)
	}
	kibibytes, err := strconv.ParseInt(strings.TrimSpace(string(output)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("measuring the gate's memory: %w", err)
	}
	return kibibytes << 10, nil
}

// Where ports are looked for: below those that systems give to clients and to listeners that ask for any,
// so that nobody takes a port by chance between our look and the gate's start.
const firstPort, ports = 20000, 12000

// freePorts returns n different ports of 127.0.0.1 that nobody listens on.
func freePorts(n int) ([]int, error) {
	var free []int
	for range 200 {
		if len(free) == n {
			return free, nil
		}
		port := firstPort + rand.IntN(ports)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		// Held until all are found, so that they differ.
		defer listener.Close()
		free = append(free, port)
	}
	return nil, errors.New("finding free ports: none of 200 was free")
}
