// Package controlplane runs a real kube-apiserver over a real etcd, and the real kubectl against it.
// It stands on controller-runtime's envtest, and adds what the stories need: binaries that build
// themselves, one cluster CA whose key we hold, an audit log, users and service accounts with exactly
// the rights they are given, and an end that leaves no process behind.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Options say what control plane to start. The zero value is a good one.
type Options struct {
	// Binaries are the programs to run. Left empty, EnsureBinaries finds or builds them.
	Binaries Binaries
	// WorkDir is the folder for etcd's data, certificates, logs and kubeconfigs. It stays after Stop.
	// Left empty, a temporary folder is used and removed by Stop.
	WorkDir string
	// APIServerArgs are extra flags of the API server, name without dashes to values. They replace a
	// default of the same name.
	APIServerArgs map[string][]string
	// AuditPolicy is the API server's audit policy, as YAML. Left empty, DefaultAuditPolicy.
	AuditPolicy string
	// CRDs are installed, and established, before Start returns.
	CRDs []*apiextensionsv1.CustomResourceDefinition
	// CRDDirs are folders of CRD manifests to install as well.
	CRDDirs []string
	// Progress gets a line per step that takes long. Nil discards them.
	Progress io.Writer
}

// ControlPlane is a running API server with its etcd.
type ControlPlane struct {
	// Config is the rest config of a cluster admin, without a client-side rate limit.
	Config *rest.Config
	// Kubeconfig is the path of a kubeconfig file for the same admin.
	Kubeconfig string
	// KubectlPath is the path of the kubectl binary.
	KubectlPath string
	// WorkDir is the folder that everything of this control plane is written to.
	WorkDir string
	// AuditLog is the path of the API server's audit log: one JSON object per line.
	AuditLog string
	// APIServerLog is the path of what the API server wrote to its standard output and error.
	APIServerLog string
	// ClusterCA signed the API server's serving certificate, and signs the kubelets'.
	ClusterCA *Authority

	environment   *envtest.Environment
	processes     *processes
	logs          []*os.File
	removeWorkDir bool
	stopOnce      sync.Once
	stopErr       error

	mu         sync.Mutex
	components []*Component // oldest first
	restarted  *Component   // the API server, once it has been started again
}

// Start starts etcd and the API server, installs the CRDs and returns when they are established. The
// caller must call Stop. When Start fails, or ctx ends before it has finished, nothing is left running.
func Start(ctx context.Context, options Options) (*ControlPlane, error) {
	// envtest logs through controller-runtime, which complains at length when nobody has said whereto.
	log.SetLogger(logr.Discard())
	if options.Binaries == (Binaries{}) {
		binaries, err := EnsureBinaries(ctx, options.Progress)
		if err != nil {
			return nil, err
		}
		options.Binaries = binaries
	}
	plane := &ControlPlane{WorkDir: options.WorkDir, KubectlPath: options.Binaries.Kubectl}
	if err := plane.prepare(options); err != nil {
		return nil, errors.Join(err, plane.Stop())
	}
	if err := plane.start(ctx, options); err != nil {
		tail := tailOf("the API server", plane.APIServerLog)
		return nil, errors.Join(fmt.Errorf("starting the control plane: %w%s", err, tail), plane.Stop())
	}
	return plane, nil
}

// prepare writes the files that the processes read, and configures envtest.
func (p *ControlPlane) prepare(options Options) error {
	if err := p.makeFolders(); err != nil {
		return err
	}
	authority, err := NewAuthority("upgrade-gate-e2e-cluster-ca")
	if err != nil {
		return err
	}
	p.ClusterCA = authority
	p.processes, err = watchProcesses(p.WorkDir, p.removeWorkDir)
	if err != nil {
		return err
	}
	etcd, err := p.processes.wrapper("etcd", options.Binaries.Etcd)
	if err != nil {
		return err
	}
	apiServer, err := p.processes.wrapper("kube-apiserver", options.Binaries.APIServer)
	if err != nil {
		return err
	}
	etcdLog, err := p.openLog("etcd.log")
	if err != nil {
		return err
	}
	apiServerLog, err := p.openLog("kube-apiserver.log")
	if err != nil {
		return err
	}
	p.APIServerLog = apiServerLog.Name()
	p.environment = newEnvironment(options)
	p.environment.ControlPlane.Etcd = &envtest.Etcd{
		Path: etcd, DataDir: p.path("etcd"), Out: etcdLog, Err: etcdLog,
	}
	server := p.environment.ControlPlane.GetAPIServer()
	server.Path, server.Out, server.Err = apiServer, apiServerLog, apiServerLog
	return p.configure(server, options)
}

// EtcdAddress is where etcd answers to everybody on this machine, "http://127.0.0.1:2379".
func (p *ControlPlane) EtcdAddress() string { return p.environment.ControlPlane.Etcd.URL.String() }

func (p *ControlPlane) makeFolders() error {
	if p.WorkDir == "" {
		folder, err := os.MkdirTemp("", "upgrade-gate-e2e-")
		if err != nil {
			return fmt.Errorf("creating the work folder: %w", err)
		}
		p.WorkDir, p.removeWorkDir = folder, true
	}
	for _, folder := range []string{"etcd", "apiserver", "users"} {
		if err := os.MkdirAll(p.path(folder), 0o700); err != nil {
			return fmt.Errorf("creating the work folder: %w", err)
		}
	}
	return nil
}

// start runs the processes in a goroutine, because envtest takes no context: when ctx ends first, the
// processes are killed, which makes envtest return.
func (p *ControlPlane) start(ctx context.Context, options Options) error {
	type result struct {
		config *rest.Config
		err    error
	}
	results := make(chan result, 1)
	go func() {
		config, err := p.environment.Start()
		results <- result{config, err}
	}()
	var got result
	select {
	case got = <-results:
	case <-ctx.Done():
		p.processes.kill()
		<-results
		return ctx.Err()
	}
	if got.err != nil {
		return got.err
	}
	p.Config = rest.CopyConfig(got.config)
	p.Config.QPS, p.Config.Burst = -1, 0
	var err error
	p.Kubeconfig, err = p.writeKubeconfig("admin", p.Config)
	return err
}

// Stop ends the components and both processes, by force when they do not end by themselves, and removes
// the work folder when Start made it. It may be called more than once, from several goroutines.
func (p *ControlPlane) Stop() error {
	p.stopOnce.Do(func() {
		errs := []error{p.stopComponents()}
		if p.environment != nil {
			errs = append(errs, p.environment.ControlPlane.Stop())
		}
		if p.processes != nil {
			errs = append(errs, p.processes.close(errors.Join(errs...) == nil))
		}
		for _, file := range p.logs {
			errs = append(errs, file.Close())
		}
		if p.removeWorkDir {
			errs = append(errs, os.RemoveAll(p.WorkDir))
		}
		p.stopErr = errors.Join(errs...)
	})
	return p.stopErr
}

func (p *ControlPlane) path(elements ...string) string {
	return filepath.Join(append([]string{p.WorkDir}, elements...)...)
}

func (p *ControlPlane) openLog(name string) (*os.File, error) {
	file, err := os.Create(p.path(name))
	if err != nil {
		return nil, fmt.Errorf("opening a log: %w", err)
	}
	p.logs = append(p.logs, file)
	return file, nil
}

// tailOf returns the last lines of a program's log, for an error message: a flag that it does not know
// is only named there.
func tailOf(program, log string) string {
	text, err := os.ReadFile(log)
	if err != nil || len(text) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "\nthe end of the log of " + program + ":\n" + strings.Join(lines[max(0, len(lines)-15):], "\n")
}
