package report

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

func minutes(low, high int) drain.Range {
	return drain.Range{Low: time.Duration(low) * time.Minute, High: time.Duration(high) * time.Minute}
}

func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func moves(count int, to string) []drain.Move {
	var all []drain.Move
	for i := range count {
		all = append(all, drain.Move{Namespace: "shop", Name: fmt.Sprintf("web-%s-%d", strings.TrimPrefix(to, "node-"), i), To: to})
	}
	return all
}

// smallPlan is the plan of three nodes on which everything happens that can.
func smallPlan(t *testing.T) Plan {
	t.Helper()
	volume := &lhv1.Volume{ObjectMeta: named("longhorn-system", "pvc-1")}
	db := &kubevirtv1.VirtualMachineInstance{ObjectMeta: named("shop", "db-1")}
	return NewPlan(PlanInput{Snapshot: snapshot(t), Simulated: drain.Plan{
		Target: "v1.4.2", Orders: 2, Time: minutes(35, 190), Unknown: []drain.Unknown{{Object: &kubevirtv1.VirtualMachineInstance{ObjectMeta: named("shop", "old-1")}, Because: "it has no launcher pod on its node"}},
		Before: []drain.Stop{{
			State: drain.SystemServices, Confidence: drain.Likely, Object: &corev1.Node{ObjectMeta: named("", "node-1")},
			Because: "node-1 has 0.2 CPU that no pod requests, and the second instance manager requests 1.9",
			Remedy:  "stop or move pods of node-1.", Evidence: []string{"Node status.allocatable"},
		}},
		Nodes: []drain.NodePlan{
			{Node: "node-1", Position: 1, Of: 3, Tier: "etcd", Moves: append(moves(7, "node-2"), moves(2, "node-3")...), Evictions: 14, Rebuilds: 36, RebuildBytes: 480 << 30, Time: minutes(15, 70)},
			{Node: "node-2", Position: 2, Of: 3, Tier: "etcd", Moves: moves(1, "node-3"), Evictions: 1, Rebuilds: 1, RebuildBytes: 3 << 29, Time: minutes(15, 90),
				Stops: []drain.Stop{
					{State: drain.PreDrained, Confidence: drain.Certain, Object: volume, Because: "the budget of instance-manager-2 cannot go because replica pvc-1-r-0 on node-2 is the only good one of volume pvc-1", Check: "single-replica-volumes", Evidence: []string{"Replica status", "Replica status"}},
					{State: drain.PreDraining, Confidence: drain.Likely, Object: db, Because: "VM shop/db-1 is being migrated by db-1-x", Check: "in-flight-migrations", Transient: true, OrderDependent: true},
				},
				ShutDowns: []drain.ShutDown{{Namespace: "shop", Name: "gpu-1", Because: "it has the host device gpu", Confidence: drain.Certain, Check: "unmigratable-vms"}},
				Losses:    []drain.Loss{{Volume: "pvc-1", Used: true, Object: volume}}},
			{Node: "node-3", Position: 3, Of: 3, Tier: "etcd", Witness: true, Time: minutes(5, 30)},
		},
	}})
}

// stuckPlan is that of the example that hangs.
func stuckPlan(t *testing.T) Plan {
	t.Helper()
	folder, err := cluster.ReadFolder("../examples/clusters/stuck-pre-drained", cluster.FolderOptions{AssumeComplete: true})
	if err != nil {
		t.Fatal(err)
	}
	s := cluster.Load(context.Background(), folder, now)
	return NewPlan(PlanInput{Snapshot: s, Simulated: drain.Simulate(s, "v1.4.2")})
}

// hostilePlan is that of 64 nodes with the longest names and the worst texts that a cluster can hold.
func hostilePlan(t *testing.T) Plan {
	t.Helper()
	bad := "<script>&\"'\x1b[31m\u2028]]>"
	name := func(i int) string { return fmt.Sprintf("%02d-%s", i, strings.Repeat("m", 250)) }
	p := drain.Plan{Target: bad, Orders: 64, Time: minutes(1, 1), Unknown: make([]drain.Unknown, 300)}
	for i := range p.Unknown {
		p.Unknown[i].Because = fmt.Sprintf("%s %d %s", bad, i, name(i))
	}
	for i := range 64 {
		node := drain.NodePlan{Node: name(i), Position: i + 1, Of: 64, Tier: "worker", Time: minutes(i, i*i*10)}
		for j := range 200 {
			stop := drain.Stop{State: drain.PreDrained, Confidence: drain.Possible, Because: fmt.Sprintf("%s %d %s %[1]s", bad, j, name(j)), Remedy: bad, Evidence: []string{bad, name(j), "1", "2", "3", "4", "5"}}
			node.Stops = append(node.Stops, stop)
			node.ShutDowns = append(node.ShutDowns, drain.ShutDown{Namespace: bad, Name: name(j), Because: bad, Confidence: drain.Likely})
			node.Moves = append(node.Moves, drain.Move{Namespace: bad, Name: name(j), To: name(j % 70)})
			node.Losses = append(node.Losses, drain.Loss{Volume: name(j), Object: &lhv1.Volume{ObjectMeta: named(bad, name(j))}})
		}
		p.Nodes = append(p.Nodes, node)
		p.Before = append(p.Before, node.Stops[0])
	}
	return NewPlan(PlanInput{Snapshot: snapshot(t), Simulated: p})
}
