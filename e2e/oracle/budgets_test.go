package oracle

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// budgetNode is the one node that all pods with budgets are on.
const budgetNode = "budget-node"

// terminating is the fate of a pod that is being deleted, and pending that of one that no node has taken.
const (
	terminating = "terminating"
	pending     = "pending"
	starting    = "starting" // on a node, and pending
)

// situation is a namespace with budgets that the oracle makes up.
type situation struct {
	number    int
	namespace string
	owners    []*owner
	budgets   []*policyv1.PodDisruptionBudget
	pods      []*evictee
	// order is the order in which the pods are evicted, as places in pods.
	order []int
}

// owner is a workload whose controller does not run, so that its pods are what the oracle makes of them.
type owner struct {
	kind     string
	name     string
	replicas int32
	// reference is what its pods say of it; set when it is created.
	reference metav1.OwnerReference
}

// The kinds of owners.
const (
	replicaSet   = "ReplicaSet"
	deployment   = "Deployment" // with a ReplicaSet
	statefulSet  = "StatefulSet"
	unknownOwner = "Unknown" // of a kind that the disruption controller cannot ask for its scale
)

// evictee is a pod that is going to be evicted.
type evictee struct {
	pod *corev1.Pod
	// owner is the workload that it belongs to; nil for none.
	owner *owner
	state string
	// replacement is the fate of the pod that comes after it; empty for none. late is by how many evictions it is ready later.
	replacement string
	late        int
	// again is true where the replacement is evicted too.
	again bool
}

func arrange(number int) *situation {
	d := newDice(number)
	s := &situation{number: number, namespace: named("e%d", number)}
	for i := range d.between(1, 3) {
		s.owners = append(s.owners, &owner{
			kind: pick(d, replicaSet, replicaSet, replicaSet, deployment, deployment, statefulSet), name: named("owner-%d", i), replicas: int32(d.between(1, 4)),
		})
	}
	if d.chance(8) {
		s.owners[0].kind = unknownOwner
	}
	for i, owner := range s.owners {
		labels := map[string]string{"app": named("app-%d", i), "tier": pick(d, "front", "back")}
		count := int(owner.replicas)
		if d.chance(20) { // not all there yet, or one too many
			count += pick(d, -1, 1)
		}
		for j := range count {
			s.add(d, owner, named("pod-%d-%d", i, j), labels)
		}
	}
	if d.chance(15) {
		s.add(d, nil, "bare", map[string]string{"app": "app-0", "tier": "front"})
	}
	for i := range d.between(1, 3) {
		s.budgets = append(s.budgets, s.budget(d, i))
	}
	s.order = d.Perm(len(s.pods))
	return s
}

func (s *situation) add(d dice, owner *owner, name string, labels map[string]string) {
	e := &evictee{owner: owner, state: pick(d, ready, ready, ready, ready, ready, ready, unready, unready, pending, starting, succeeded, failed, terminating)}
	e.pod = s.pod(name, e.state, labels)
	isActive := e.state != succeeded && e.state != failed && e.state != terminating // or it has been replaced already
	if owner != nil && isActive {
		e.replacement = pick(d, ready, ready, starting)
		e.late = pick(d, 0, 0, 1, 2)
		e.again = d.chance(40)
	}
	s.pods = append(s.pods, e)
}

func (s *situation) pod(name, state string, labels map[string]string) *corev1.Pod {
	all := map[string]string{clusterLabel: s.namespace}
	for key, value := range labels {
		all[key] = value
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.namespace, Labels: all, Annotations: map[string]string{fate: state}},
		Spec:       corev1.PodSpec{NodeName: budgetNode, Containers: []corev1.Container{{Name: "main", Image: "image"}}},
	}
	switch state {
	case terminating:
		pod.Annotations[fate], pod.Finalizers = ready, []string{finalizer}
	case pending:
		pod.Spec.NodeName = ""
	}
	return pod
}

func (s *situation) budget(d dice, number int) *policyv1.PodDisruptionBudget {
	always, ifHealthy := policyv1.AlwaysAllow, policyv1.IfHealthyBudget
	budget := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: named("budget-%d", number), Namespace: s.namespace, Labels: map[string]string{clusterLabel: s.namespace}},
		Spec: policyv1.PodDisruptionBudgetSpec{
			Selector:                   &metav1.LabelSelector{MatchLabels: map[string]string{"app": named("app-%d", number)}},
			UnhealthyPodEvictionPolicy: pick(d, nil, nil, &always, &ifHealthy),
		},
	}
	if d.chance(25) { // which other budgets may select too
		budget.Spec.Selector = pick(d,
			nil, &metav1.LabelSelector{},
			&metav1.LabelSelector{MatchLabels: map[string]string{"tier": "front"}},
			&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "tier", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"back"}}}},
			&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpExists}}},
		)
	}
	amount := intstr.FromInt32(int32(pick(d, 0, 1, 1, 1, 2, 2, 3, 5)))
	if d.chance(40) {
		amount = intstr.FromString(pick(d, "0%", "20%", "34%", "50%", "67%", "100%"))
	}
	if d.chance(50) {
		budget.Spec.MinAvailable = &amount
	} else {
		budget.Spec.MaxUnavailable = &amount
	}
	return budget
}

// objects returns the workload, which comes as two objects for a Deployment: the one that the pods belong to is the last.
func (w *owner) objects(namespace string) []metav1.Object {
	meta := metav1.ObjectMeta{Name: w.name, Namespace: namespace}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"of": w.name}}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: selector.MatchLabels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "image"}}},
	}
	set := &appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Replicas: &w.replicas, Selector: selector, Template: template}}
	switch w.kind {
	case replicaSet:
		return []metav1.Object{set}
	case deployment:
		return []metav1.Object{&appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: &w.replicas, Selector: selector, Template: template}}, set}
	case statefulSet:
		return []metav1.Object{&appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: &w.replicas, Selector: selector, Template: template}}}
	}
	return nil
}

func (s *situation) String() string { return fmt.Sprintf("namespace %d", s.number) }
