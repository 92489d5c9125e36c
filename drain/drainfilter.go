package drain

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Treatment is what a drain does with a pod of its node.
type Treatment string

// The treatments. Rancher drains with force, ignoreDaemonSets and deleteEmptyDirData, as Harvester tells it to (harvester/harvester,
// upgrade_controller.go, upgradeKubernetes), and without skipWaitForDeleteTimeoutSeconds.
const (
	// Evict is a pod that is evicted and waited for.
	Evict Treatment = "evicted"
	// EvictEnded is a pod whose containers have ended; no budget holds it.
	EvictEnded Treatment = "evicted after its end"
	// EvictUnmanaged is a pod that nothing replaces: it has no controller.
	EvictUnmanaged Treatment = "evicted for good"
	// EvictOrphan is a pod of a DaemonSet that does not exist any more.
	EvictOrphan Treatment = "evicted without its DaemonSet"
	// Await is a pod that is being deleted; the drain waits until it is gone.
	Await Treatment = "waited for"
	// LeaveDaemon is a DaemonSet's pod, which stays.
	LeaveDaemon Treatment = "left to its DaemonSet"
	// LeaveStatic is a static pod, which belongs to its node and stays.
	LeaveStatic Treatment = "left to its node"
)

// Leaves tells whether the drain passes the pod over.
func (t Treatment) Leaves() bool { return t == LeaveDaemon || t == LeaveStatic }

// TreatmentOf says what a drain does with a pod. The rule is that of kubernetes/kubectl, pkg/drain/filters.go. Where DaemonSets could
// not be read, every pod of one is taken as left: nothing says that it is an orphan.
func TreatmentOf(s *cluster.Snapshot, pod *corev1.Pod) Treatment {
	owner := metav1.GetControllerOfNoCopy(pod)
	_, mirror := pod.Annotations[cluster.AnnotationMirror]
	ofDaemonSet := owner != nil && owner.Kind == "DaemonSet" && owner.APIVersion == appsv1.SchemeGroupVersion.String()
	orphaned := ofDaemonSet && s.DaemonSet(pod.Namespace, owner.Name) == nil && s.Evidence(cluster.DaemonSets).State == cluster.Read
	switch {
	case mirror, owner != nil && owner.Kind == "Node": // The kubelet gives a static pod both.
		return LeaveStatic
	case ofDaemonSet && !orphaned && !cluster.IsEnded(pod):
		return LeaveDaemon
	case pod.DeletionTimestamp != nil:
		return Await
	case cluster.IsEnded(pod):
		return EvictEnded
	case orphaned:
		return EvictOrphan
	case owner == nil:
		return EvictUnmanaged
	}
	return Evict
}

// EvictedFrom returns the pods that must be gone before the drain of a node is done, by namespace and name: those that it evicts, and
// those that are being deleted already, for which it waits.
func EvictedFrom(s *cluster.Snapshot, node string) []*corev1.Pod {
	var evicted []*corev1.Pod
	for _, pod := range s.PodsOn(node) {
		if !TreatmentOf(s, pod).Leaves() {
			evicted = append(evicted, pod)
		}
	}
	slices.SortFunc(evicted, func(a, b *corev1.Pod) int {
		if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return evicted
}

// HeldFinalizers says which finalizers keep a pod that is being deleted, so that the drain waits for whoever removes them; empty
// for one that has none, which goes when its containers have ended.
func HeldFinalizers(pod *corev1.Pod) string {
	if pod.DeletionTimestamp == nil || len(pod.Finalizers) == 0 {
		return ""
	}
	return fmt.Sprintf("is being deleted and has the finalizers %s", strings.Join(pod.Finalizers, ", "))
}
