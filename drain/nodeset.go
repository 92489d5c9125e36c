package drain

// nodeSet is a set of nodes, each named by its place in the Room. A nil set is empty.
type nodeSet []uint64

func newNodeSet(nodes int) nodeSet { return make(nodeSet, (nodes+63)/64) }

func (s nodeSet) add(node int) { s[node/64] |= 1 << (node % 64) }

func (s nodeSet) has(node int) bool { return s != nil && s[node/64]&(1<<(node%64)) != 0 }

// keep leaves in the set only what is in the other too.
func (s nodeSet) keep(other nodeSet) {
	for i := range s {
		s[i] &= other[i]
	}
}

// topology tells which nodes share the value of a label.
type topology struct {
	// domains is each node's value, as a number from 0; -1 where the node does not have the label.
	domains []int
	// count is how many values there are.
	count int
}

// topology returns how a label divides the nodes. It is computed once for each label.
func (r *Room) topology(key string) *topology {
	if known, ok := r.topologies[key]; ok {
		return known
	}
	t := &topology{domains: make([]int, len(r.nodes))}
	numbers := map[string]int{}
	for i, node := range r.nodes {
		value, ok := node.object.Labels[key]
		if !ok {
			t.domains[i] = -1
			continue
		}
		number, ok := numbers[value]
		if !ok {
			number = len(numbers)
			numbers[value] = number
		}
		t.domains[i] = number
	}
	t.count = len(numbers)
	r.topologies[key] = t
	return t
}

// sum adds up for each domain what is counted on its nodes.
func (t *topology) sum(counts []int) []int {
	sums := make([]int, t.count)
	for i, domain := range t.domains {
		if domain >= 0 {
			sums[domain] += counts[i]
		}
	}
	return sums
}
