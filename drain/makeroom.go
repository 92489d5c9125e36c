package drain

// The bounds of the search for room. They are counted in steps, so that the same cluster always gives the same plan.
const (
	// maxUnplaced is how many pods may be left without a node for the search to be worth it.
	maxUnplaced = 12
	// maxSearchSteps is how many times the search may try to bind a pod: some milliseconds.
	maxSearchSteps = 2000
	// maxMoves is how many pods may be moved to make room for one.
	maxMoves = 3
)

// search looks for room by moving pods that were placed.
type search struct {
	room  *Room
	pods  []*roomPod
	steps int
}

// makeRoom tries to bind the pods that are left by moving others of the candidates: a backtracking search that first moves one pod
// for each, then two, then three, and gives each the same number of steps. Pods that no node would take alone are not tried.
func (r *Room) makeRoom(candidates, left []*candidate) {
	if len(left) > maxUnplaced {
		return
	}
	s := &search{room: r}
	for _, c := range candidates {
		s.pods = append(s.pods, c.pod)
	}
	for _, c := range left {
		s.steps = maxSearchSteps / len(left)
		for moves := 0; moves <= maxMoves && !c.isHopeless() && !c.lucky; moves++ {
			c.lucky = s.place(c.pod, moves)
		}
	}
}

// place binds a pod, moving up to so many others. Where it cannot, it leaves all as it was.
func (s *search) place(pod *roomPod, moves int) bool {
	if s.steps--; s.steps < 0 {
		return false
	}
	if s.room.bindBest(pod) {
		return true
	}
	for _, other := range s.pods {
		if moves > 0 && other.place >= 0 && s.swap(pod, other, moves-1) {
			return true
		}
	}
	return false
}

// swap binds a pod to the node of another, which must find another node.
func (s *search) swap(pod, other *roomPod, moves int) bool {
	if s.steps--; s.steps < 0 {
		return false
	}
	place := other.place
	s.room.release(other)
	if o := s.room.obstaclesOf(pod); o.class(place) == "" {
		s.room.bind(pod, place)
		if s.place(other, moves) {
			return true
		}
		s.room.release(pod)
	}
	s.room.bind(other, place)
	return false
}
