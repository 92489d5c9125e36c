// Package pods runs the pods of one namespace as processes of this machine, as a kubelet would: each in a network, a file
// system and a user of its own, with its volumes, its token, its probes, and its end. What it needs of a pod and cannot
// do, it refuses. It needs a network that network.Main has made.
package pods

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/upgrade-gate/upgrade-gate/e2e/network"
)

// Options say whose pods are run, and where.
type Options struct {
	// Namespace is where the pods are. Pods of other namespaces are left alone.
	Namespace string
	// Config leads to the API server as a cluster admin.
	Config *rest.Config
	// Bridge gives the pods their addresses.
	Bridge *network.Bridge
	// Entrypoint is the program of every image, whatever the image's name: the path of the upgrade-gate binary. In the
	// container it is /upgrade-gate, as the Dockerfile has it.
	Entrypoint string
	// WorkDir is the folder for volumes and logs (NAME.log). It must exist, and all may enter it.
	WorkDir string
	// PIDFolder is the folder for process ids (pod-NAME.pid): the control plane's, whose watchdog kills what *.pid
	// files name when this process ends without Stop.
	PIDFolder string
}

// Runner runs pods.
type Runner struct {
	options    Options
	client     kubernetes.Interface
	configMaps corelisters.ConfigMapNamespaceLister
	secrets    corelisters.SecretNamespaceLister
	factory    informers.SharedInformerFactory
	ctx        context.Context
	cancel     context.CancelFunc

	mu    sync.Mutex
	pods  map[types.UID]*pod
	group sync.WaitGroup
}

// Start runs the pods that are bound to a node, now and from now on. The caller must call Stop.
func Start(options Options) (*Runner, error) {
	config := rest.CopyConfig(options.Config)
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the pods' client: %w", err)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(options.Namespace))
	core := factory.Core().V1()
	runner := &Runner{
		options: options, client: client, factory: factory, pods: map[types.UID]*pod{},
		configMaps: core.ConfigMaps().Lister().ConfigMaps(options.Namespace),
		secrets:    core.Secrets().Lister().Secrets(options.Namespace),
	}
	runner.ctx, runner.cancel = context.WithCancel(context.Background())
	changed := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { runner.project() },
		UpdateFunc: func(any, any) { runner.project() },
	}
	_, first := core.ConfigMaps().Informer().AddEventHandler(changed)
	_, second := core.Secrets().Informer().AddEventHandler(changed)
	_, third := core.Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { runner.see(object.(*corev1.Pod)) },
		UpdateFunc: func(_, object any) { runner.see(object.(*corev1.Pod)) },
		DeleteFunc: runner.miss,
	})
	if err := errors.Join(first, second, third); err != nil {
		return nil, fmt.Errorf("watching the pods: %w", err)
	}
	factory.Start(runner.ctx.Done())
	return runner, nil
}

// Stop kills all pods and waits until their processes are gone. It may be called more than once.
func (r *Runner) Stop() error {
	r.cancel()
	r.factory.Shutdown() // no pod is begun any more
	r.group.Wait()
	return nil
}

// see begins a pod that is bound to a node, or ends one that is to go.
func (r *Runner) see(object *corev1.Pod) {
	if object.Spec.NodeName == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.pods[object.UID]
	if known != nil && object.DeletionTimestamp != nil {
		known.leave(object)
	}
	if known != nil || r.ctx.Err() != nil || finished(object) {
		return
	}
	begun := newPod(r, object)
	if object.DeletionTimestamp != nil {
		begun.leave(object)
	}
	r.pods[object.UID] = begun
	r.group.Go(func() { begun.run() })
}

// miss kills a pod that was removed without a farewell.
func (r *Runner) miss(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	gone, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.pods[gone.UID]; known != nil {
		known.cancel()
	}
	delete(r.pods, gone.UID)
}

// project writes the volumes of all running pods anew where they have changed. A real kubelet takes up to about a
// minute for it.
func (r *Runner) project() {
	for _, known := range r.all() {
		known.volumes.refresh()
	}
}

func (r *Runner) all() []*pod {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*pod, 0, len(r.pods))
	for _, known := range r.pods {
		all = append(all, known)
	}
	slices.SortFunc(all, func(a, b *pod) int { return a.object.CreationTimestamp.Compare(b.object.CreationTimestamp.Time) })
	return all
}

// Running returns the pods that have a process now, the oldest first.
func (r *Runner) Running() []Running {
	var running []Running
	for _, known := range r.all() {
		if id := known.processID(); id != 0 {
			running = append(running, Running{Name: known.object.Name, Node: known.object.Spec.NodeName, Address: known.address, ProcessID: id, LogFile: known.logFile()})
		}
	}
	return running
}

// Running is a pod with a process.
type Running struct {
	// Name and Node are the pod's.
	Name, Node string
	// Address is the pod's IP address.
	Address string
	// ProcessID is that of the only container's process.
	ProcessID int
	// LogFile is the path of what all processes of the pod have written.
	LogFile string
}

// forget removes a pod from the API server, as a kubelet does when all its containers have ended.
func (r *Runner) forget(object *corev1.Pod) error {
	now := int64(0)
	return r.client.CoreV1().Pods(object.Namespace).Delete(context.WithoutCancel(r.ctx), object.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &object.UID},
	})
}

func (r *Runner) path(elements ...string) string {
	return filepath.Join(append([]string{r.options.WorkDir}, elements...)...)
}

func finished(object *corev1.Pod) bool {
	return object.Status.Phase == corev1.PodSucceeded || object.Status.Phase == corev1.PodFailed
}

// restartDelay is what passes between the end of a process and its next start. A real kubelet waits ten seconds the
// second time, and longer each time.
const restartDelay = time.Second

// log appends a line of ours to a pod's log.
func log(file *os.File, format string, args ...any) {
	fmt.Fprintf(file, time.Now().UTC().Format(time.RFC3339)+" pods: "+format+"\n", args...)
}
