package drain_test

import (
	"strings"
	"testing"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

const gib = int64(1) << 30

// storageNode returns Longhorn's view of a node with one disk, disk-NODE, of which 100 GiB are left to promise.
func storageNode(name string, changes ...func(*lhv1.Node)) *lhv1.Node {
	n := &lhv1.Node{ObjectMeta: ofLonghorn(name)}
	n.Spec.AllowScheduling = true
	n.Spec.Disks = map[string]lhv1.DiskSpec{"disk-" + name: {AllowScheduling: true}}
	n.Status.DiskStatus = map[string]*lhv1.DiskStatus{"disk-" + name: {
		DiskUUID: "uuid-" + name, StorageAvailable: 1000 * gib, StorageMaximum: 1000 * gib, StorageScheduled: 900 * gib,
		Conditions: []lhv1.Condition{{Type: lhv1.DiskConditionTypeSchedulable, Status: lhv1.ConditionStatusTrue}},
	}}
	n.Status.Conditions = []lhv1.Condition{{Type: lhv1.NodeConditionTypeReady, Status: lhv1.ConditionStatusTrue}}
	return changed(n, changes)
}

func notScheduling(n *lhv1.Node) { n.Spec.AllowScheduling = false }

func diskUnschedulable(n *lhv1.Node) {
	for _, status := range n.Status.DiskStatus {
		status.Conditions[0].Status = lhv1.ConditionStatusFalse
	}
}

func diskEvicted(n *lhv1.Node) {
	for name := range n.Spec.Disks {
		n.Spec.Disks[name] = lhv1.DiskSpec{AllowScheduling: true, EvictionRequested: true}
	}
}

func withSecondDisk(n *lhv1.Node) {
	n.Spec.Disks["second"] = lhv1.DiskSpec{AllowScheduling: true}
	n.Status.DiskStatus["second"] = &lhv1.DiskStatus{DiskUUID: "uuid-second", StorageAvailable: 1000 * gib, StorageMaximum: 1000 * gib}
}

// volumeOn returns an attached, healthy volume of 60 GiB with a running replica on each of some nodes, and its engine on the first.
func volumeOn(name string, wanted int, nodes ...string) []client.Object {
	v := &lhv1.Volume{ObjectMeta: ofLonghorn(name)}
	v.Spec.NumberOfReplicas, v.Spec.Size, v.Status.ActualSize = wanted, 60*gib, 6*gib
	v.Status.State, v.Status.Robustness = lhv1.VolumeStateAttached, lhv1.VolumeRobustnessHealthy
	e := &lhv1.Engine{ObjectMeta: ofLonghorn(name + "-e-0")}
	e.Spec.VolumeName, e.Spec.NodeID, e.Status.CurrentState = name, nodes[0], lhv1.InstanceStateRunning
	e.Status.ReplicaModeMap = map[string]lhv1.ReplicaMode{}
	objects := []client.Object{v, e}
	for _, node := range nodes {
		r := copyOf(node, func(r *lhv1.Replica) {
			r.Name, r.Spec.VolumeName, r.Spec.DiskID = name+"-r-"+node, name, "uuid-"+node
		})
		e.Status.ReplicaModeMap[r.Name] = lhv1.ReplicaModeRW
		objects = append(objects, r)
	}
	return objects
}

func TestWhatAnOutageLeavesBehind(t *testing.T) {
	abc := []string{"a", "b", "c"}
	for name, c := range map[string]struct {
		nodes   []string
		storage []client.Object
		volumes []client.Object
		// stuck is the node that hangs in Pre-draining on what the one before left; empty where none does.
		stuck, because string
	}{
		"a replica comes back to its disk": {nodes: abc, storage: []client.Object{storageNode("a"), storageNode("b"), storageNode("c")}, volumes: volumeOn("v", 3, "a", "b", "c")},
		"a node that takes no replicas strands the volume": {
			nodes: abc, storage: []client.Object{storageNode("a", notScheduling), storageNode("b"), storageNode("c")}, volumes: volumeOn("v", 3, "a", "b", "c"),
			stuck: "b", because: "volume v would still be without its replica of a",
		},
		"a disk that is evicted strands the volume": {
			nodes: abc, storage: []client.Object{storageNode("a", diskEvicted), storageNode("b"), storageNode("c")}, volumes: volumeOn("v", 3, "a", "b", "c"),
			stuck: "b", because: "volume v would still be without its replica of a",
		},
		"another disk of the same node takes a new one": {
			nodes: abc, storage: []client.Object{storageNode("a", diskUnschedulable, withSecondDisk), storageNode("b"), storageNode("c")}, volumes: volumeOn("v", 3, "a", "b", "c"),
		},
		"a node without a replica takes a new one": {
			nodes: abc, storage: []client.Object{storageNode("a", notScheduling), storageNode("b"), storageNode("c")}, volumes: volumeOn("v", 2, "a", "b"),
		},
		"room for one is no room for two": {
			nodes: abc, storage: []client.Object{storageNode("a", notScheduling), storageNode("b"), storageNode("c")},
			volumes: append(volumeOn("v", 2, "a", "b"), volumeOn("w", 2, "a", "b")...), stuck: "b", because: "volume w would still be without its replica of a",
		},
		"the last node strands nothing, for no other comes after": {
			nodes: abc, storage: []client.Object{storageNode("a"), storageNode("b"), storageNode("c", notScheduling)}, volumes: volumeOn("v", 3, "a", "b", "c"),
		},
		"on two nodes the other's replica is not enough": {
			nodes: []string{"a", "b"}, storage: []client.Object{storageNode("a", notScheduling), storageNode("b")}, volumes: volumeOn("v", 3, "a", "b"),
			stuck: "b", because: "volume v would still be without its replica of a",
		},
		"on two nodes a volume that wants one replica waits for one": {
			nodes: []string{"a", "b"}, storage: []client.Object{storageNode("a", notScheduling), storageNode("b")}, volumes: volumeOn("v", 1, "a", "b"),
		},
		"without rebuilds every volume is stranded": {
			nodes: abc, storage: []client.Object{storageNode("a"), storageNode("b"), storageNode("c"), longhornSetting("concurrent-replica-rebuild-per-node-limit", "0")},
			volumes: volumeOn("v", 3, "a", "b", "c"), stuck: "b", because: "Longhorn would rebuild nothing after a, where it has 1 replica in use",
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := append(c.storage, c.volumes...)
			for _, node := range c.nodes {
				objects = append(objects, harvesterNode(node), machine("m-"+node, node, "worker"))
			}
			plan := drain.Simulate(snapshotOfObjects(t, objects...), "v1.8.0")
			found := ""
			for _, node := range plan.Nodes {
				for _, stop := range node.Stops {
					found += node.Node + ": " + stop.Because
				}
			}
			if c.stuck == "" && found != "" || c.stuck != "" && !strings.HasPrefix(found, c.stuck+": "+c.because) {
				t.Errorf("stops %q, want %q at %q", found, c.because, c.stuck)
			}
		})
	}
}

func TestAVolumeWithItsGoodReplicasOnOneNodeIsLostWithIt(t *testing.T) {
	objects := append(volumeOn("alone", 1, "a"), volumeOn("pair", 2, "a", "b")...)
	objects = append(objects, harvesterNode("a"), harvesterNode("b"), machine("m1", "a", "worker"), machine("m2", "b", "worker"), storageNode("a"), storageNode("b"))
	plan := drain.Simulate(snapshotOfObjects(t, objects...), "v1.8.0")
	first, second := plan.Nodes[0], plan.Nodes[1]
	if len(first.Losses) != 1 || first.Losses[0].Volume != "alone" || !first.Losses[0].Used || first.Losses[0].Check != "single-replica-volumes" || len(second.Losses) != 0 {
		t.Errorf("losses %+v and %+v", first.Losses, second.Losses)
	}
	if first.Rebuilds != 2 || first.RebuildBytes != 12*gib {
		t.Errorf("%d rebuilds of %d bytes, want 2 of 12 GiB", first.Rebuilds, first.RebuildBytes)
	}
}
