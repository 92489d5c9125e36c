package drain

// The bounds of the search for room. They are counted in steps, so that the same cluster always gives the same plan.
const (
	// maxUnplaced is how many pods may be left without a node for the search to be worth it.
	maxUnplaced = 12
	// maxSearchSteps is how many times the search may look for a pod's nodes: some milliseconds.
	maxSearchSteps = 2000
	// maxMoves is how many pods may be moved to make room for one.
	maxMoves = 3
)

// search looks for room by moving pods that were placed.
type search struct {
	room  *Room
	steps int
	// movable are the pods that may be moved, on each node.
	movable map[*roomPod]bool
	order   []*roomPod
}

// makeRoom tries to bind the pods that are left by moving others of the candidates: a backtracking search, bounded by its number of
// steps and by how many pods are moved for one. Pods that no node would take alone are not tried.
func (r *Room) makeRoom(candidates, left []*candidate) {
	if len(left) > maxUnplaced {
		return
	}
	s := &search{room: r, steps: maxSearchSteps, movable: map[*roomPod]bool{}}
	for _, c := range candidates {
		s.order = append(s.order, c.pod)
		s.movable[c.pod] = true
	}
	for _, c := range left {
		if !c.isHopeless() && s.place(c.pod, maxMoves) {
			c.lucky = true
		}
	}
}

// place binds a pod, moving up to so many others. Where it cannot, it leaves all as it was.
func (s *search) place(pod *roomPod, moves int) bool {
	if s.steps <= 0 {
		return false
	}
	s.steps--
	if place := s.room.bestNode(pod); place >= 0 {
		s.room.bind(pod, place)
		s.movable[pod] = true
		return true
	}
	if moves == 0 {
		return false
	}
	for _, other := range s.order {
		if other.place >= 0 && s.movable[other] && s.swap(pod, other, moves) {
			return true
		}
	}
	return false
}

// swap binds a pod to the node of another, which must find another node.
func (s *search) swap(pod, other *roomPod, moves int) bool {
	if s.steps <= 0 {
		return false
	}
	s.steps--
	place := other.place
	s.room.release(other)
	o := s.room.obstaclesOf(pod)
	if o.class(place) == "" {
		s.room.bind(pod, place)
		s.movable[pod] = false
		if s.place(other, moves-1) {
			s.movable[pod] = true
			return true
		}
		s.movable[pod] = true
		s.room.release(pod)
	}
	s.room.bind(other, place)
	return false
}
