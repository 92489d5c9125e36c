package cluster

import (
	"encoding/json"
	"fmt"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// decodedPod returns a pod out of JSON, so that it shares nothing with another.
func decodedPod(t *testing.T, name, memory string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	text := fmt.Sprintf(`{"metadata": {"name": %q, "namespace": "default", "labels": {"app": "web"}}, "spec": {"nodeName": "node-1",
		"containers": [{"name": "main", "resources": {"requests": {"cpu": "2", "memory": %q}}}],
		"tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "tolerationSeconds": 30}]}}`, name, memory)
	if err := json.Unmarshal([]byte(text), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

func TestObjectsShareEqualTextAndParts(t *testing.T) {
	s := newSharing()
	first, second := decodedPod(t, "web-1", "1Gi"), decodedPod(t, "web-2", "1Gi")
	s.share(first)
	s.share(second)
	if unsafe.StringData(first.Spec.NodeName) != unsafe.StringData(second.Spec.NodeName) {
		t.Error("the name of their node is in memory twice")
	}
	if &first.Spec.Containers[0] != &second.Spec.Containers[0] || &first.Spec.Tolerations[0] != &second.Spec.Tolerations[0] {
		t.Error("equal containers or tolerations are in memory twice")
	}
}

func TestSharingChangesNoObject(t *testing.T) {
	s := newSharing()
	for _, memory := range []string{"1Gi", "2Gi", "1Gi", "1024Mi"} {
		pod := decodedPod(t, "web", memory)
		s.share(pod)
		if diff := cmp.Diff(decodedPod(t, "web", memory), pod); diff != "" {
			t.Errorf("with %s (-alone +shared):\n%s", memory, diff)
		}
	}
}

func TestNamesThatComeAndGoAreForgotten(t *testing.T) {
	s := newSharing()
	s.settle()
	for i := range 3 * rememberedAtRest {
		s.share(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint(i)}})
	}
	if len(s.texts) > rememberedAtRest+1 {
		t.Errorf("%d names are remembered, want at most %d", len(s.texts), rememberedAtRest)
	}
}
