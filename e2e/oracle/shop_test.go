package oracle

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
)

// shop is a cluster in which the real controllers, scheduler and kwok run a small shop.
type shop struct {
	*gate.Cluster
	t      *testing.T
	client kubernetes.Interface
}

// openShop starts the cluster and waits until all pods are ready.
func openShop(t *testing.T) *shop {
	t.Helper()
	started := gatetest.Start(t, "", gate.ClusterOptions{})
	s := &shop{Cluster: started, t: t, client: kubernetes.NewForConfigOrDie(started.Config)}
	for _, name := range []string{"node-1", "node-2", "node-3"} {
		s.addNode(name)
	}
	if _, err := s.StartKwok(t.Context(), os.Stderr, clusterLabel+"=shop", controlplane.ReadyPods); err != nil {
		t.Fatal(err)
	}
	controllers := []string{"deployment-controller", "replicaset-controller", "daemonset-controller", "disruption-controller"}
	if _, err := s.StartControllers(t.Context(), os.Stderr, controllers...); err != nil {
		t.Fatal(err)
	}
	if _, err := s.StartScheduler(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	s.kubectl("apply", "-f", "testdata/shop.yaml")
	s.waitReady()
	return s
}

// addNode adds a node, Rancher's machine for it, and Longhorn's node.
func (s *shop) addNode(name string) {
	s.t.Helper()
	labels := map[string]string{
		clusterLabel: "shop", corev1.LabelHostname: name, "harvesterhci.io/managed": "true",
		"node-role.kubernetes.io/etcd": "true", "node-role.kubernetes.io/control-plane": "true",
	}
	if name == "node-3" {
		labels["disk"] = "fast"
	}
	room := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("110")}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Status: corev1.NodeStatus{Capacity: room, Allocatable: room}}
	if _, err := s.client.CoreV1().Nodes().Create(s.t.Context(), node, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.apply(fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata: {name: fleet-local}
---
apiVersion: cluster.x-k8s.io/v1beta1
kind: Machine
metadata: {name: machine-of-%[1]s, namespace: fleet-local}
spec: {clusterName: local, bootstrap: {}}
---
apiVersion: v1
kind: Namespace
metadata: {name: longhorn-system}
---
apiVersion: longhorn.io/v1beta2
kind: Node
metadata: {name: %[1]s, namespace: longhorn-system}
spec: {name: %[1]s, allowScheduling: true}
`, name))
	s.kubectl("-n", "fleet-local", "patch", "machines.cluster.x-k8s.io", "machine-of-"+name, "--subresource=status", "--type=merge", "-p",
		fmt.Sprintf(`{"status":{"phase":"Running","nodeRef":{"apiVersion":"v1","kind":"Node","name":%q}}}`, name))
}

func (s *shop) apply(manifest string) {
	s.t.Helper()
	if _, _, err := s.Kubectl(s.t.Context(), strings.NewReader(manifest), "apply", "-f", "-"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) kubectl(args ...string) {
	s.t.Helper()
	gatetest.Kubectl(s.t, s.Cluster, args...)
}

// waitReady waits until every workload has as many ready pods as it asks for, and its budget has been counted with them.
func (s *shop) waitReady() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	pods, err := s.client.CoreV1().Pods("shop").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer pods.Stop()
	budgets, err := s.client.PolicyV1().PodDisruptionBudgets("shop").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer budgets.Stop()
	for {
		missing, err := s.missing(ctx)
		switch {
		case err == nil && missing == "":
			return
		case ctx.Err() != nil:
			s.t.Fatalf("the shop is not ready after %s: %s, %v", patience, missing, err)
		case err != nil:
			s.t.Fatal(err)
		}
		select {
		case <-pods.ResultChan():
		case <-budgets.ResultChan():
		case <-ctx.Done():
		}
	}
}

// missing says what keeps the shop from being ready; empty where nothing does.
func (s *shop) missing(ctx context.Context) (string, error) {
	deployments, err := s.client.AppsV1().Deployments("shop").List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for _, deployment := range deployments.Items {
		name, want := deployment.Name, *deployment.Spec.Replicas
		pods, err := s.client.CoreV1().Pods("shop").List(ctx, metav1.ListOptions{LabelSelector: "app=" + name})
		if err != nil {
			return "", err
		}
		ready := int32(0)
		for i := range pods.Items {
			if isReady(&pods.Items[i]) && pods.Items[i].DeletionTimestamp == nil {
				ready++
			}
		}
		budget, err := s.client.PolicyV1().PodDisruptionBudgets("shop").Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		counted := budget.Status.CurrentHealthy == want && budget.Status.ExpectedPods == want && len(budget.Status.DisruptedPods) == 0
		if ready != want || len(pods.Items) != int(want) || !counted {
			return named("%s has %d ready of %d pods, its budget counts %+v", name, ready, len(pods.Items), budget.Status), nil
		}
	}
	return "", nil
}

// only returns the one pod with that label.
func (s *shop) only(selector string) *corev1.Pod {
	s.t.Helper()
	pods, err := s.client.CoreV1().Pods("shop").List(s.t.Context(), metav1.ListOptions{LabelSelector: selector})
	if err != nil || len(pods.Items) != 1 {
		s.t.Fatalf("%d pods with %s, %v", len(pods.Items), selector, err)
	}
	return &pods.Items[0]
}
