package drain

import "slices"

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

// with adds to a set all that is in the other, which it does not keep.
func (s nodeSet) with(other nodeSet) nodeSet {
	if s == nil {
		return slices.Clone(other)
	}
	for i := range s {
		s[i] |= other[i]
	}
	return s
}

// nodeCounts counts something on the few nodes where it is.
type nodeCounts []nodeCount

type nodeCount struct{ node, count int32 }

func (c *nodeCounts) change(node, by int) {
	for i := range *c {
		if (*c)[i].node == int32(node) {
			(*c)[i].count += int32(by)
			return
		}
	}
	*c = append(*c, nodeCount{int32(node), int32(by)})
}

// topology tells which nodes share the value of a label.
type topology struct {
	// domains is each node's value, as a number from 0; -1 where the node does not have the label.
	domains []int
	// members are the nodes of each domain.
	members []nodeSet
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
			t.members = append(t.members, newNodeSet(len(r.nodes)))
		}
		t.domains[i] = number
		t.members[number].add(i)
	}
	r.topologies[key] = t
	return t
}

// around adds to a set the nodes of all domains in which something is counted.
func (t *topology) around(counts nodeCounts, to nodeSet) nodeSet {
	for _, c := range counts {
		if domain := t.domains[c.node]; c.count > 0 && domain >= 0 {
			to = to.with(t.members[domain])
		}
	}
	return to
}
