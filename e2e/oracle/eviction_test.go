package oracle

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// evictionOracle compares the evictions that the simulation allows and refuses with those that the real API server does.
type evictionOracle struct {
	client  kubernetes.Interface
	pods    *following[*corev1.Pod]
	budgets *following[*policyv1.PodDisruptionBudget]

	mu sync.Mutex
	// answers counts the API server's answers by HTTP status, those for a pod without a budget apart.
	answers map[string]int
}

// In namespaces with budgets and pods of all kinds, the pods are evicted one after the other. The simulation must have said of each
// what the API server answers.
func TestEvictionsAreRefusedWhereTheSimulationSaysSo(t *testing.T) {
	t.Parallel()
	plane, client := startPlane(t)
	var all []*situation
	for _, number := range numbers(t) {
		all = append(all, arrange(number))
	}
	o := &evictionOracle{client: client, pods: followPods(t, client), budgets: followBudgets(t, client), answers: map[string]int{}}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: budgetNode, Labels: map[string]string{clusterLabel: budgetNode}}}
	if _, err := client.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := plane.StartKwok(t.Context(), os.Stderr, clusterLabel, stages()); err != nil {
		t.Fatal(err)
	}
	if err := each(t.Context(), all, o.furnish); err != nil {
		t.Fatal(err)
	}
	// The disruption controller reads all once before it counts.
	if _, err := plane.StartControllers(t.Context(), os.Stderr, "disruption-controller"); err != nil {
		t.Fatal(err)
	}
	if err := each(t.Context(), all, o.compare); err != nil {
		t.Error(err)
	}
	t.Logf("%d namespaces: %v", len(all), o.answers)
	for _, answer := range []string{"no budget 201", "budget 201", "budget 429", "several budgets 201", "several budgets 500"} {
		if len(all) > 1 && o.answers[answer] < len(all)/20 {
			t.Errorf("%s only %d times in %d namespaces", answer, o.answers[answer], len(all))
		}
	}
}

// furnish creates a namespace with all that is in it, and waits until the pods are as they are to be.
func (o *evictionOracle) furnish(ctx context.Context, s *situation) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
	if _, err := o.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	for _, owner := range s.owners {
		if err := o.createOwner(ctx, s.namespace, owner); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	for _, e := range s.pods {
		if err := o.createPod(ctx, e.pod, e.owner); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	for _, e := range s.pods {
		if e.state != terminating {
			continue
		}
		if err := o.client.CoreV1().Pods(s.namespace).Delete(ctx, e.pod.Name, metav1.DeleteOptions{}); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		if _, err := o.pods.wait(ctx, nameOf(e.pod), "terminating", isTerminating); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	for _, budget := range s.budgets {
		if _, err := o.client.PolicyV1().PodDisruptionBudgets(s.namespace).Create(ctx, budget, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func isTerminating(pod *corev1.Pod) bool { return pod != nil && pod.DeletionTimestamp != nil }

// createOwner creates a workload, and notes what its pods are to say of it.
func (o *evictionOracle) createOwner(ctx context.Context, namespace string, w *owner) error {
	isController := true
	w.reference = metav1.OwnerReference{APIVersion: "example.com/v1", Kind: "Unknown", Name: w.name, UID: types.UID(w.name), Controller: &isController}
	var above []metav1.OwnerReference
	for _, object := range w.objects(namespace) {
		object.SetOwnerReferences(above)
		var created metav1.Object
		var err error
		kind := ""
		switch object := object.(type) {
		case *appsv1.ReplicaSet:
			kind = replicaSet
			created, err = o.client.AppsV1().ReplicaSets(namespace).Create(ctx, object, metav1.CreateOptions{})
		case *appsv1.Deployment:
			kind = deployment
			created, err = o.client.AppsV1().Deployments(namespace).Create(ctx, object, metav1.CreateOptions{})
		case *appsv1.StatefulSet:
			kind = statefulSet
			created, err = o.client.AppsV1().StatefulSets(namespace).Create(ctx, object, metav1.CreateOptions{})
		}
		if err != nil {
			return err
		}
		w.reference = metav1.OwnerReference{APIVersion: "apps/v1", Kind: kind, Name: w.name, UID: created.GetUID(), Controller: &isController}
		above = []metav1.OwnerReference{w.reference}
	}
	return nil
}

// createPod creates a pod and waits until kwok has given it its fate.
func (o *evictionOracle) createPod(ctx context.Context, pod *corev1.Pod, w *owner) error {
	if w != nil {
		pod.OwnerReferences = []metav1.OwnerReference{w.reference}
	}
	if _, err := o.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return err
	}
	return o.waitForFate(ctx, nameOf(pod))
}

func (o *evictionOracle) waitForFate(ctx context.Context, name types.NamespacedName) error {
	_, err := o.pods.wait(ctx, name, "as kwok is to make it", func(pod *corev1.Pod) bool { return pod != nil && hasFate(pod) })
	return err
}
