package drain_test

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// migrating is a cluster with the launchers that would start if all its VMs migrated.
type migrating struct {
	snapshot *cluster.Snapshot
	targets  []*corev1.Pod
}

// newMigrating makes a cluster whose VMs ask for what those of a real one do: a CPU like their host's, a network, and a node apart
// from themselves. Every one has been migrated before.
func newMigrating(b *testing.B, size clustertest.Size) migrating {
	b.Helper()
	generated := clustertest.Generate(size)
	for _, object := range generated.Objects() {
		switch o := object.(type) {
		case *corev1.Node:
			for _, label := range []string{"cpu-model-migration.node.kubevirt.io/Skylake", "network.harvesterhci.io/mgmt"} {
				o.Labels[label] = "true"
			}
			for _, feature := range cpuFeatures() {
				o.Labels[feature] = "true"
			}
		case *corev1.Pod:
			if cluster.IsLauncher(o) {
				askLikeLauncher(o)
			}
		}
	}
	m := migrating{snapshot: cluster.Load(context.Background(), generated, clustertest.Now())}
	for _, pod := range m.snapshot.Pods() {
		if cluster.IsLauncher(pod) {
			vmi := &kubevirtv1.VirtualMachineInstance{}
			m.targets = append(m.targets, drain.MigrationTarget(vmi, pod, m.snapshot.Node(pod.Spec.NodeName)))
		}
	}
	return m
}

func cpuFeatures() []string {
	var features []string
	for _, name := range []string{"aes", "avx", "avx2", "bmi1", "bmi2", "erms", "f16c", "fma", "hle", "invpcid", "mpx", "pcid", "rdseed", "rtm", "smap", "smep", "vme", "xsave"} {
		features = append(features, kubevirtv1.CPUFeatureLabel+name)
	}
	return features
}

func askLikeLauncher(pod *corev1.Pod) {
	pod.Spec.NodeSelector["cpu-model-migration.node.kubevirt.io/Skylake"] = "true"
	for _, feature := range cpuFeatures() {
		pod.Spec.NodeSelector[feature] = "true"
	}
	requests("devices.kubevirt.io/kvm", "1")(pod)
	requiringNodes(corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
		{Key: "network.harvesterhci.io/mgmt", Operator: corev1.NodeSelectorOpIn, Values: []string{"true"}},
	}})(pod)
	self := term("")
	self.LabelSelector.MatchLabels = map[string]string{kubevirtv1.CreatedByLabel: pod.Labels[kubevirtv1.CreatedByLabel]}
	awayFrom(self)(pod)
}

// BenchmarkFeasible builds a Room and asks for every VM where it could go, which is what one simulated order does.
func BenchmarkFeasible(b *testing.B) {
	forSizes(b, func(b *testing.B, m migrating) {
		for b.Loop() {
			room := drain.NewRoom(m.snapshot.Nodes(), m.snapshot.Pods())
			for _, target := range m.targets {
				if len(room.Feasible(target).Nodes) == 0 {
					b.Fatal("a VM finds no room")
				}
			}
		}
		b.ReportMetric(float64(len(m.targets)), "pods")
	})
}

// BenchmarkNewRoom builds a Room.
func BenchmarkNewRoom(b *testing.B) {
	forSizes(b, func(b *testing.B, m migrating) {
		for b.Loop() {
			drain.NewRoom(m.snapshot.Nodes(), m.snapshot.Pods())
		}
	})
}

// BenchmarkPlaceAll drains every node once, as one simulated order does.
func BenchmarkPlaceAll(b *testing.B) {
	forSizes(b, func(b *testing.B, m migrating) {
		for b.Loop() {
			room := drain.NewRoom(m.snapshot.Nodes(), m.snapshot.Pods())
			for _, node := range m.snapshot.Nodes() {
				room.Cordon(node.Name)
				var moving []*corev1.Pod
				for _, pod := range m.snapshot.PodsOn(node.Name) {
					if cluster.IsLauncher(pod) {
						moving = append(moving, pod)
					}
				}
				if len(room.PlaceAll(moving).Unplaced()) > 0 {
					b.Fatal("a VM finds no room")
				}
				room.Uncordon(node.Name)
			}
		}
	})
}

// BenchmarkMakeRoom drains a full node of each size's cluster in vain: the search for room runs to its bound.
func BenchmarkMakeRoom(b *testing.B) {
	forSizes(b, func(b *testing.B, m migrating) {
		for b.Loop() {
			b.StopTimer()
			room := drain.NewRoom(m.snapshot.Nodes(), nil)
			var wanting []*corev1.Pod
			for i := range len(m.snapshot.Nodes())*5 + 12 {
				wanting = append(wanting, newPod(fmt.Sprintf("pod-%03d", i), memory(50)))
			}
			b.StartTimer()
			if len(room.PlaceAll(wanting).Unplaced()) != 12 {
				b.Fatal("more than five pods of 50 GiB on a node of 256 GiB")
			}
		}
	})
}

func forSizes(b *testing.B, run func(*testing.B, migrating)) {
	for _, size := range clustertest.Sizes() {
		b.Run(size.Name, func(b *testing.B) {
			m := newMigrating(b, size)
			b.ReportAllocs()
			run(b, m)
		})
	}
}
