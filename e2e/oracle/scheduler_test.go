package oracle

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// schedulerOracle compares the room that the simulation sees with what the real scheduler does.
type schedulerOracle struct {
	client kubernetes.Interface
	pods   *following[*corev1.Pod]

	mu   sync.Mutex // a Room is not for concurrent use
	room *drain.Room
	// nodes is how many nodes all clusters have together.
	nodes                       int
	placed, refused, terminated int
	// seen counts the scheduler's reasons.
	seen reasons
}

// Each pod that the simulation calls placeable is bound to one of the nodes that it names; each that it calls unplaceable stays
// pending for the reasons that it gives, counted over all nodes.
func TestTheSchedulerBindsWhereTheSimulationSeesRoom(t *testing.T) {
	t.Parallel()
	plane, client := startPlane(t)
	var all []*generated
	for _, number := range numbers(t) {
		all = append(all, generate(number))
	}
	o := &schedulerOracle{client: client, pods: followPods(t, client), seen: reasons{}}
	if err := each(t.Context(), all, o.furnish); err != nil {
		t.Fatal(err)
	}
	if _, err := plane.StartKwok(t.Context(), os.Stderr, clusterLabel, stages()); err != nil {
		t.Fatal(err)
	}
	if err := each(t.Context(), all, o.settle); err != nil {
		t.Fatal(err)
	}
	if err := o.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The scheduler reads nodes and pods once before it binds the first pod, so that it begins with what the simulation has seen.
	if _, err := plane.StartScheduler(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	if err := each(t.Context(), all, o.compare); err != nil {
		t.Error(err)
	}
	t.Logf("%d clusters with %d nodes: %d pods bound, %d unschedulable, %d gone again", len(all), o.nodes, o.placed, o.refused, o.terminated)
	t.Logf("reasons: %s", o.seen)
	if len(all) > 1 {
		o.isVaried(t, len(all))
	}
}

// isVaried fails where the clusters have too little of something for the comparison to say much.
func (o *schedulerOracle) isVaried(t *testing.T, clusters int) {
	t.Helper()
	if o.placed < 3*clusters || o.refused < 3*clusters {
		t.Errorf("%d pods bound and %d unschedulable in %d clusters", o.placed, o.refused, clusters)
	}
	for _, text := range []string{
		"node(s) were unschedulable", "node(s) had untolerated taint(s)", "node(s) didn't match Pod's node affinity/selector", narrowed,
		"node(s) didn't have free ports for the requested pod ports", "Too many pods", "Insufficient cpu", "Insufficient memory",
		"Insufficient ephemeral-storage", "Insufficient " + string(device), "Insufficient " + string(hugePages),
		"node(s) didn't match pod topology spread constraints", "node(s) didn't match pod topology spread constraints (missing required label)",
		"node(s) didn't match pod affinity rules", "node(s) didn't match pod anti-affinity rules", "node(s) didn't satisfy existing pods anti-affinity rules",
	} {
		if o.seen[text] == 0 {
			t.Errorf("never %q", text)
		}
	}
}

// furnish creates a cluster's namespaces, nodes and bound pods.
func (o *schedulerOracle) furnish(ctx context.Context, g *generated) error {
	for _, namespace := range g.namespaces() {
		object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
		if _, err := o.client.CoreV1().Namespaces().Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("%s: %w", g, err)
		}
	}
	for _, node := range g.nodes {
		if _, err := o.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("%s: %w", g, err)
		}
	}
	for _, pod := range g.bound {
		if _, err := o.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("%s: %w", g, err)
		}
	}
	return nil
}

// settle waits for kwok to give the bound pods their fates, and deletes the doomed ones, which their finalizers keep.
func (o *schedulerOracle) settle(ctx context.Context, g *generated) error {
	for _, pod := range g.bound {
		name := nameOf(pod)
		if _, err := o.pods.wait(ctx, name, "as kwok is to make it", func(pod *corev1.Pod) bool { return pod != nil && hasFate(pod) }); err != nil {
			return fmt.Errorf("%s: %w", g, err)
		}
		if !g.doomed[name.String()] {
			continue
		}
		if _, err := o.remove(ctx, pod); err != nil {
			return fmt.Errorf("%s: %w", g, err)
		}
	}
	return nil
}

// remove deletes a pod at once, and returns it as a finalizer keeps it, or nil.
func (o *schedulerOracle) remove(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	now := int64(0)
	err := o.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, err
	}
	return o.pods.wait(ctx, nameOf(pod), "gone", func(pod *corev1.Pod) bool {
		return pod == nil || pod.DeletionTimestamp != nil && len(pod.Finalizers) > 0
	})
}

// look shows the simulation the whole cluster, as the API server holds it.
func (o *schedulerOracle) look(ctx context.Context) error {
	nodes, err := o.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	bound, err := o.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	o.nodes = len(nodes.Items)
	cordoned := uncordonHalf(nodes.Items)
	o.room = drain.NewRoom(keptAll("Node", nodes.Items), keptAll("Pod", bound.Items))
	for _, name := range cordoned {
		o.room.Cordon(name)
	}
	return nil
}

// uncordonHalf takes every second cordon away, so that the simulation has to cordon the node itself. It returns the nodes' names.
func uncordonHalf(nodes []corev1.Node) []string {
	var names []string
	for i := range nodes {
		node := &nodes[i]
		if i%2 == 0 || !node.Spec.Unschedulable {
			continue
		}
		names = append(names, node.Name)
		node.Spec.Unschedulable = false
		node.Spec.Taints = slices.DeleteFunc(node.Spec.Taints, func(taint corev1.Taint) bool { return taint.Key == corev1.TaintNodeUnschedulable })
	}
	return names
}
