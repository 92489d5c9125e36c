package drain

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Placement is where several pods go that must all find room.
type Placement struct {
	// Pods are the pods in the order in which they were given.
	Pods []Placed
}

// Placed is where one pod goes.
type Placed struct {
	// Pod is the pod.
	Pod *corev1.Pod
	// Node is the node that has room for it; empty where none has.
	Node string
	// Reasons says for each node why not there, where Node is empty.
	Reasons map[string]Reason
	// Confidence is how sure it is that the pod finds no room. Certain: no node would take it even if it were alone. Likely: a node
	// would take it alone, but the other pods take that room. Possible: there is room for all, but only in a lucky order; Node is
	// then set. Empty where the pod finds room.
	Confidence Confidence
}

// Unplaced returns the pods that find no room.
func (p Placement) Unplaced() []Placed {
	return slices.DeleteFunc(slices.Clone(p.Pods), func(placed Placed) bool { return placed.Node != "" })
}

// candidate is a pod that PlaceAll looks for a node for.
type candidate struct {
	pod *roomPod
	// choices is on how many nodes it could be bound if it were the only one, and alone why on none; nil where there are some.
	choices int
	alone   map[string]Reason
	// lucky is true where its node was found only by moving others of the pods.
	lucky bool
}

// PlaceAll looks for a node for each pod and binds the pods that find one. The pods that fewest nodes would take come first, and of
// these the largest by memory; each goes to the node that would be least allocated, as kube-scheduler scores with its default
// profile. Where some find no room, and they are few, others of the pods are moved to make room.
func (r *Room) PlaceAll(pods []*corev1.Pod) Placement {
	candidates := make([]*candidate, len(pods))
	for i, pod := range pods {
		r.Remove(pod)
		candidates[i] = &candidate{pod: r.podOf(pod)}
	}
	for _, c := range candidates {
		if c.choices = r.choices(c.pod); c.choices == 0 {
			c.alone = r.Feasible(c.pod.object).Reasons
		}
	}
	ordered := slices.Clone(candidates)
	slices.SortStableFunc(ordered, compareCandidates)
	if left := r.placeInOrder(ordered); len(left) > 0 {
		r.makeRoom(ordered, left)
	}
	placement := Placement{Pods: make([]Placed, len(pods))}
	for i, c := range candidates {
		placement.Pods[i] = r.placed(c)
	}
	return placement
}

// choices returns on how many nodes a pod could be bound now.
func (r *Room) choices(pod *roomPod) int {
	o, choices := r.obstaclesOf(pod), 0
	for place := range r.nodes {
		if o.class(place) == "" {
			choices++
		}
	}
	return choices
}

func compareCandidates(a, b *candidate) int {
	return cmp.Or(
		cmp.Compare(a.choices, b.choices),
		cmp.Compare(b.pod.request.memory, a.pod.request.memory),
		cmp.Compare(b.pod.request.milliCPU, a.pod.request.milliCPU),
		cmp.Compare(a.pod.object.Namespace, b.pod.object.Namespace),
		cmp.Compare(a.pod.object.Name, b.pod.object.Name),
	)
}

// placeInOrder binds each pod to its best node, and returns those that find none. Pods that must be near others, or spread with them,
// may find one when the others are bound.
func (r *Room) placeInOrder(candidates []*candidate) []*candidate {
	for {
		var left []*candidate
		for _, c := range candidates {
			if !r.bindBest(c.pod) {
				left = append(left, c)
			}
		}
		if len(left) == 0 || len(left) == len(candidates) {
			return left
		}
		candidates = left
	}
}

// bindBest binds a pod to its best node, if there is one.
func (r *Room) bindBest(pod *roomPod) bool {
	place := r.bestNode(pod)
	if place >= 0 {
		r.bind(pod, place)
	}
	return place >= 0
}

// bestNode returns the node on which a pod could be bound that would then be least allocated; of equals the first by name; -1 where
// it could be bound to none.
func (r *Room) bestNode(pod *roomPod) int {
	best, bestScore := -1, int64(-1)
	o := r.obstaclesOf(pod)
	for place, node := range r.nodes {
		if o.class(place) != "" {
			continue
		}
		if score := node.score(&pod.request); score > bestScore {
			best, bestScore = place, score
		}
	}
	return best
}

// score is how much of a node's CPU and memory would be left with one more pod, in parts of 20,000
// (noderesources.leastResourceScorer, which scores in parts of 100).
func (n *roomNode) score(request *amounts) int64 {
	return leftShare(n.left.milliCPU-request.milliCPU, n.allocatable.milliCPU) + leftShare(n.left.memory-request.memory, n.allocatable.memory)
}

func leftShare(left, allocatable int64) int64 {
	const whole = 10_000
	if allocatable <= 0 || left <= 0 {
		return 0
	}
	return int64(float64(left) / float64(allocatable) * whole)
}

// placed says where a pod went.
func (r *Room) placed(c *candidate) Placed {
	placed := Placed{Pod: c.pod.object}
	switch {
	case c.pod.place >= 0:
		placed.Node = r.nodes[c.pod.place].object.Name
		if c.lucky {
			placed.Confidence = Possible
		}
	case c.isHopeless():
		placed.Reasons, placed.Confidence = c.alone, Certain
	default:
		placed.Reasons, placed.Confidence = r.Feasible(c.pod.object).Reasons, Likely
	}
	return placed
}

// isHopeless tells whether no node would take a pod even if it were alone, whatever the other pods do: affinity and spread can change
// with them.
func (c *candidate) isHopeless() bool {
	for _, reason := range c.alone {
		if reason.Class == PodAffinity || reason.Class == TopologySpread {
			return false
		}
	}
	return c.choices == 0
}
