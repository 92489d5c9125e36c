package pods

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pod is one pod from its binding to its end.
type pod struct {
	runner    *Runner
	object    *corev1.Pod // as first seen
	container corev1.Container
	address   string
	volumes   *volumes
	ctx       context.Context // ends when the pod is to be killed at once
	cancel    context.CancelFunc

	mu       sync.Mutex
	grace    time.Duration // valid when leaving is closed
	leaving  chan struct{} // closed when the pod is to end in good order
	process  int           // 0 while there is none
	began    metav1.Time   // of the process
	ready    bool
	restarts int32
}

func newPod(runner *Runner, object *corev1.Pod) *pod {
	p := &pod{runner: runner, object: object, address: runner.options.Bridge.Address(), leaving: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(runner.ctx)
	p.volumes = newVolumes(runner, object)
	return p
}

// leave tells the pod to end in good order, once.
func (p *pod) leave(object *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.leaving:
		return
	default:
	}
	if object.DeletionGracePeriodSeconds != nil {
		p.grace = time.Duration(*object.DeletionGracePeriodSeconds) * time.Second
	}
	close(p.leaving)
}

func (p *pod) left() bool {
	select {
	case <-p.leaving:
		return true
	default:
		return false
	}
}

func (p *pod) logFile() string { return p.runner.path(p.object.Name + ".log") }

func (p *pod) processID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process
}

// run runs the pod to its end.
func (p *pod) run() {
	defer p.cancel()
	file, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		p.report(p.waiting("CreateContainerError", err.Error()))
		return
	}
	defer file.Close()
	if err := p.begin(); err != nil {
		if !p.left() {
			log(file, "%v", err)
			p.report(p.waiting("CreateContainerConfigError", err.Error()))
			return
		}
	}
	for !p.left() && p.ctx.Err() == nil {
		state, err := p.once(file)
		if err != nil {
			log(file, "%v", err)
		}
		if p.left() || p.ctx.Err() != nil {
			break
		}
		if done := p.ended(state); done {
			p.rest(nil)
			break
		}
		p.rest(time.After(restartDelay))
	}
	if p.left() {
		if err := p.runner.forget(p.object); err != nil && !apierrors.IsNotFound(err) {
			log(file, "removing the pod: %v", err)
		}
	}
}

// rest returns when the pod is to end, or after something has happened.
func (p *pod) rest(after <-chan time.Time) {
	select {
	case <-p.leaving:
	case <-after:
	case <-p.ctx.Done():
	}
}

// begin checks that the pod can be run, and waits for its volumes.
func (p *pod) begin() error {
	container, err := onlyContainer(&p.object.Spec)
	if err != nil {
		return err
	}
	p.container = container
	p.report(p.waiting("ContainerCreating", ""))
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	go func() {
		select {
		case <-p.leaving:
			cancel()
		case <-ctx.Done():
		}
	}()
	return p.volumes.mount(ctx)
}

// onlyContainer returns the pod's container. What a pod asks for beyond it is an error.
func onlyContainer(spec *corev1.PodSpec) (corev1.Container, error) {
	switch {
	case len(spec.Containers) != 1 || len(spec.InitContainers) != 0:
		return corev1.Container{}, errors.New("only pods of one container are run")
	case spec.HostNetwork || spec.HostPID || spec.HostIPC:
		return corev1.Container{}, errors.New("pods that share the host's namespaces are not run")
	case spec.Containers[0].Lifecycle != nil, spec.Containers[0].StartupProbe != nil:
		return corev1.Container{}, errors.New("containers with hooks or a startup probe are not run")
	case len(spec.Containers[0].EnvFrom) != 0:
		return corev1.Container{}, errors.New("containers with envFrom are not run")
	}
	return spec.Containers[0], nil
}

// once runs the container's process to its end, and returns how it ended; nil if it did not even start.
func (p *pod) once(file *os.File) (*os.ProcessState, error) {
	box, err := p.start(file)
	if err != nil {
		return nil, err
	}
	p.running(box.id())
	p.report(p.started())
	probing, stop := context.WithCancel(p.ctx)
	var probes sync.WaitGroup
	probes.Go(func() { p.watchReadiness(probing, file) })
	probes.Go(func() {
		if err := p.watchLiveness(probing); err != nil {
			log(file, "the liveness probe has failed: %v", err)
			_ = box.signal(syscall.SIGTERM)
		}
	})
	p.await(box)
	stop()
	probes.Wait()
	p.running(0)
	return box.state(), nil
}

// await returns when the process has ended, and sees to it that it does when the pod is to go.
func (p *pod) await(box *sandbox) {
	select {
	case <-box.ended:
		return
	case <-p.ctx.Done():
	case <-p.leaving:
		_ = box.signal(syscall.SIGTERM)
		select {
		case <-box.ended:
			return
		case <-p.ctx.Done():
		case <-time.After(p.grace):
		}
	}
	_ = box.signal(syscall.SIGKILL)
	<-box.ended
}

// running notes the process, 0 for none.
func (p *pod) running(process int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.process, p.ready, p.began = process, false, metav1.Now()
	pidFile := filepath.Join(p.runner.options.PIDFolder, "pod-"+p.object.Name+".pid")
	if process == 0 {
		_ = os.Remove(pidFile)
		return
	}
	_ = os.WriteFile(pidFile, fmt.Appendf(nil, "%d\n", process), 0o600)
}

// ended reports the end of a process, and tells whether it was the pod's last.
func (p *pod) ended(state *os.ProcessState) bool {
	code := -1
	if state != nil {
		code = state.ExitCode()
	}
	policy := p.object.Spec.RestartPolicy
	if policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && code != 0 {
		p.mu.Lock()
		p.restarts++
		p.mu.Unlock()
		p.report(p.waiting("CrashLoopBackOff", fmt.Sprintf("ended with %v", state)))
		return false
	}
	p.report(p.finished(int32(code)))
	return true
}
