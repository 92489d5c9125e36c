package oracle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

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
