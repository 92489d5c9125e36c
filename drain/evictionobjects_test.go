package drain_test

import (
	"context"
	"sync"
	"testing"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// evictionTime is when the clusters of the eviction tests are looked at.
func evictionTime() time.Time { return time.Date(2026, 11, 2, 6, 0, 0, 0, time.UTC) }

// everyType is made once, for it is large.
var everyType = sync.OnceValues(cluster.NewScheme)

// objectSource serves objects as the watch cache does, trimmed, so that a test fails whose rule reads a field that is not kept.
type objectSource struct {
	t       *testing.T
	objects []client.Object
	unread  []cluster.Kind
}

func (o objectSource) Name() string { return "a test" }

func (o objectSource) List(_ context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	for _, kind := range o.unread {
		if kind == resource.Kind {
			return nil, cluster.Evidence{State: cluster.Unread, Because: "forbidden"}
		}
	}
	scheme, err := everyType()
	if err != nil {
		o.t.Error(err)
	}
	var found []client.Object
	for _, object := range o.objects {
		gvk, err := apiutil.GVKForObject(object, scheme)
		if err != nil {
			o.t.Error(err)
		}
		if gvk != resource.GVK {
			continue
		}
		trimmed := object.DeepCopyObject()
		if _, err := resource.Trim(trimmed); err != nil {
			o.t.Error(err)
		}
		found = append(found, trimmed.(client.Object))
	}
	return found, cluster.Evidence{State: cluster.Read}
}

func (o objectSource) Probe(context.Context, cluster.Targets) cluster.Probed { return cluster.Probed{} }

// snapshotOfObjects returns a cluster of these objects, in which every kind was read.
func snapshotOfObjects(t *testing.T, objects ...client.Object) *cluster.Snapshot {
	t.Helper()
	return cluster.Load(context.Background(), objectSource{t: t, objects: objects}, evictionTime())
}

// snapshotWithout is snapshotOfObjects of a cluster in which one kind could not be read.
func snapshotWithout(t *testing.T, unread cluster.Kind, objects ...client.Object) *cluster.Snapshot {
	t.Helper()
	return cluster.Load(context.Background(), objectSource{t: t, objects: objects, unread: []cluster.Kind{unread}}, evictionTime())
}

func changed[T any](object T, changes []func(T)) T {
	for _, change := range changes {
		change(object)
	}
	return object
}

func evictedAlready(m metav1.Object) {
	at := metav1.NewTime(evictionTime().Add(-time.Minute))
	m.SetDeletionTimestamp(&at)
	m.SetFinalizers([]string{"example.org/hold"})
}

// webPod returns a ready pod of a ReplicaSet in namespace shop, on node-1, with the label app=web.
func webPod(name string, changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, ResourceVersion: "1", Labels: map[string]string{"app": "web"}}}
	pod.OwnerReferences = []metav1.OwnerReference{ownedBy("apps/v1", "ReplicaSet", "web")}
	pod.Spec.NodeName = "node-1"
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	return changed(pod, changes)
}

func ownedBy(apiVersion, kind, name string) metav1.OwnerReference {
	controller := true
	return metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: name, UID: "1", Controller: &controller}
}

func unready(pod *corev1.Pod) { pod.Status.Conditions[0].Status = corev1.ConditionFalse }

func without(condition corev1.PodConditionType) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		for i := range pod.Status.Conditions {
			if pod.Status.Conditions[i].Type == condition {
				pod.Status.Conditions = append(pod.Status.Conditions[:i], pod.Status.Conditions[i+1:]...)
				return
			}
		}
	}
}

func inPhase(phase corev1.PodPhase) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.Phase = phase
		unready(pod)
	}
}

func ofOwner(apiVersion, kind, name string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.OwnerReferences = []metav1.OwnerReference{ownedBy(apiVersion, kind, name)} }
}

func usingClaim(claim string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}}
	}
}

// webBudget returns a budget for app=web in namespace shop that needs 1 pod, has 2 and allows 1 disruption.
func webBudget(name string, changes ...func(*policyv1.PodDisruptionBudget)) *policyv1.PodDisruptionBudget {
	one := intstr.FromInt32(1)
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, ResourceVersion: "1", Generation: 1}}
	budget.Spec.MinAvailable = &one
	budget.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	budget.Status = policyv1.PodDisruptionBudgetStatus{ObservedGeneration: 1, DisruptionsAllowed: 1, CurrentHealthy: 2, DesiredHealthy: 1, ExpectedPods: 2}
	return changed(budget, changes)
}

