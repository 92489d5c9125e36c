package oracle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// comparison is one namespace while its pods are evicted.
type comparison struct {
	*evictionOracle
	of        *situation
	simulated *drain.Budgets
	// alone are the budgets whose pods have no other budget. The disruption controller counts only one of several again when a pod
	// of theirs changes, so that it cannot be waited for with the others.
	alone []*policyv1.PodDisruptionBudget
	// late are the replacements that are not ready yet, with the number of the eviction at which they are.
	late []lateness
}

type lateness struct {
	at          int
	evicted     *corev1.Pod
	replacement *evictee
}

// compare evicts the pods of a namespace, one after the other.
func (o *evictionOracle) compare(ctx context.Context, s *situation) error {
	c := &comparison{evictionOracle: o, of: s}
	if err := c.look(ctx); err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	var errs []error
	var queue []*evictee
	for _, place := range s.order {
		queue = append(queue, s.pods[place])
	}
	for turn := 0; turn < len(queue); turn++ {
		if err := c.ripen(ctx, turn); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		next, err := c.evict(ctx, queue[turn], turn)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: pod %s: %w", s, queue[turn].pod.Name, err))
			break // what follows would differ because of this
		}
		if next != nil {
			queue = append(queue, next)
		}
	}
	return errors.Join(errs...)
}

// look waits for the disruption controller, and shows the simulation the namespace as the API server holds it.
func (c *comparison) look(ctx context.Context) error {
	for _, budget := range c.of.budgets {
		if _, err := c.budgets.wait(ctx, nameOf(budget), "observed", isObserved); err != nil {
			return err
		}
	}
	pods, err := c.client.CoreV1().Pods(c.of.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	budgets, err := c.client.PolicyV1().PodDisruptionBudgets(c.of.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	keptPods, keptBudgets := keptAll("Pod", pods.Items), keptAll("PodDisruptionBudget", budgets.Items)
	c.simulated = drain.NewBudgets(keptBudgets, keptPods)
	shared := map[*policyv1.PodDisruptionBudget]bool{}
	for _, pod := range keptPods {
		if of := c.simulated.Of(pod); len(of) > 1 {
			for _, budget := range of {
				shared[budget] = true
			}
		}
	}
	for _, budget := range keptBudgets {
		if !shared[budget] {
			c.alone = append(c.alone, budget)
		}
	}
	return nil
}

// isObserved tells whether the disruption controller has counted a budget's pods, or has found that it cannot.
func isObserved(budget *policyv1.PodDisruptionBudget) bool {
	return budget != nil && (budget.Status.ObservedGeneration == budget.Generation || isFailed(budget))
}

func isFailed(budget *policyv1.PodDisruptionBudget) bool {
	condition := meta.FindStatusCondition(budget.Status.Conditions, policyv1.DisruptionAllowedCondition)
	return condition != nil && condition.Reason == policyv1.SyncFailedReason
}

// evict evicts a pod in the simulation and in the cluster. It returns the pod that comes after it, where that is to be evicted too.
func (c *comparison) evict(ctx context.Context, e *evictee, turn int) (*evictee, error) {
	pod, err := c.client.CoreV1().Pods(c.of.namespace).Get(ctx, e.pod.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	pod = kept("Pod", pod)
	of := c.simulated.Of(pod)
	want, because := http.StatusCreated, "allowed"
	if refusal := c.simulated.Evict(pod); refusal != nil {
		want, because = refusal.Code, refusal.Budget.Name+" "+refusal.Because
	}
	got, answer := c.askToEvict(ctx, pod)
	c.count(len(of), got)
	if got != want {
		return nil, fmt.Errorf("the API server answers %d (%v), the simulation says %d (%s)\n%s", got, answer, want, because, c.describe(ctx, pod, of))
	}
	if got != http.StatusCreated {
		return nil, nil
	}
	_, err = c.pods.wait(ctx, nameOf(pod), "gone", func(now *corev1.Pod) bool {
		return now == nil || now.UID != pod.UID || len(now.Finalizers) > 0
	})
	if err != nil {
		return nil, err
	}
	next, err := c.replace(ctx, e, pod, len(of), turn)
	if err != nil {
		return nil, err
	}
	return next, c.settle(ctx)
}

// askToEvict evicts a pod for real, and returns the HTTP status.
func (c *comparison) askToEvict(ctx context.Context, pod *corev1.Pod) (int, error) {
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}}
	// Without retries: client-go would ask again ten times, as the answer says.
	err := c.client.CoreV1().RESTClient().Post().Namespace(pod.Namespace).Resource("pods").Name(pod.Name).SubResource("eviction").
		Body(eviction).MaxRetries(0).Do(ctx).Error()
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return int(status.Status().Code), err
	}
	if err != nil {
		return 0, err
	}
	return http.StatusCreated, nil
}

