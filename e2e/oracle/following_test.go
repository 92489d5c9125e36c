package oracle

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// following follows the objects of one kind that have the cluster's label, over one watch.
type following[T metav1.Object] struct {
	kind    string
	mu      sync.Mutex
	known   map[types.NamespacedName]T
	changed map[types.NamespacedName]chan struct{} // of those that are waited for; closed by the next change
}

// factory makes informers of objects with the cluster's label.
func factory(client kubernetes.Interface) informers.SharedInformerFactory {
	return informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(options *metav1.ListOptions) {
		options.LabelSelector = clusterLabel
	}))
}

// followPods follows all pods until the test ends.
func followPods(t *testing.T, client kubernetes.Interface) *following[*corev1.Pod] {
	t.Helper()
	factory := factory(client)
	return follow[*corev1.Pod](t, "pod", factory, factory.Core().V1().Pods().Informer())
}

// followBudgets follows all budgets until the test ends.
func followBudgets(t *testing.T, client kubernetes.Interface) *following[*policyv1.PodDisruptionBudget] {
	t.Helper()
	factory := factory(client)
	return follow[*policyv1.PodDisruptionBudget](t, "budget", factory, factory.Policy().V1().PodDisruptionBudgets().Informer())
}

func follow[T metav1.Object](t *testing.T, kind string, factory informers.SharedInformerFactory, informer cache.SharedIndexInformer) *following[T] {
	t.Helper()
	f := &following[T]{kind: kind, known: map[types.NamespacedName]T{}, changed: map[types.NamespacedName]chan struct{}{}}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { f.set(object.(T), false) },
		UpdateFunc: func(_, object any) { f.set(object.(T), false) },
		DeleteFunc: func(object any) {
			if unknown, is := object.(cache.DeletedFinalStateUnknown); is {
				object = unknown.Obj
			}
			f.set(object.(T), true)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	factory.StartWithContext(ctx)
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
	})
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		t.Fatalf("the list of each %s has not come", kind)
	}
	return f
}

func nameOf(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

func (f *following[T]) set(object T, gone bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := nameOf(object)
	if gone {
		delete(f.known, name)
	} else {
		f.known[name] = object
	}
	if waiting, ok := f.changed[name]; ok {
		close(waiting)
		delete(f.changed, name)
	}
}

// wait returns an object when it is as wanted. is gets nil for an object that is not there.
func (f *following[T]) wait(ctx context.Context, name types.NamespacedName, wanted string, is func(T) bool) (T, error) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		object, changed := f.look(name)
		if is(object) {
			return object, nil
		}
		select {
		case <-changed:
		case <-deadline.C:
			return object, fmt.Errorf("%s %s is not %s after %s", f.kind, name, wanted, patience)
		case <-ctx.Done():
			return object, fmt.Errorf("%s %s is not %s: %w", f.kind, name, wanted, ctx.Err())
		}
	}
}

func (f *following[T]) look(name types.NamespacedName) (T, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed[name] == nil {
		f.changed[name] = make(chan struct{})
	}
	return f.known[name], f.changed[name]
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
