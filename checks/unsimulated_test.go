package checks

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

func TestWhatCouldNotBeSimulatedIsNamedUpToAFew(t *testing.T) {
	silent := func(count int) (all []drain.Unknown) {
		for i := range count {
			node := &corev1.Node{}
			node.Name = fmt.Sprintf("node-%d", i)
			all = append(all, drain.Unknown{Object: node, Because: "is silent"})
		}
		return all
	}
	for name, c := range map[string]struct {
		unknown []drain.Unknown
		want    []string
	}{
		"nothing is no gap":                         {nil, nil},
		"what is no single object is told as it is": {[]drain.Unknown{{Because: "the order is not known"}}, []string{"the order is not known"}},
		"four are all named":                        {silent(4), []string{"Node node-0: is silent", "Node node-1: is silent", "Node node-2: is silent", "Node node-3: is silent"}},
		"more are counted after the first three":    {silent(100), []string{"Node node-0: is silent", "Node node-1: is silent", "Node node-2: is silent", "97 more could not be simulated"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Pass{}
			reportUnsimulated(p, drain.Plan{Unknown: c.unknown})
			var got []string
			for _, gap := range conclude(Check{}, p).Gaps {
				got = append(got, gap.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
		})
	}
}