func counting(allowed, healthy, desired, expected int32) func(*policyv1.PodDisruptionBudget) {
	return func(budget *policyv1.PodDisruptionBudget) {
		budget.Status.DisruptionsAllowed, budget.Status.CurrentHealthy = allowed, healthy
		budget.Status.DesiredHealthy, budget.Status.ExpectedPods = desired, expected
	}
}

func daemonSet(namespace, name string) *appsv1.DaemonSet {
	return &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, ResourceVersion: "1"}}
}

func kubeNode(name string, changes ...func(*corev1.Node)) *corev1.Node {
	return changed(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, ResourceVersion: "1"}}, changes)
}

func unschedulable(node *corev1.Node) { node.Spec.Unschedulable = true }

func ofLonghorn(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: cluster.LonghornNamespace, Name: name, ResourceVersion: "1"}
}

// manager returns a running instance manager im-NODE of the current image.
func manager(node string, changes ...func(*lhv1.InstanceManager)) *lhv1.InstanceManager {
	m := &lhv1.InstanceManager{ObjectMeta: ofLonghorn("im-" + node)}
	m.Spec = lhv1.InstanceManagerSpec{NodeID: node, Type: lhv1.InstanceManagerTypeAllInOne, Image: "im:2", DataEngine: lhv1.DataEngineTypeV1}
	m.Status.CurrentState = lhv1.InstanceManagerStateRunning
	return changed(m, changes)
}

func listingEngines(names ...string) func(*lhv1.InstanceManager) {
	return func(m *lhv1.InstanceManager) {
		m.Status.InstanceEngines = map[string]lhv1.InstanceProcess{}
		for _, name := range names {
			m.Status.InstanceEngines[name] = lhv1.InstanceProcess{Status: lhv1.InstanceProcessStatus{State: lhv1.InstanceStateRunning, Type: lhv1.InstanceTypeEngine}}
		}
	}
}

// listingInstances is listingEngines of Longhorn up to 1.4.
func listingInstances(name string) func(*lhv1.InstanceManager) {
	return func(m *lhv1.InstanceManager) {
		//lint:ignore SA1019 Longhorn up to 1.4 lists engines only here
		m.Status.Instances = map[string]lhv1.InstanceProcess{name: {Status: lhv1.InstanceProcessStatus{State: lhv1.InstanceStateRunning, Type: lhv1.InstanceTypeEngine}}}
	}
}

func managerPod(node string, changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: ofLonghorn("im-" + node)}
	pod.Labels = map[string]string{"longhorn.io/component": "instance-manager", "longhorn.io/node": node}
	pod.Spec.NodeName, pod.Status.Phase = node, corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	return changed(pod, changes)
}

func managerBudget(node string) *policyv1.PodDisruptionBudget {
	one := intstr.FromInt32(1)
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: ofLonghorn("im-" + node)}
	budget.Spec.MinAvailable = &one
	budget.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"longhorn.io/component": "instance-manager", "longhorn.io/node": node}}
	budget.Status = policyv1.PodDisruptionBudgetStatus{CurrentHealthy: 1, DesiredHealthy: 1, ExpectedPods: 1}
	return budget
}

// copyOf returns a running, healthy replica of volume pvc-1, named pvc-1-r-NODE.
func copyOf(node string, changes ...func(*lhv1.Replica)) *lhv1.Replica {
	r := &lhv1.Replica{ObjectMeta: ofLonghorn("pvc-1-r-" + node)}
	r.Spec.VolumeName, r.Spec.NodeID, r.Spec.DesireState = "pvc-1", node, lhv1.InstanceStateRunning
	r.Spec.HealthyAt = "2026-10-01T00:00:00Z"
	r.Status.CurrentState, r.Status.InstanceManagerName = lhv1.InstanceStateRunning, "im-"+node
	return changed(r, changes)
}

func failed(r *lhv1.Replica) { r.Spec.FailedAt = "2026-11-01T00:00:00Z" }
func unused(r *lhv1.Replica) { r.Spec.HealthyAt = "" }
func stopped(r *lhv1.Replica) {
	r.Spec.DesireState, r.Status.CurrentState, r.Status.InstanceManagerName = lhv1.InstanceStateStopped, lhv1.InstanceStateStopped, ""
}

func longhornSetting(name, value string) *lhv1.Setting {
	return &lhv1.Setting{ObjectMeta: ofLonghorn(name), Value: value}
}
