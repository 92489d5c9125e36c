package stories_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

// object decodes the one object of a YAML text.
func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	objects, err := load.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 1 {
		t.Fatalf("%d objects, want 1", len(objects))
	}
	return objects[0]
}

// vmi refers to a VM that runs in the healthy example.
func vmi(namespace, name string) load.Reference {
	kind := schema.GroupVersionKind{Group: "kubevirt.io", Version: "v1", Kind: "VirtualMachineInstance"}
	return load.Reference{Kind: kind, Namespace: namespace, Name: name}
}

// pause does to a VM what virtctl pause does.
func pause(t *testing.T, cluster *gate.Cluster, vm load.Reference) {
	t.Helper()
	current, err := cluster.Loader.Get(t.Context(), vm)
	if err != nil {
		t.Fatal(err)
	}
	conditions, _, err := unstructured.NestedSlice(current.Object, "status", "conditions")
	if err != nil {
		t.Fatal(err)
	}
	paused := map[string]any{
		"type": "Paused", "status": "True", "reason": "PausedByUser", "message": "VMI was paused by user",
		"lastProbeTime": "2026-11-20T09:08:41Z", "lastTransitionTime": "2026-11-20T09:08:41Z",
	}
	patch := map[string]any{"status": map[string]any{"conditions": append(conditions, paused)}}
	if err := cluster.Loader.Patch(t.Context(), vm, patch); err != nil {
		t.Fatal(err)
	}
}

// refusal creates the Upgrade of the manifest as a dry run, without kubectl, and returns the API server's
// answer; nil if it is admitted.
func refusal(ctx context.Context, t *testing.T, cluster *gate.Cluster) (*metav1.Status, error) {
	t.Helper()
	options := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	_, err := client(t, cluster).Resource(upgrades).Namespace(upgradeNamespace).Create(ctx, button(t), options)
	if err == nil {
		return nil, nil
	}
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) || !apierrors.IsForbidden(err) {
		return nil, err
	}
	answer := status.Status()
	return &answer, nil
}

// decisionEvents returns the gate's events in a namespace, oldest first.
func decisionEvents(ctx context.Context, t *testing.T, cluster *gate.Cluster, namespace string) ([]eventsv1.Event, error) {
	t.Helper()
	client, err := kubernetes.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.EventsV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "reportingController=upgradegate.io/upgrade-gate"})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// awaitEvents waits until the gate has written that many events in all, and returns them by their
// reasons.
func awaitEvents(t *testing.T, cluster *gate.Cluster, namespace string, total int) map[string][]eventsv1.Event {
	t.Helper()
	byReason := map[string][]eventsv1.Event{}
	gatetest.Await(t, patience, func(ctx context.Context) error {
		events, err := decisionEvents(ctx, t, cluster, namespace)
		if err != nil {
			return err
		}
		if len(events) < total {
			return fmt.Errorf("%d events in %s, want %d", len(events), namespace, total)
		}
		clear(byReason)
		for _, event := range events {
			byReason[event.Reason] = append(byReason[event.Reason], event)
		}
		return nil
	})
	count := 0
	for _, events := range byReason {
		count += len(events)
	}
	if count != total {
		t.Errorf("%d events in %s, want %d", count, namespace, total)
	}
	return byReason
}
