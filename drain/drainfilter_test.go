package drain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

func mirrored(pod *corev1.Pod) {
	pod.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "1"}
}

func TestTreatmentOf(t *testing.T) {
	agent := ofOwner("apps/v1", "DaemonSet", "agent")
	going := func(p *corev1.Pod) { evictedAlready(p) }
	cases := map[string]struct {
		pod  *corev1.Pod
		want drain.Treatment
	}{
		"a pod of a ReplicaSet is evicted":                            {webPod("a"), drain.Evict},
		"a pod with an emptyDir is evicted":                           {webPod("a", func(p *corev1.Pod) { p.Spec.Volumes = []corev1.Volume{{Name: "tmp"}} }), drain.Evict},
		"a pod without a controller is evicted by force":              {webPod("a", func(p *corev1.Pod) { p.OwnerReferences = nil }), drain.EvictUnmanaged},
		"a pod of a DaemonSet is left":                                {webPod("a", agent), drain.LeaveDaemon},
		"a terminating pod of a DaemonSet is left":                    {webPod("a", agent, going), drain.LeaveDaemon},
		"an ended pod of a DaemonSet is evicted":                      {webPod("a", agent, inPhase(corev1.PodFailed)), drain.EvictEnded},
		"a pod whose DaemonSet is gone is evicted by force":           {webPod("a", ofOwner("apps/v1", "DaemonSet", "gone")), drain.EvictOrphan},
		"a pod of another group's DaemonSet is evicted":               {webPod("a", ofOwner("apps.kruise.io/v1", "DaemonSet", "agent")), drain.Evict},
		"a mirror pod is left":                                        {webPod("a", mirrored), drain.LeaveStatic},
		"a mirror pod that has ended is left":                         {webPod("a", mirrored, inPhase(corev1.PodFailed)), drain.LeaveStatic},
		"a pod that its node owns is left":                            {webPod("a", ofOwner("v1", "Node", "node-1")), drain.LeaveStatic},
		"an ended pod is evicted":                                     {webPod("a", inPhase(corev1.PodSucceeded)), drain.EvictEnded},
		"a terminating pod is waited for":                             {webPod("a", going), drain.Await},
		"a terminating pod whose DaemonSet is gone is waited for too": {webPod("a", ofOwner("apps/v1", "DaemonSet", "gone"), going), drain.Await},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := snapshotOfObjects(t, c.pod, daemonSet("shop", "agent"))
			if diff := cmp.Diff(drain.TreatmentOf(s, s.Pod("shop", "a")), c.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPodsOfDaemonSetsThatCouldNotBeReadAreLeft(t *testing.T) {
	s := snapshotWithout(t, cluster.DaemonSets, webPod("a", ofOwner("apps/v1", "DaemonSet", "agent")))
	if diff := cmp.Diff(drain.TreatmentOf(s, s.Pod("shop", "a")), drain.LeaveDaemon); diff != "" {
		t.Error(diff)
	}
}

func TestEvictedFromListsWhatMustBeGone(t *testing.T) {
	s := snapshotOfObjects(t, daemonSet("shop", "agent"),
		webPod("c"), webPod("b", func(p *corev1.Pod) { evictedAlready(p) }), webPod("a", inPhase(corev1.PodSucceeded)),
		webPod("daemon", ofOwner("apps/v1", "DaemonSet", "agent")), webPod("static", mirrored), webPod("elsewhere", func(p *corev1.Pod) { p.Spec.NodeName = "node-2" }))
	var names []string
	for _, pod := range drain.EvictedFrom(s, "node-1") {
		names = append(names, pod.Name)
	}
	if diff := cmp.Diff(names, []string{"a", "b", "c"}); diff != "" {
		t.Error(diff)
	}
}

func TestHeldFinalizers(t *testing.T) {
	cases := map[string]struct {
		pod  *corev1.Pod
		want string
	}{
		"a pod that goes and has a finalizer waits for it": {webPod("a", func(p *corev1.Pod) { evictedAlready(p) }), "is being deleted and has the finalizers example.org/hold"},
		"a pod that goes without one ends by itself":       {webPod("a", func(p *corev1.Pod) { evictedAlready(p); p.Finalizers = nil }), ""},
		"a finalizer of a pod that stays holds nothing":    {webPod("a", func(p *corev1.Pod) { p.Finalizers = []string{"example.org/hold"} }), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(drain.HeldFinalizers(c.pod), c.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}
