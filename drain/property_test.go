package drain_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// shuffledSource serves the objects of another in an order of its own, as a watch cache does.
type shuffledSource struct {
	cluster.Source
	random *rand.Rand
}

func (s shuffledSource) List(ctx context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	objects, evidence := s.Source.List(ctx, resource)
	objects = slices.Clone(objects)
	s.random.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
	return objects, evidence
}

// spoiled returns a small generated cluster in which some nodes, VMs, pods and budgets are not as they should be.
func spoiled(random *rand.Rand) *clustertest.Cluster {
	generated := clustertest.Generate(clustertest.Small())
	for _, object := range generated.Objects() {
		if random.IntN(4) > 0 {
			continue
		}
		switch o := object.(type) {
		case *corev1.Node:
			o.Spec.Unschedulable = random.IntN(4) == 0
		case *kubevirtv1.VirtualMachineInstance:
			o.Spec.EvictionStrategy = nil
		case *kubevirtv1.VirtualMachine:
			halted := kubevirtv1.RunStrategyHalted
			o.Spec.RunStrategy = &halted
		case *corev1.Pod:
			o.Spec.Containers[0].Resources.Requests = newPod("large", memory(60)).Spec.Containers[0].Resources.Requests
		case *policyv1.PodDisruptionBudget:
			o.Status.DisruptionsAllowed = 0
		}
	}
	return generated
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThePlanIsThatOfTheClusterAlone(t *testing.T) {
	stops, downs := 0, 0
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 0))
		source := spoiled(random)
		before := asJSON(t, source.Objects())
		snapshot := cluster.Load(context.Background(), source, clustertest.Now())
		shuffled := cluster.Load(context.Background(), shuffledSource{source, random}, clustertest.Now())
		for _, target := range []string{"v1.4.2", ""} {
			plan := drain.Simulate(snapshot, target)
			for _, node := range plan.Nodes {
				stops, downs = stops+len(node.Stops), downs+len(node.ShutDowns)
			}
			for what, again := range map[string]*cluster.Snapshot{"again": snapshot, "with shuffled lists": shuffled, "without shortcuts": snapshot.WithoutShortcuts()} {
				if diff := cmp.Diff(asJSON(t, drain.Simulate(again, target)), asJSON(t, plan)); diff != "" {
					t.Fatalf("seed %d, target %q, %s: the plan differs (-again +first):\n%s", seed, target, what, diff)
				}
			}
		}
		if asJSON(t, source.Objects()) != before {
			t.Fatalf("seed %d: the simulation changed an object", seed)
		}
	}
	if stops == 0 || downs == 0 {
		t.Errorf("%d stops and %d VMs shut down: the clusters are too good to tell anything", stops, downs)
	}
}
