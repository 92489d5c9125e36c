package drain_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// verdictOf is what a test says of an eviction: "allowed", or the code and reason.
func verdictOf(r *drain.Refusal) string {
	if r == nil {
		return "allowed"
	}
	return fmt.Sprintf("%d %s", r.Code, r.Because)
}

func TestEvict(t *testing.T) {
	none := counting(0, 1, 1, 1)
	always := func(b *policyv1.PodDisruptionBudget) {
		policy := policyv1.AlwaysAllow
		b.Spec.UnhealthyPodEvictionPolicy = &policy
	}
	ifHealthy := func(b *policyv1.PodDisruptionBudget) {
		policy := policyv1.IfHealthyBudget
		b.Spec.UnhealthyPodEvictionPolicy = &policy
	}
	selecting := func(selector *metav1.LabelSelector) func(*policyv1.PodDisruptionBudget) {
		return func(b *policyv1.PodDisruptionBudget) { b.Spec.Selector = selector }
	}
	disrupted := func(count int) func(*policyv1.PodDisruptionBudget) {
		return func(b *policyv1.PodDisruptionBudget) {
			b.Status.DisruptedPods = map[string]metav1.Time{}
			for i := range count {
				b.Status.DisruptedPods[fmt.Sprint(i)] = metav1.Now()
			}
		}
	}
	refused := "429 allows no disruption, with 1 of 1 pods healthy and 1 needed"
	budgets := func(all ...*policyv1.PodDisruptionBudget) []*policyv1.PodDisruptionBudget { return all }
	cases := map[string]struct {
		budgets []*policyv1.PodDisruptionBudget
		pod     *corev1.Pod
		want    string
	}{
		"a pod without a budget is evicted":                       {nil, webPod("web-1"), "allowed"},
		"a budget with a disruption left lets a pod go":           {budgets(webBudget("web")), webPod("web-1"), "allowed"},
		"a budget with none left refuses":                         {budgets(webBudget("web", none)), webPod("web-1"), refused},
		"an ended pod is not held":                                {budgets(webBudget("web", none)), webPod("web-1", inPhase(corev1.PodSucceeded)), "allowed"},
		"a failed pod is not held":                                {budgets(webBudget("web", none)), webPod("web-1", inPhase(corev1.PodFailed)), "allowed"},
		"a pending pod is not held":                               {budgets(webBudget("web", none)), webPod("web-1", inPhase(corev1.PodPending)), "allowed"},
		"a terminating pod is not held":                           {budgets(webBudget("web", none)), webPod("web-1", func(p *corev1.Pod) { evictedAlready(p) }), "allowed"},
		"a pod in an unknown phase is held":                       {budgets(webBudget("web", none)), webPod("web-1", func(p *corev1.Pod) { p.Status.Phase = corev1.PodUnknown }), refused},
		"two budgets are an error although both allow one":        {budgets(webBudget("b"), webBudget("a")), webPod("web-1"), "500 it has 2 budgets (a, b), and Kubernetes evicts no pod of several"},
		"two budgets do not hold a pending pod":                   {budgets(webBudget("b"), webBudget("a")), webPod("web-1", inPhase(corev1.PodPending)), "allowed"},
		"two budgets are an error for an unready pod as well":     {budgets(webBudget("b", always), webBudget("a", always)), webPod("web-1", unready), "500 it has 2 budgets (a, b), and Kubernetes evicts no pod of several"},
		"a budget of another namespace does not count":            {budgets(webBudget("web", none, func(b *policyv1.PodDisruptionBudget) { b.Namespace = "other" })), webPod("web-1"), "allowed"},
		"a budget for other labels does not count":                {budgets(webBudget("web", none, selecting(&metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}))), webPod("web-1"), "allowed"},
		"an empty selector selects every pod of the namespace":    {budgets(webBudget("web", none, selecting(&metav1.LabelSelector{}))), webPod("web-1"), refused},
		"a missing selector selects no pod":                       {budgets(webBudget("web", none, selecting(nil))), webPod("web-1"), "allowed"},
		"an unreadable selector selects no pod":                   {budgets(webBudget("web", none, selecting(&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Like"}}}))), webPod("web-1"), "allowed"},
		"a selector by expressions is tried on every pod":         {budgets(webBudget("web", none, selecting(&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpExists}}}))), webPod("web-1"), refused},
		"an unready pod goes where its budget always allows it":   {budgets(webBudget("web", always, counting(0, 0, 1, 1))), webPod("web-1", unready), "allowed"},
		"a ready pod is held although unready ones always go":     {budgets(webBudget("web", always, none)), webPod("web-1"), refused},
		"an unready pod goes where enough others are healthy":     {budgets(webBudget("web", counting(0, 1, 1, 2))), webPod("web-1", unready), "allowed"},
		"an unready pod goes by IfHealthyBudget as by default":    {budgets(webBudget("web", ifHealthy, counting(0, 1, 1, 2))), webPod("web-1", unready), "allowed"},
		"an unready pod is held where too few are healthy":        {budgets(webBudget("web", counting(0, 0, 1, 1))), webPod("web-1", unready), "429 allows no disruption, with 0 of 1 pods healthy and 1 needed"},
		"an unready pod is held where no healthy pod is needed":   {budgets(webBudget("web", counting(0, 0, 0, 1))), webPod("web-1", unready), "429 allows no disruption, with 0 of 1 pods healthy and 0 needed"},
		"an unready pod goes where disruptions are left":          {budgets(webBudget("web", counting(1, 1, 0, 2))), webPod("web-1", unready), "allowed"},
		"a pod that does not report readiness counts as unready":  {budgets(webBudget("web", counting(0, 1, 1, 2))), webPod("web-1", without(corev1.PodReady)), "allowed"},
		"a status of an earlier generation is not believed":       {budgets(webBudget("web", func(b *policyv1.PodDisruptionBudget) { b.Generation = 2 })), webPod("web-1"), "429 has a status of generation 1 and is itself of 2"},
		"a status that was never written is not believed":         {budgets(webBudget("web", func(b *policyv1.PodDisruptionBudget) { b.Status = policyv1.PodDisruptionBudgetStatus{} })), webPod("web-1"), "429 has a status of generation 0 and is itself of 1"},
		"a stale status still lets go an unready pod":             {budgets(webBudget("web", func(b *policyv1.PodDisruptionBudget) { b.Generation = 2 })), webPod("web-1", unready), "allowed"},
		"a negative number of disruptions is forbidden":           {budgets(webBudget("web", counting(-1, 1, 1, 2))), webPod("web-1"), "403 allows -1 disruptions, a number that is none"},
		"two thousand disrupted pods are not too many":            {budgets(webBudget("web", disrupted(2000))), webPod("web-1"), "allowed"},
		"more than two thousand disrupted pods are forbidden":     {budgets(webBudget("web", disrupted(2001))), webPod("web-1"), "403 waits for 2001 evicted pods to be gone, more than 2000"},
		"too many disrupted pods go before no disruption left":    {budgets(webBudget("web", disrupted(2001), none)), webPod("web-1"), "403 waits for 2001 evicted pods to be gone, more than 2000"},
		"a budget that counts no pod although it has one says so": {budgets(webBudget("web", counting(0, 0, 0, 0))), webPod("web-1"), "429 counts no pod, although it selects 1, so that it allows no disruption"},
		"a budget that cannot count says why": {budgets(webBudget("web", none, func(b *policyv1.PodDisruptionBudget) {
			b.Status.Conditions = []metav1.Condition{{Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse, Reason: policyv1.SyncFailedReason, Message: "found no controllers for pod"}}
		})), webPod("web-1"), "429 allows no disruption, for Kubernetes cannot count its pods (found no controllers for pod)"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := drain.NewBudgets(c.budgets, []*corev1.Pod{c.pod})
			if diff := cmp.Diff(verdictOf(b.Evict(c.pod)), c.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBudgetsOverTime(t *testing.T) {
	first, second, third := webPod("web-1"), webPod("web-2"), webPod("web-3")
	share := intstr.FromString("50%")
	one := func(healthy, expected int) string {
		return fmt.Sprintf("429 allows no disruption, with %d of %d pods healthy and 1 needed", healthy, expected)
	}
	cases := map[string]struct {
		budget *policyv1.PodDisruptionBudget
		steps  func(b *drain.Budgets) []string
		want   []string
	}{
		"an allowed eviction is charged": {webBudget("web"), func(b *drain.Budgets) []string {
			return []string{verdictOf(b.Evict(first)), verdictOf(b.Evict(second))}
		}, []string{"allowed", one(1, 1)}},
		"a ready replacement gives the disruption back": {webBudget("web"), func(b *drain.Budgets) []string {
			steps := []string{verdictOf(b.Evict(first))}
			b.Replaced(first, true)
			return append(steps, verdictOf(b.Evict(second)))
		}, []string{"allowed", "allowed"}},
		"a replacement that finds no place gives nothing back": {webBudget("web"), func(b *drain.Budgets) []string {
			steps := []string{verdictOf(b.Evict(first))}
			b.Replaced(first, false)
			return append(steps, verdictOf(b.Evict(second)))
		}, []string{"allowed", one(1, 2)}},
		"a replacement that is ready at last gives it back once": {webBudget("web"), func(b *drain.Budgets) []string {
			steps := []string{verdictOf(b.Evict(first))}
			b.Replaced(first, false)
			b.Replaced(first, true)
			b.Replaced(first, true)
			return append(steps, verdictOf(b.Evict(second)), verdictOf(b.Evict(third)))
		}, []string{"allowed", "allowed", one(1, 1)}},
		"a replacement of a pod that was not evicted changes nothing": {webBudget("web"), func(b *drain.Budgets) []string {
			b.Replaced(third, true)
			return []string{verdictOf(b.Evict(first)), verdictOf(b.Evict(second))}
		}, []string{"allowed", one(1, 1)}},
		"nothing replaces a pod without a controller": {webBudget("web"), func(b *drain.Budgets) []string {
			lone := webPod("web-1", func(p *corev1.Pod) { p.OwnerReferences = nil })
			steps := []string{verdictOf(b.Evict(lone))}
			b.Replaced(lone, true)
			return append(steps, verdictOf(b.Evict(second)))
		}, []string{"allowed", one(1, 1)}},
		"a budget by share counts the pods that are asked for": {webBudget("web", func(b *policyv1.PodDisruptionBudget) { b.Spec.MinAvailable = &share }), func(b *drain.Budgets) []string {
			return []string{verdictOf(b.Evict(first)), verdictOf(b.Evict(second))}
		}, []string{"allowed", one(1, 2)}},
		"an unready pod costs nothing": {webBudget("web"), func(b *drain.Budgets) []string {
			return []string{verdictOf(b.Evict(webPod("web-3", unready))), verdictOf(b.Evict(first)), verdictOf(b.Evict(second))}
		}, []string{"allowed", "allowed", one(1, 0)}},
		"an unready pod's ready replacement adds a disruption": {webBudget("web", counting(0, 1, 1, 2)), func(b *drain.Budgets) []string {
			bad := webPod("web-2", unready)
			steps := []string{verdictOf(b.Evict(first)), verdictOf(b.Evict(bad))}
			b.Replaced(bad, true)
			return append(steps, verdictOf(b.Evict(first)))
		}, []string{one(1, 2), "allowed", "allowed"}},
		"the replacement of a pod that was going is there already": {webBudget("web", counting(0, 1, 1, 2)), func(b *drain.Budgets) []string {
			going := webPod("web-2", func(p *corev1.Pod) { evictedAlready(p) })
			steps := []string{verdictOf(b.Evict(going))}
			b.Replaced(going, true)
			return append(steps, verdictOf(b.Evict(first)))
		}, []string{"allowed", one(1, 2)}},
		"a StatefulSet replaces a pod when it is gone": {webBudget("web", counting(0, 1, 1, 2)), func(b *drain.Budgets) []string {
			going := webPod("web-2", func(p *corev1.Pod) { evictedAlready(p) }, ofOwner("apps/v1", "StatefulSet", "web"))
			steps := []string{verdictOf(b.Evict(going))}
			b.Replaced(going, true)
			return append(steps, verdictOf(b.Evict(first)))
		}, []string{"allowed", "allowed"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := drain.NewBudgets([]*policyv1.PodDisruptionBudget{c.budget}, []*corev1.Pod{first, second})
			before := c.budget.DeepCopy()
			if diff := cmp.Diff(c.steps(b), c.want); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.budget, before); diff != "" {
				t.Errorf("the budget of the Snapshot has changed: %s", diff)
			}
		})
	}
}

func TestADeletedBudgetHoldsNothing(t *testing.T) {
	budget := webBudget("web", counting(0, 1, 1, 1))
	pod := webPod("web-1")
	b := drain.NewBudgets([]*policyv1.PodDisruptionBudget{budget}, []*corev1.Pod{pod})
	b.SetDeleted(budget, true)
	if diff := cmp.Diff(verdictOf(b.Evict(pod)), "allowed"); diff != "" {
		t.Error(diff)
	}
	b.SetDeleted(budget, false)
	if diff := cmp.Diff(verdictOf(b.Evict(webPod("web-2"))), "429 allows no disruption, with 1 of 1 pods healthy and 1 needed"); diff != "" {
		t.Error(diff)
	}
}
