package controlplane_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	clientwatch "k8s.io/client-go/tools/watch"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
)

// A Deployment becomes ready when all three do their work: the controllers make the pods, the scheduler
// binds them, kwok runs them.
func TestADeploymentBecomesReadyOnNodesThatDoNotExist(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	client := kubernetes.NewForConfigOrDie(plane.Config)
	if _, err := client.CoreV1().Nodes().Create(ctx, phantom("phantom"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.CoreV1().Nodes().Delete(context.Background(), "phantom", metav1.DeleteOptions{}) })
	components := startAll(ctx, t)
	deployment, err := client.AppsV1().Deployments("default").Create(ctx, twoPods(), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	watching, err := client.AppsV1().Deployments("default").Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector("metadata.name", deployment.Name).String(),
		ResourceVersion: deployment.ResourceVersion,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = clientwatch.UntilWithoutRetry(ctx, watching, func(event watch.Event) (bool, error) {
		seen, is := event.Object.(*appsv1.Deployment)
		return is && seen.Status.ReadyReplicas == 2, nil
	})
	if err != nil {
		t.Fatalf("the deployment does not become ready: %v", err)
	}
	for _, component := range components {
		id, err := plane.ProcessID(component.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(component.Stop(), component.Stop()); err != nil {
			t.Error(err)
		}
		if err := syscall.Kill(id, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%s is still there after Stop: %v", component.Name, err)
		}
		if info, err := os.Stat(component.Log); err != nil || info.Size() == 0 {
			t.Errorf("the log of %s: %v, %v", component.Name, info, err)
		}
	}
}

func TestAComponentThatCannotStartSaysWhy(t *testing.T) {
	_, err := plane.StartControllers(t.Context(), os.Stderr, "no-such-controller")
	if err == nil || !strings.Contains(err.Error(), `\"no-such-controller\" is not in the list of known controllers`) {
		t.Errorf("err = %v", err)
	}
}

func startAll(ctx context.Context, t *testing.T) []*controlplane.Component {
	t.Helper()
	var components []*controlplane.Component
	for _, start := range []func() (*controlplane.Component, error){
		func() (*controlplane.Component, error) { return plane.StartScheduler(ctx, os.Stderr) },
		func() (*controlplane.Component, error) {
			return plane.StartControllers(ctx, os.Stderr, "deployment-controller", "replicaset-controller")
		},
		func() (*controlplane.Component, error) {
			return plane.StartKwok(ctx, os.Stderr, "kind=phantom", controlplane.ReadyPods)
		},
	} {
		component, err := start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = component.Stop() }) // the test looks at the error
		components = append(components, component)
	}
	return components
}

// phantom is a node that kwok plays the kubelet of.
func phantom(name string) *corev1.Node {
	room := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kind": "phantom"}},
		Status:     corev1.NodeStatus{Capacity: room, Allocatable: room},
	}
}

func twoPods() *appsv1.Deployment {
	replicas, labels := int32(2), map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web"}}},
			},
		},
	}
}
