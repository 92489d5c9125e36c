package drain_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// outcome is what a test looks at of a placed pod.
type outcome struct {
	Pod, Node  string
	Confidence drain.Confidence
	Reasons    map[string]drain.Reason
}

func TestPlaceAll(t *testing.T) {
	sized := func(name, memory string) *corev1.Node { return newNode(name, having(corev1.ResourceMemory, memory)) }
	little := func(node string) map[string]drain.Reason { return notOn(node, drain.Resources, "Insufficient memory") }
	insufficient := drain.Reason{Class: drain.Resources, Text: "Insufficient memory"}
	for _, c := range []struct {
		name  string
		nodes []*corev1.Node
		bound []*corev1.Pod
		pods  []*corev1.Pod
		want  []outcome
	}{
		{name: "each pod goes to the node with most room", nodes: nodes(newNode("a"), newNode("b")), bound: pods(newPod("q", on("a"), memory(8))),
			pods: pods(newPod("p", memory(4)), newPod("r", memory(12))),
			want: []outcome{{Pod: "p", Node: "a"}, {Pod: "r", Node: "b"}}},
		{name: "of equal nodes the first by name is taken", nodes: nodes(newNode("b"), newNode("a")), pods: pods(newPod("p", memory(4))),
			want: []outcome{{Pod: "p", Node: "a"}}},
		{name: "room is counted by share, not by size", nodes: nodes(sized("a", "64Gi"), sized("b", "32Gi")), bound: pods(newPod("q", on("a"), memory(40))),
			pods: pods(newPod("p", memory(4))), want: []outcome{{Pod: "p", Node: "b"}}},
		{name: "the pod that only one node takes comes before a larger one", nodes: nodes(newNode("a", labelled("gpu", "true")), newNode("b")),
			bound: pods(newPod("q", on("b"), memory(4))), pods: pods(newPod("large", memory(28)), newPod("pinned", memory(20), selecting("gpu", "true"))),
			want: []outcome{{Pod: "large", Node: "b"}, {Pod: "pinned", Node: "a"}}},
		{name: "a pod that no node would take alone certainly finds no room", nodes: nodes(sized("a", "8Gi")), pods: pods(newPod("large", memory(9)), newPod("small", memory(1))),
			want: []outcome{{Pod: "large", Confidence: drain.Certain, Reasons: little("a")}, {Pod: "small", Node: "a"}}},
		{name: "a pod whose room the others take likely finds none", nodes: nodes(sized("a", "8Gi"), sized("b", "8Gi")),
			pods: pods(newPod("p", memory(5)), newPod("q", memory(5)), newPod("r", memory(5))),
			want: []outcome{{Pod: "p", Node: "a"}, {Pod: "q", Node: "b"}, {Pod: "r", Confidence: drain.Likely, Reasons: map[string]drain.Reason{"a": insufficient, "b": insufficient}}}},
		{name: "room that is there only in a lucky order is possibly not found", nodes: nodes(sized("a", "9Gi"), sized("b", "6Gi")),
			pods: pods(newPod("p", memory(5)), newPod("q", memory(4)), newPod("r", memory(3)), newPod("s", memory(3))),
			want: []outcome{{Pod: "p", Node: "a"}, {Pod: "q", Node: "a"}, {Pod: "r", Node: "b"}, {Pod: "s", Node: "b", Confidence: drain.Possible}}},
		{name: "a pod that waits for another to be near is placed after it", nodes: nodes(newNode("a"), newNode("b")),
			pods: pods(newPod("large", memory(20), near(term("db"))), newPod("db", app("db"), memory(1))),
			want: []outcome{{Pod: "large", Node: "a"}, {Pod: "db", Node: "a"}}},
		{name: "a pod that waits for another that never comes is not certain", nodes: nodes(newNode("a")), pods: pods(newPod("p", near(term("db")))),
			want: []outcome{{Pod: "p", Confidence: drain.Likely, Reasons: notOn("a", drain.PodAffinity, lonely)}}},
		{name: "a bound pod is taken from its node first", nodes: nodes(sized("a", "8Gi")), bound: pods(), pods: pods(newPod("p", memory(8), on("a"))),
			want: []outcome{{Pod: "p", Node: "a"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			room := drain.NewRoom(c.nodes, append(c.bound, c.pods...))
			var got []outcome
			for _, placed := range room.PlaceAll(c.pods).Pods {
				got = append(got, outcome{placed.Pod.Name, placed.Node, placed.Confidence, placed.Reasons})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("placed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlaceAllBindsWhatItPlaces(t *testing.T) {
	room := drain.NewRoom(nodes(newNode("a"), newNode("b", cordoned)), nil)
	placement := room.PlaceAll(pods(newPod("p", memory(20)), newPod("q", memory(20))))
	free := room.Free("a")
	if got := free.Memory().String(); got != "12Gi" {
		t.Errorf("free memory is %s", got)
	}
	if unplaced := placement.Unplaced(); len(unplaced) != 1 || unplaced[0].Pod.Name != "q" {
		t.Errorf("unplaced: %v", unplaced)
	}
}

// The search for room ends by itself, leaves all as it was where it fails, and never overcommits a node.
func TestMakingRoomIsBounded(t *testing.T) {
	var all []*corev1.Node
	var wanting []*corev1.Pod
	for i := range 16 {
		all = append(all, newNode(fmt.Sprintf("node-%02d", i), having(corev1.ResourcePods, "250")))
	}
	for i := range 16*6 + 12 {
		wanting = append(wanting, newPod(fmt.Sprintf("pod-%03d", i), memory(5)))
	}
	room := drain.NewRoom(all, nil)
	unplaced := room.PlaceAll(wanting).Unplaced()
	if len(unplaced) != 12 {
		t.Errorf("%d pods find no room", len(unplaced))
	}
	for _, node := range all {
		free := room.Free(node.Name)
		if got := free.Memory().String(); got != "2Gi" {
			t.Errorf("free memory of %s is %s", node.Name, got)
		}
	}
}
