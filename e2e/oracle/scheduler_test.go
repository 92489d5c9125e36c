package oracle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// compare has the pods of a cluster arrive one after the other.
func (o *schedulerOracle) compare(ctx context.Context, g *generated) error {
	arrived := make([]*corev1.Pod, len(g.arriving))
	var errs []error
	for i, pod := range g.arriving {
		left := false
		if leaving, ok := g.leaves[i]; ok && arrived[leaving] != nil {
			if err := o.leave(ctx, arrived[leaving]); err != nil {
				return fmt.Errorf("%s: %w", g, err)
			}
			arrived[leaving], left = nil, true
		}
		created, decided, err := o.arrive(ctx, pod)
		if err == nil && left && o.differs(created, decided) != nil {
			// The scheduler may have looked before it knew that the other pod has left: it hears of pods that are bound, and of pods that
			// are to be bound, in two queues. It knows by now.
			if _, err = o.remove(ctx, pod); err == nil {
				created, decided, err = o.arrive(ctx, pod)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", g, err)
		}
		if err := o.differs(created, decided); err != nil {
			errs = append(errs, fmt.Errorf("%s: pod %s: %w", g, nameOf(pod), err))
		}
		o.count(decided)
		if decided.Spec.NodeName != "" {
			arrived[i] = created
			o.bind(created, decided.Spec.NodeName)
		} else if _, err := o.remove(ctx, pod); err != nil { // or it would be bound when it suits it better
			return fmt.Errorf("%s: %w", g, err)
		}
	}
	return errors.Join(errs...)
}

// arrive creates a pod, and returns it as the product would hold it, and as it is when the scheduler has decided.
func (o *schedulerOracle) arrive(ctx context.Context, pod *corev1.Pod) (created, decided *corev1.Pod, err error) {
	created, err = o.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		return nil, nil, err
	}
	uid := created.UID
	decided, err = o.pods.wait(ctx, nameOf(pod), "scheduled", func(pod *corev1.Pod) bool { return isDecided(pod) && pod.UID == uid })
	return kept("Pod", created), decided, err
}

// leave deletes a bound pod. It goes at once, or a finalizer keeps it.
func (o *schedulerOracle) leave(ctx context.Context, pod *corev1.Pod) error {
	still, err := o.remove(ctx, pod)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.terminated++
	o.room.Remove(pod)
	if still != nil {
		still = kept("Pod", still)
		o.room.Add(still, still.Spec.NodeName)
	}
	return nil
}

func (o *schedulerOracle) feasible(pod *corev1.Pod) drain.Feasibility {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.room.Feasible(pod)
}

func (o *schedulerOracle) bind(pod *corev1.Pod, node string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.room.Add(pod, node)
}

// count counts what the scheduler did.
func (o *schedulerOracle) count(decided *corev1.Pod) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if decided.Spec.NodeName != "" {
		o.placed++
		return
	}
	o.refused++
	if _, said, err := parseReasons(unschedulable(decided)); err == nil {
		for text, count := range said {
			o.seen[text] += count
		}
	}
}

// differs says how what the simulation says of a pod differs from what the scheduler did; nil where it does not.
func (o *schedulerOracle) differs(created, decided *corev1.Pod) error {
	said := o.feasible(created)
	if node := decided.Spec.NodeName; node != "" {
		if !slices.Contains(said.Nodes, node) {
			return fmt.Errorf("bound to %s, of which the simulation says %q; it sees room on %v", node, said.Reasons[node].Text, said.Nodes)
		}
		return nil
	}
	message := unschedulable(decided)
	if len(said.Nodes) > 0 {
		return fmt.Errorf("the simulation sees room on %v; the scheduler says: %s", said.Nodes, message)
	}
	nodes, want, err := parseReasons(message)
	if err != nil {
		return err
	}
	if nodes != o.nodes {
		return fmt.Errorf("the scheduler knows %d of %d nodes", nodes, o.nodes)
	}
	if diff := cmp.Diff(reasonsOf(said, looksAt(decided)), want); diff != "" {
		return fmt.Errorf("the simulation says: %s\nthe scheduler says: %s\n(-simulation +scheduler):\n%s", explain(decided, said), message, diff)
	}
	return nil
}

// explain says what the simulation says of the nodes of a pod's own cluster.
func explain(pod *corev1.Pod, said drain.Feasibility) string {
	if len(said.Nodes) > 0 {
		return named("room on %v", said.Nodes)
	}
	var all []string
	for node, reason := range said.Reasons {
		if strings.HasPrefix(node, pod.Labels[clusterLabel]+"-") {
			all = append(all, node+": "+reason.Text)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

// looksAt tells at which nodes the scheduler looks for a pod: where every term of its node affinity names nodes, at these alone
// (the PreFilter of the plugin NodeAffinity).
func looksAt(pod *corev1.Pod) func(node string) bool {
	every := func(string) bool { return true }
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil {
		return every
	}
	named := map[string]bool{}
	for _, term := range pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		names := false
		for _, field := range term.MatchFields {
			if field.Operator == corev1.NodeSelectorOpIn {
				names, named[field.Values[0]] = true, true
			}
		}
		if !names {
			return every
		}
	}
	return func(node string) bool { return named[node] }
}
