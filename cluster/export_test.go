package cluster

// SharedTrim returns what the watch cache makes of an object that it is told of, for benchmarks outside of the package. The objects of one
// call share with each other.
func SharedTrim() func(Resource, any) (any, error) {
	s := newSharing()
	return func(resource Resource, object any) (any, error) { return s.trim(resource)(object) }
}

// Members returns how many load the source now, those who wait for their turn among them.
func (t *Together) Members() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, r := range []*reading{t.current, t.next} {
		if r != nil {
			n += r.members
		}
	}
	return n
}
