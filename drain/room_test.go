package drain_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

func TestRoomFollowsWhatMoves(t *testing.T) {
	room := drain.NewRoom(nodes(newNode("a", cordoned), newNode("b")), nil)
	web := newPod("web", app("web"), memory(8), port("", 80, ""), awayFrom(term("web")), requests("devices.kubevirt.io/kvm", "1"))
	next := newPod("next", app("web"), memory(30), port("", 80, ""), awayFrom(term("web")), spreading("web"))

	room.Uncordon("a")
	expect(t, "after the cordon ends", room, next, "a", "b")
	room.Add(web, "a")
	expect(t, "with a pod on a", room, next, "b")
	room.Add(web, "b")
	expect(t, "after it moved to b", room, next, "a")
	if got := room.Free("b"); got.Memory().String() != "24Gi" || got.Pods().Value() != 9 || got.Name("devices.kubevirt.io/kvm", "").Value() != 999 {
		t.Errorf("free on b: %v", got)
	}
	room.Add(web, "a node that is not there")
	expect(t, "after its node went away", room, next, "a", "b")
	room.Remove(web)
	room.Cordon("b")
	expect(t, "with b cordoned", room, next, "a")
	if room.Free("c") != nil {
		t.Error("a node that is not there has something free")
	}
}

func expect(t *testing.T, when string, room *drain.Room, pod *corev1.Pod, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, room.Feasible(pod).Nodes); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func TestRoomCountsAPodThatMovedOnce(t *testing.T) {
	web := newPod("web", on("a"), app("web"))
	room := drain.NewRoom(nodes(newNode("a"), newNode("b")), pods(web))
	skew := func(skew int32) *corev1.Pod {
		return newPod("p", app("web"), spreading("web", func(c *corev1.TopologySpreadConstraint) { c.MaxSkew, c.MatchLabelKeys = skew, []string{"app"}[:skew-1] }))
	}
	expect(t, "before it moves", room, skew(1), "b")
	room.Add(web, "b")
	expect(t, "after it moved", room, skew(2), "a", "b")
	expect(t, "after it moved", room, skew(1), "a")
}

func TestFreeIsNegativeOnAnOvercommittedNode(t *testing.T) {
	room := drain.NewRoom(nodes(newNode("a")), pods(newPod("q", on("a"), memory(40))))
	free := room.Free("a")
	if got := free.Memory().String(); got != "-8Gi" {
		t.Errorf("free memory is %s", got)
	}
}

// What was said to be feasible never overcommits a node, never breaks anti-affinity, and is the same for a Room that was changed
// step by step and for one that is built anew.
func TestFeasibleThenAddStaysConsistent(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	all := nodes(newNode("a", labelled(zone, "z1")), newNode("b", labelled(zone, "z1")), newNode("c", labelled(zone, "z2")))
	room := drain.NewRoom(all, nil)
	var bound []*corev1.Pod
	for step := range 400 {
		pod := randomPod(random, step)
		feasible := room.Feasible(pod)
		if diff := cmp.Diff(drain.NewRoom(all, bound).Feasible(pod), feasible); diff != "" {
			t.Fatalf("step %d: built anew (-) and changed (+) differ:\n%s", step, diff)
		}
		if len(feasible.Nodes)+len(feasible.Reasons) != len(all) {
			t.Fatalf("step %d: %d nodes and %d reasons", step, len(feasible.Nodes), len(feasible.Reasons))
		}
		if len(feasible.Nodes) > 0 {
			node := feasible.Nodes[random.IntN(len(feasible.Nodes))]
			room.Add(pod, node)
			pod.Spec.NodeName = node
			bound = append(bound, pod)
		}
		if len(bound) > 0 && (len(feasible.Nodes) == 0 || random.IntN(4) == 0) {
			i := random.IntN(len(bound))
			room.Remove(bound[i])
			bound = slices.Delete(bound, i, i+1)
		}
		for _, node := range all {
			for name, left := range room.Free(node.Name) {
				if left.Sign() < 0 {
					t.Fatalf("step %d: %s of %s is overcommitted: %s", step, name, node.Name, left.String())
				}
			}
		}
	}
}

func randomPod(random *rand.Rand, number int) *corev1.Pod {
	values := []string{"web", "db", "cache"}
	value := func() string { return values[random.IntN(len(values))] }
	pod := newPod("pod", app(value()), memory(1+random.IntN(12)))
	if random.IntN(4) == 0 {
		awayFrom(term(value(), per([]string{zone, corev1.LabelHostname}[random.IntN(2)])))(pod)
	}
	if random.IntN(6) == 0 {
		near(term(value(), per(zone)))(pod)
	}
	if random.IntN(5) == 0 {
		spreading(value())(pod)
	}
	if number%7 == 0 {
		port("", 80, "")(pod)
	}
	return pod
}
