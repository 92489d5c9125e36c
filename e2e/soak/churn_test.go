package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubevirtv1 "kubevirt.io/api/core/v1"

	longhorn "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

const (
	// rate is how many objects are created, changed or deleted in a second.
	rate = 50
	// hands is how many of them are under way at once.
	hands = 8
)

// churn changes a cluster all the time: virtual machines are paused and run on, volumes and replicas fail and recover, nodes report, pods and
// migrations come and go. What is wrong at any time is a handful of objects.
type churn struct {
	loader *load.Loader
	vmis   []*kubevirtv1.VirtualMachineInstance
	nodes  []*corev1.Node
	stored []*longhorn.Volume
	copies []*longhorn.Replica

	writes, failed atomic.Int64
	// quiet is held for reading while an object is written.
	quiet sync.RWMutex
	first atomic.Pointer[error]
}

func newChurn(generated *clustertest.Cluster, loader *load.Loader) *churn {
	c := &churn{loader: loader}
	for _, object := range generated.Objects() {
		switch object := object.(type) {
		case *kubevirtv1.VirtualMachineInstance:
			c.vmis = append(c.vmis, object)
		case *corev1.Node:
			c.nodes = append(c.nodes, object)
		case *longhorn.Volume:
			c.stored = append(c.stored, object)
		case *longhorn.Replica:
			c.copies = append(c.copies, object)
		}
	}
	return c
}

// start begins; the function that it returns ends it, and waits.
func (c *churn) start(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	turns := make(chan int)
	all.Go(func() {
		defer close(turns)
		ticker := time.NewTicker(time.Second / rate)
		defer ticker.Stop()
		for turn := 0; ; turn++ {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			select {
			case <-ctx.Done():
				return
			case turns <- turn:
			}
		}
	})
	for range hands {
		all.Go(func() {
			for turn := range turns {
				c.turn(context.WithoutCancel(ctx), turn)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// turn changes one object. What it does depends on the number of the turn alone; what fails in one turn recovers some turns later.
func (c *churn) turn(ctx context.Context, turn int) {
	c.quiet.RLock()
	defer c.quiet.RUnlock()
	choice := rand.New(rand.NewPCG(uint64(turn/2), 7679)) // two turns in a row have the same object: first it fails, then it recovers
	fails := turn%2 == 0
	kinds := []func(context.Context, *rand.Rand, bool, int) error{c.pause, c.degrade, c.fail, c.report, c.pod, c.migration}
	err := kinds[(turn/2)%len(kinds)](ctx, choice, fails, turn/2)
	c.writes.Add(1)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsAlreadyExists(err) { // two hands may overtake each other
		c.failed.Add(1)
		c.first.CompareAndSwap(nil, &err)
	}
}

// failure is the first write that failed.
func (c *churn) failure() error {
	if first := c.first.Load(); first != nil {
		return *first
	}
	return nil
}

func (c *churn) pause(ctx context.Context, choice *rand.Rand, fails bool, _ int) error {
	vmi := c.vmis[choice.IntN(len(c.vmis))]
	conditions := []any{map[string]any{"type": "Ready", "status": "True"}, map[string]any{"type": "LiveMigratable", "status": "True"}}
	if fails {
		conditions = append(conditions, map[string]any{"type": "Paused", "status": "True", "reason": "PausedIOError", "message": "VMI was paused, IO error",
			"lastTransitionTime": "2026-01-01T00:00:00Z"})
	}
	return c.loader.Patch(ctx, load.Reference{Kind: kubevirtv1.VirtualMachineInstanceGroupVersionKind, Namespace: vmi.Namespace, Name: vmi.Name},
		map[string]any{"status": map[string]any{"conditions": conditions}})
}

func (c *churn) degrade(ctx context.Context, choice *rand.Rand, fails bool, _ int) error {
	volume := c.stored[choice.IntN(len(c.stored))]
	robustness := string(volume.Status.Robustness)
	if fails {
		robustness = string(longhorn.VolumeRobustnessDegraded)
	}
	return c.loader.Patch(ctx, c.storage("Volume", volume.Namespace, volume.Name), map[string]any{"status": map[string]any{"robustness": robustness}})
}

func (c *churn) fail(ctx context.Context, choice *rand.Rand, fails bool, _ int) error {
	replica := c.copies[choice.IntN(len(c.copies))]
	state, failedAt := string(replica.Status.CurrentState), replica.Spec.FailedAt
	if fails {
		state, failedAt = string(longhorn.InstanceStateError), "2026-01-01T00:00:00Z"
	}
	return c.loader.Patch(ctx, c.storage("Replica", replica.Namespace, replica.Name),
		map[string]any{"spec": map[string]any{"failedAt": failedAt}, "status": map[string]any{"currentState": state}})
}

func (c *churn) storage(kind, namespace, name string) load.Reference {
	return load.Reference{Kind: longhorn.SchemeGroupVersion.WithKind(kind), Namespace: namespace, Name: name}
}

// report is a node's status, which changes nothing that matters.
func (c *churn) report(ctx context.Context, choice *rand.Rand, _ bool, turn int) error {
	node := c.nodes[choice.IntN(len(c.nodes))]
	return c.loader.Patch(ctx, load.Reference{Kind: corev1.SchemeGroupVersion.WithKind("Node"), Name: node.Name},
		map[string]any{"metadata": map[string]any{"annotations": map[string]any{"soak": fmt.Sprint(turn)}}})
}

// pod is created and deleted again.
func (c *churn) pod(ctx context.Context, choice *rand.Rand, comes bool, turn int) error {
	pod := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"namespace": c.vmis[0].Namespace, "name": fmt.Sprintf("soak-%d", turn), "labels": map[string]any{"app": fmt.Sprintf("soak-%d", turn)}},
		"spec": map[string]any{
			"nodeName": c.nodes[choice.IntN(len(c.nodes))].Name, "terminationGracePeriodSeconds": int64(0),
			"containers": []any{map[string]any{"name": "soak", "image": "soak"}},
		},
	}}
	return c.comesOrGoes(ctx, pod, comes)
}

// migration is one that has ended long ago, and is cleaned up.
func (c *churn) migration(ctx context.Context, choice *rand.Rand, comes bool, turn int) error {
	vmi := c.vmis[choice.IntN(len(c.vmis))]
	return c.comesOrGoes(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration",
		"metadata": map[string]any{"namespace": vmi.Namespace, "name": fmt.Sprintf("soak-%d", turn)},
		"spec":     map[string]any{"vmiName": vmi.Name},
		"status":   map[string]any{"phase": "Succeeded"},
	}}, comes)
}

func (c *churn) comesOrGoes(ctx context.Context, object *unstructured.Unstructured, comes bool) error {
	if !comes {
		return c.loader.Delete(ctx, load.Reference{Kind: schema.FromAPIVersionAndKind(object.GetAPIVersion(), object.GetKind()), Namespace: object.GetNamespace(), Name: object.GetName()})
	}
	_, err := c.loader.Apply(ctx, object)
	return err
}

// still waits until nothing is being written, and keeps it so until the function that it returns is called.
func (c *churn) still() (resume func()) {
	c.quiet.Lock()
	return c.quiet.Unlock
}

// errUnequal is that two judgements of the same state differ.
var errUnequal = errors.New("the gate and a fresh process differ")