func (c *comparison) count(budgets, code int) {
	of := "several budgets"
	if budgets < 2 {
		of = []string{"no budget", "budget"}[budgets]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[named("%s %d", of, code)]++
}

// replace does what the controller of a workload does when a pod is evicted.
func (c *comparison) replace(ctx context.Context, e *evictee, evicted *corev1.Pod, budgets, turn int) (*evictee, error) {
	if e.replacement == "" {
		return nil, nil
	}
	next := &evictee{owner: e.owner, state: e.replacement}
	if e.late > 0 || budgets > 1 {
		next.state = starting
	}
	labels := maps.Clone(e.pod.Labels)
	next.pod = c.of.pod(e.pod.Name+"-next", next.state, labels)
	if err := c.createPod(ctx, next.pod, e.owner); err != nil {
		return nil, err
	}
	c.simulated.Replaced(evicted, next.state == ready)
	if next.state != e.replacement && budgets < 2 {
		c.late = append(c.late, lateness{at: turn + e.late, evicted: evicted, replacement: next})
	}
	if !e.again {
		return nil, nil
	}
	return next, nil
}

// ripen makes those replacements ready whose time has come, unless they are evicted already.
func (c *comparison) ripen(ctx context.Context, turn int) error {
	for i, late := range slices.Backward(c.late) {
		if late.at > turn {
			continue
		}
		c.late = slices.Delete(c.late, i, i+1)
		name := nameOf(late.replacement.pod)
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, fate, ready)
		_, err := c.client.CoreV1().Pods(name.Namespace).Patch(ctx, name.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := c.pods.wait(ctx, name, "ready", func(pod *corev1.Pod) bool { return pod != nil && isReady(pod) }); err != nil {
			return err
		}
		c.simulated.Replaced(late.evicted, true)
		if err := c.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until the disruption controller has counted the pods as they are now.
func (c *comparison) settle(ctx context.Context) error {
	pods, err := c.client.CoreV1().Pods(c.of.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, budget := range c.alone {
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err != nil {
			return err
		}
		var healthy, all int32
		for i := range pods.Items {
			if pod := &pods.Items[i]; selector.Matches(labels.Set(pod.Labels)) {
				all++
				if isReady(pod) && pod.DeletionTimestamp == nil {
					healthy++
				}
			}
		}
		if err := c.waitForCount(ctx, budget, healthy, all); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) waitForCount(ctx context.Context, budget *policyv1.PodDisruptionBudget, healthy, all int32) error {
	name := nameOf(budget)
	counted := func(now *policyv1.PodDisruptionBudget) bool {
		countsPods := now.Spec.MinAvailable != nil && now.Spec.MinAvailable.Type == intstr.Int
		return isFailed(now) || now.Status.CurrentHealthy == healthy && len(now.Status.DisruptedPods) == 0 && (!countsPods || now.Status.ExpectedPods == all)
	}
	// What the API server holds now: what was seen before may be older than the eviction.
	now, err := c.client.PolicyV1().PodDisruptionBudgets(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if counted(now) {
		return nil
	}
	least := now.ResourceVersion
	_, err = c.budgets.wait(ctx, name, named("counted as %d healthy of %d pods", healthy, all), func(now *policyv1.PodDisruptionBudget) bool {
		return now != nil && !older(now.ResourceVersion, least) && counted(now)
	})
	return err
}

// older compares resource versions, which are numbers that grow.
func older(a, b string) bool { return len(a) < len(b) || len(a) == len(b) && a < b }

// describe tells what is needed to understand a disagreement.
func (c *comparison) describe(ctx context.Context, pod *corev1.Pod, budgets []*policyv1.PodDisruptionBudget) string {
	text := named("pod: phase %s, ready %t, terminating %t", pod.Status.Phase, isReady(pod), pod.DeletionTimestamp != nil)
	for _, before := range budgets {
		text += named("\nbudget %s at first: %+v %+v", before.Name, before.Spec, before.Status)
		if now, err := c.client.PolicyV1().PodDisruptionBudgets(c.of.namespace).Get(ctx, before.Name, metav1.GetOptions{}); err == nil {
			text += named("\nnow: %+v", now.Status)
		}
	}
	return text
}
