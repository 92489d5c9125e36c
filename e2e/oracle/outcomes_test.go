package oracle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// pods follows the pods of all generated clusters over one watch.
type pods struct {
	mu      sync.Mutex
	known   map[types.NamespacedName]*corev1.Pod
	changed map[types.NamespacedName]chan struct{} // of those that are waited for; closed by the next change
}

// followPods follows all pods until ctx ends. stop ends it before.
func followPods(ctx context.Context, client kubernetes.Interface) (followed *pods, stop func(), err error) {
	p := &pods{known: map[types.NamespacedName]*corev1.Pod{}, changed: map[types.NamespacedName]chan struct{}{}}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(options *metav1.ListOptions) {
		options.LabelSelector = clusterLabel
	}))
	informer := factory.Core().V1().Pods().Informer()
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { p.set(object.(*corev1.Pod), false) },
		UpdateFunc: func(_, object any) { p.set(object.(*corev1.Pod), false) },
		DeleteFunc: func(object any) {
			if unknown, is := object.(cache.DeletedFinalStateUnknown); is {
				object = unknown.Obj
			}
			p.set(object.(*corev1.Pod), true)
		},
	})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	factory.StartWithContext(ctx)
	stop = func() { cancel(); factory.Shutdown() }
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		stop()
		return nil, nil, errors.New("the pods are not there")
	}
	return p, stop, nil
}

func nameOf(pod *corev1.Pod) types.NamespacedName {
	return types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
}

func (p *pods) set(pod *corev1.Pod, gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := nameOf(pod)
	if gone {
		delete(p.known, name)
	} else {
		p.known[name] = pod
	}
	if waiting, ok := p.changed[name]; ok {
		close(waiting)
		delete(p.changed, name)
	}
}

// wait returns a pod when it is as wanted, nil where it is wanted gone. is gets nil for a pod that is not there.
func (p *pods) wait(ctx context.Context, name types.NamespacedName, wanted string, is func(*corev1.Pod) bool) (*corev1.Pod, error) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		pod, changed := p.look(name)
		if is(pod) {
			return pod, nil
		}
		select {
		case <-changed:
		case <-deadline.C:
			return pod, fmt.Errorf("pod %s is not %s after %s", name, wanted, patience)
		case <-ctx.Done():
			return pod, fmt.Errorf("pod %s is not %s: %w", name, wanted, ctx.Err())
		}
	}
}

func (p *pods) look(name types.NamespacedName) (*corev1.Pod, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed[name] == nil {
		p.changed[name] = make(chan struct{})
	}
	return p.known[name], p.changed[name]
}

// isDecided tells whether the scheduler has bound a pod or said why it cannot.
func isDecided(pod *corev1.Pod) bool {
	return pod != nil && (pod.Spec.NodeName != "" || unschedulable(pod) != "")
}

// unschedulable returns why the scheduler could not bind a pod; empty where it has not said so.
func unschedulable(pod *corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse && condition.Reason == corev1.PodReasonUnschedulable {
			return condition.Message
		}
	}
	return ""
}
