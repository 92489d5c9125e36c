package cluster

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
)

func TestALiveReadHoldsTheCachesObjectOnlyWhereTheyAreEqual(t *testing.T) {
	pods, _ := Lookup(Pods)
	informer := toolscache.NewSharedIndexInformer(&toolscache.ListWatch{}, &corev1.Pod{}, 0, nil)
	cached := &Cached{informers: map[Kind]toolscache.SharedIndexInformer{Pods: informer}}
	held := decodedPod(t, "web", "1Gi")
	held.ResourceVersion = "7"
	if err := informer.GetStore().Add(held); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*corev1.Pod)
		reused bool
	}{
		"an equal object":                               {func(*corev1.Pod) {}, true},
		"a later version":                               {func(pod *corev1.Pod) { pod.ResourceVersion = "8" }, false},
		"another namespace":                             {func(pod *corev1.Pod) { pod.Namespace = "other" }, false},
		"the same version with another field":           {func(pod *corev1.Pod) { pod.Spec.NodeName = "node-2" }, false},
		"the same version with another field of a part": {func(pod *corev1.Pod) { pod.Spec.Tolerations[1].Key = "c" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			live := decodedPod(t, "web", "1Gi")
			live.ResourceVersion = "7"
			test.change(live)
			if got := cached.orEqual(pods, live); (got == held) != test.reused {
				t.Errorf("the cache's object is held: %t, want %t", got == held, test.reused)
			}
		})
	}
}
