package checks

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestWhatIsLeftOutDoesNotChangeTheOutcome(t *testing.T) {
	node := &corev1.Node{}
	node.Name = "node-1"
	leaveOut := func(p *Pass) {
		p.LeaveOut("two: no such field")
		p.LeaveOut("one: no such kind")
		p.LeaveOut("two: no such field")
	}
	both := []string{"one: no such kind", "two: no such field"}
	for name, c := range map[string]struct {
		run     func(*Pass)
		outcome Outcome
		because string
		leftOut []string
	}{
		"a check that looks at everything leaves nothing out": {func(*Pass) {}, Passed, "", nil},
		"a check that leaves something out passes":            {leaveOut, Passed, "", both},
		"a finding fails it all the same":                     {func(p *Pass) { leaveOut(p); p.Findf(node, "is bad") }, Failed, "", both},
		"a gap makes it unknown for the gap's reason":         {func(p *Pass) { leaveOut(p); p.Unknownf(node, "is silent") }, Unknown, "Node node-1: is silent", both},
		"a skip keeps its reason":                             {func(p *Pass) { leaveOut(p); p.Skip("does not apply") }, Skipped, "does not apply", both},
	} {
		t.Run(name, func(t *testing.T) {
			check := Check{Name: "sample", Severity: Block, Run: func(p *Pass) error { c.run(p); return nil }}
			result := Run(context.Background(), []Check{check}, Input{Snapshot: versionsOf(t, "v1.7.1", "v1.10.1")})[0]
			if result.Outcome != c.outcome || result.Because != c.because {
				t.Errorf("outcome is %s because %q, want %s because %q", result.Outcome, result.Because, c.outcome, c.because)
			}
			if diff := cmp.Diff(c.leftOut, result.LeftOut); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheReasonOfAnUnknownCheckCountsObjectsAndTellsWhatBelongsToNone(t *testing.T) {
	node := func(name string) *corev1.Node {
		n := &corev1.Node{}
		n.Name = name
		return n
	}
	for name, c := range map[string]struct {
		run  func(*Pass)
		want string
	}{
		"one object":   {func(p *Pass) { p.Unknownf(node("a"), "is silent") }, "Node a: is silent"},
		"two objects":  {func(p *Pass) { p.Unknownf(node("b"), "is silent"); p.Unknownf(node("a"), "is silent") }, "2 objects could not be judged, the first is Node a: is silent"},
		"no object":    {func(p *Pass) { p.UnknownPart("half is missing") }, "half is missing"},
		"one and more": {func(p *Pass) { p.UnknownPart("97 more could not be simulated"); p.Unknownf(node("a"), "is silent") }, "1 object could not be judged, the first is Node a: is silent; 97 more could not be simulated"},
		"two of none":  {func(p *Pass) { p.UnknownPart("one half is missing"); p.UnknownPart("so is the other") }, "one half is missing; so is the other"},
	} {
		t.Run(name, func(t *testing.T) {
			check := Check{Name: "sample", Severity: Block, Run: func(p *Pass) error { c.run(p); return nil }}
			result := Run(context.Background(), []Check{check}, Input{Snapshot: versionsOf(t, "v1.7.1", "v1.10.1")})[0]
			if result.Outcome != Unknown || result.Because != c.want {
				t.Errorf("got %s because %q, want %q", result.Outcome, result.Because, c.want)
			}
		})
	}
}
