package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func requests(cpu string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}
}

func trimmedPod(t *testing.T, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	pods, _ := Lookup(Pods)
	trimmed, err := pods.Trim(pod)
	if err != nil {
		t.Fatal(err)
	}
	return trimmed.(*corev1.Pod)
}

func TestASidecarsPortOfTheNodeIsKept(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	port := func(number int32) []corev1.ContainerPort { return []corev1.ContainerPort{{HostPort: number}} }
	pod := trimmedPod(t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: corev1.PodSpec{
			InitContainers: []corev1.Container{{Name: "sidecar", RestartPolicy: &always, Ports: port(1)}, {Name: "once", Ports: port(2)}},
			Containers:     []corev1.Container{{Name: "main", Ports: port(3)}},
		},
	})
	if diff := cmp.Diff(pod.Spec.Containers[0].Ports, append(port(1), port(3)...)); diff != "" {
		t.Errorf("ports (-got +want):\n%s", diff)
	}
}

func TestAPodThatHasMoreThanItRequestsCountsWithThat(t *testing.T) {
	has := requests("2")
	pod := trimmedPod(t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Resources: requests("500m")}}},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "main", Resources: &has}}},
	})
	if got := pod.Spec.Containers[0].Resources.Requests.Cpu(); got.String() != "2" {
		t.Errorf("it counts with %s CPU, want 2", got)
	}
}
