package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// narrowed is what the scheduler says of the nodes that a pod's node affinity does not name, where it names all that it allows. It
// does not look at them at all.
const narrowed = "node(s) didn't satisfy plugin(s) [NodeAffinity]"

// reasons counts the nodes that are not available, by the scheduler's words for why. A node that lacks several resources counts for
// each.
type reasons map[string]int

// parseReasons reads what the scheduler says of a pod that it could not bind:
//
//	0/5 nodes are available: 1 node(s) were unschedulable, 4 Insufficient cpu. preemption: 0/5 nodes are available: …
func parseReasons(message string) (nodes int, found reasons, err error) {
	sentence, _, _ := strings.Cut(message, ". ")
	head, list, ok := strings.Cut(strings.TrimSuffix(sentence, "."), " nodes are available: ")
	if !ok {
		return 0, nil, fmt.Errorf("not what the scheduler says: %q", message)
	}
	if nodes, err = strconv.Atoi(strings.TrimPrefix(head, "0/")); err != nil {
		return 0, nil, fmt.Errorf("the number of nodes in %q: %w", message, err)
	}
	found = reasons{}
	for item := range strings.SplitSeq(list, ", ") {
		count, text, _ := strings.Cut(item, " ")
		number, err := strconv.Atoi(count)
		if err != nil { // said of all nodes at once, before any is looked at
			return nodes, reasons{normal(item): nodes}, nil
		}
		found[normal(text)] += number
	}
	return nodes, found, nil
}

// normal returns the scheduler's words, but for those that say the same in other words: v1.34 does not name the taint, and some
// node affinity is decided before nodes are looked at.
func normal(text string) string {
	switch {
	case strings.HasPrefix(text, "node(s) had untolerated taint"):
		return "node(s) had untolerated taint(s)"
	case text == "pod affinity terms conflict", strings.HasPrefix(text, "node(s) didn't satisfy plugin"):
		return narrowed
	}
	return text
}

// reasonsOf counts the reasons of the simulation in the same way. It leaves out the nodes that the scheduler does not look at.
func reasonsOf(feasibility drain.Feasibility, looksAt func(node string) bool) reasons {
	found := reasons{}
	for node, reason := range feasibility.Reasons {
		if !looksAt(node) {
			found[narrowed]++
			continue
		}
		for text := range strings.SplitSeq(reason.Text, ", ") {
			found[normal(text)]++
		}
	}
	return found
}

func (r reasons) String() string {
	var all []string
	for _, text := range slices.Sorted(maps.Keys(r)) {
		all = append(all, named("%d %s", r[text], text))
	}
	return strings.Join(all, ", ")
}

func TestReasonsAreReadFromTheSchedulersSentence(t *testing.T) {
	for _, test := range []struct {
		message string
		nodes   int
		want    reasons
	}{
		{"0/5 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable, 4 Insufficient cpu. no new claims to deallocate, preemption: 0/5 nodes are available: 1 Preemption is not helpful for scheduling.",
			5, reasons{"Insufficient memory": 1, "node(s) were unschedulable": 1, "Insufficient cpu": 4}},
		{"0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 1 node(s) had untolerated taint {a: c}, 1 Insufficient example.com/gpu.",
			3, reasons{"node(s) had untolerated taint(s)": 2, "Insufficient example.com/gpu": 1}},
		{"0/3 nodes are available: pod affinity terms conflict. preemption: not helpful", 3, reasons{narrowed: 3}},
	} {
		nodes, got, err := parseReasons(test.message)
		if err != nil || nodes != test.nodes {
			t.Errorf("%q: %d nodes, %v", test.message, nodes, err)
		}
		if diff := cmp.Diff(got, test.want); diff != "" {
			t.Errorf("%q (-got +want):\n%s", test.message, diff)
		}
	}
}
