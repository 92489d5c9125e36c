package drain

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Room is what the nodes of a cluster have left for pods. It answers where a pod could be bound as kube-scheduler v1.34 does with
// its default profile, except for volumes and devices claimed through DRA, which it does not look at.
//
// A Room is built once for each simulated order and changed as pods move. It is not for concurrent use. It tells pods apart by
// their pointers and remembers what it read of them, so a pod that it has seen must not be changed.
type Room struct {
	nodes  []*roomNode // by name
	places map[string]int
	pods   map[*corev1.Pod]*roomPod

	others     otherResources
	topologies map[string]*topology
	labelled   map[pair]nodeSet
	selected   map[string]nodeSet

	selections map[string]*selection
	index      labelIndex
	tallies    map[tallyKey]*tally
	tallied    selectionIndex[*tally]
	refusals   map[refusalKey]*refusal
	refusing   selectionIndex[*refusal]

	// scratch holds the key that is being looked up.
	scratch []byte
}

// roomNode is a node as the Room sees it.
type roomNode struct {
	object   *corev1.Node
	cordoned bool
	// taints are those that keep pods away, without the one that a cordon adds.
	taints      []corev1.Taint
	allocatable amounts
	left        amounts
	ports       []hostPort
}

// NewRoom returns what nodes have left beside the pods that are bound to them. Pods that have ended take no room, nor do those that
// are not bound or whose node is not among the nodes; those that are being deleted do.
func NewRoom(nodes []*corev1.Node, pods []*corev1.Pod) *Room {
	r := &Room{
		places: make(map[string]int, len(nodes)), pods: make(map[*corev1.Pod]*roomPod, len(pods)),
		others:     otherResources{numbers: map[corev1.ResourceName]int{}},
		topologies: map[string]*topology{}, labelled: map[pair]nodeSet{}, selected: map[string]nodeSet{},
		selections: map[string]*selection{}, index: labelIndex{},
		tallies: map[tallyKey]*tally{}, tallied: newSelectionIndex[*tally](),
		refusals: map[refusalKey]*refusal{}, refusing: newSelectionIndex[*refusal](),
	}
	for _, node := range nodes {
		r.nodes = append(r.nodes, r.newNode(node))
	}
	slices.SortFunc(r.nodes, func(a, b *roomNode) int { return strings.Compare(a.object.Name, b.object.Name) })
	for i, node := range r.nodes {
		r.places[node.object.Name] = i
	}
	for _, pod := range pods {
		if pod.Spec.NodeName != "" && !cluster.IsEnded(pod) {
			r.Add(pod, pod.Spec.NodeName)
		}
	}
	return r
}

func (r *Room) newNode(node *corev1.Node) *roomNode {
	n := &roomNode{object: node, cordoned: node.Spec.Unschedulable, allocatable: r.others.amountsOf(node.Status.Allocatable)}
	n.left = n.allocatable
	n.left.others = slices.Clone(n.allocatable.others)
	for _, taint := range node.Spec.Taints {
		if taint.Effect != corev1.TaintEffectPreferNoSchedule && taint.Key != corev1.TaintNodeUnschedulable {
			n.taints = append(n.taints, taint)
		}
	}
	return n
}

// Cordon makes a node unschedulable, which also taints it. It does nothing to a node that the Room does not have.
func (r *Room) Cordon(node string) { r.setCordoned(node, true) }

// Uncordon makes a node schedulable again; its other taints stay.
func (r *Room) Uncordon(node string) { r.setCordoned(node, false) }

func (r *Room) setCordoned(node string, cordoned bool) {
	if place, ok := r.places[node]; ok {
		r.nodes[place].cordoned = cordoned
	}
}

// Add binds a pod to a node, whether it fits or not. A pod that is bound already moves. Where the Room does not have the node, the
// pod takes no room any more.
func (r *Room) Add(pod *corev1.Pod, node string) {
	r.Remove(pod)
	if place, ok := r.places[node]; ok {
		r.bind(r.podOf(pod), place)
	}
}

// Remove gives back the room that a pod takes. It does nothing for a pod that takes none.
func (r *Room) Remove(pod *corev1.Pod) {
	if known, ok := r.pods[pod]; ok && known.place >= 0 {
		r.release(known)
	}
}

func (r *Room) bind(pod *roomPod, place int) {
	pod.place = place
	r.occupy(pod, 1)
	node := r.nodes[place]
	node.ports = append(node.ports, pod.ports...)
}

func (r *Room) release(pod *roomPod) {
	r.occupy(pod, -1)
	node := r.nodes[pod.place]
	for _, port := range pod.ports {
		if i := slices.Index(node.ports, port); i >= 0 {
			node.ports = slices.Delete(node.ports, i, i+1)
		}
	}
	pod.place = -1
}

// occupy adds a pod to all that is counted of its node, or takes it away.
func (r *Room) occupy(pod *roomPod, times int) {
	r.nodes[pod.place].left.change(&pod.request, -int64(times))
	for _, refusal := range pod.refusals {
		refusal.holders.change(pod.place, times)
	}
	r.tallied.each(pod.object.Labels, func(t *tally) {
		if t.counts(pod.object) {
			t.onNode.change(pod.place, times)
		}
	})
}

// Free returns what a node has left; negative where its pods request more than it has, nil where the Room does not have the node.
func (r *Room) Free(node string) corev1.ResourceList {
	place, ok := r.places[node]
	if !ok {
		return nil
	}
	return r.others.list(&r.nodes[place].left)
}
