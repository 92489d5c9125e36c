package cluster

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestAMemoRecallsTheSameObjectsOnly(t *testing.T) {
	memo := newMemo()
	nodes, _ := Lookup(Nodes)
	budgets, _ := Lookup(DisruptionBudgets)
	node := func(name string) client.Object { return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}} }
	one, two := node("node-1"), node("node-2")
	assemble := func(objects ...client.Object) *Snapshot {
		l := &loader{memo: memo}
		return l.assemble([]arrival{{resource: nodes, objects: slices.Clone(objects), print: memo.print(objects)}})
	}
	names := func(s *Snapshot) (names []string) {
		for _, node := range s.Nodes() {
			names = append(names, node.Name)
		}
		return names
	}
	first := assemble(one, two)
	if &assemble(two, one).nodes.items[0] != &first.nodes.items[0] {
		t.Error("the same objects in another order were indexed again")
	}
	renewed := node("node-2")
	for name, test := range map[string]struct {
		objects []client.Object
		want    []string
	}{
		"an object is gone":               {[]client.Object{one}, []string{"node-1"}},
		"an object is new":                {[]client.Object{one, two, node("node-3")}, []string{"node-1", "node-2", "node-3"}},
		"an object was replaced":          {[]client.Object{one, renewed}, []string{"node-1", "node-2"}},
		"no objects":                      {nil, nil},
		"an object in the place of other": {[]client.Object{one, node("node-4")}, []string{"node-1", "node-4"}},
	} {
		assemble(one, two)
		got := assemble(test.objects...)
		if !slices.Equal(names(got), test.want) {
			t.Errorf("%s: nodes %v, want %v", name, names(got), test.want)
		}
		if len(test.objects) == 2 && got.nodes.items[1] != test.objects[1] {
			t.Errorf("%s: the old object was recalled", name)
		}
	}
	assemble(one, two)
	l := &loader{memo: memo}
	if s := l.assemble(nil); len(s.Nodes()) != 0 {
		t.Errorf("a kind that could not be read has %d objects", len(s.Nodes()))
	}
	s := l.assemble([]arrival{
		{resource: nodes, objects: []client.Object{one, two}, print: memo.print([]client.Object{one, two})},
		{resource: budgets, print: memo.print(nil)},
	})
	if s.nodes.items[0] == nil || &s.nodes.items[0] == &first.nodes.items[0] {
		t.Error("a kind that was read now and not before made no difference")
	}
}

func TestABorrowedMemoSharesWhatIsMadeOfTheSameObjectsAndKeepsNothing(t *testing.T) {
	kept := newMemo()
	nodes, _ := Lookup(Nodes)
	pods, _ := Lookup(Pods)
	node, pod := client.Object(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}), client.Object(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}})
	assemble := func(memo *memo, node, pod client.Object) *Snapshot {
		l := &loader{memo: memo}
		return l.assemble([]arrival{
			{resource: nodes, objects: []client.Object{node}, print: memo.print([]client.Object{node})},
			{resource: pods, objects: []client.Object{pod}, print: memo.print([]client.Object{pod})},
		})
	}
	other := assemble(kept.borrow(), node, pod)
	if len(other.Nodes()) != 1 || kept.last.Load() != nil {
		t.Error("what was borrowed was kept")
	}
	first := assemble(kept, node, pod)
	second := assemble(kept.borrow(), node, pod.DeepCopyObject().(client.Object))
	if &second.nodes.items[0] != &first.nodes.items[0] || second.pods.items[0] == first.pods.items[0] {
		t.Error("of a changed kind and one that is the same, not just the changed one was indexed again")
	}
	if same := assemble(kept.borrow(), node, pod); !first.Kept() || second.Kept() || same.Kept() || kept.last.Load().made == nil {
		t.Errorf("first %t, with a change %t, the same %t count as the watch cache's", first.Kept(), second.Kept(), same.Kept())
	}
	if again := assemble(kept, node, pod); &again.pods.items[0] != &first.pods.items[0] {
		t.Error("what was borrowed took the place of what was kept")
	}
}
