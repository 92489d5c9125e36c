package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// told is a Difference in one line for each entry: "new check Node a".
func told(d Difference) []string {
	var lines []string
	for _, list := range []struct {
		name    string
		changes []FindingChange
	}{{"new", d.New}, {"fixed", d.Fixed}, {"lost", d.Lost}, {"changed", d.Changed}, {"unchanged", d.Unchanged}} {
		for _, c := range list.changes {
			f := c.After
			if f == nil {
				f = c.Before
			}
			lines = append(lines, fmt.Sprintf("%s %s %s", list.name, c.Check, strings.TrimSpace(f.Object.Name+" "+f.Rule)))
		}
	}
	for _, c := range d.BecameUnknown {
		lines = append(lines, fmt.Sprintf("unknown %s %t", c.Check, c.Refuses))
	}
	for _, c := range d.BecameJudged {
		lines = append(lines, "judged "+c.Check)
	}
	return lines
}

func TestWhatChangesFromOneReportToAnother(t *testing.T) {
	found := func(name, rule, message string, blocks bool) Finding {
		return Finding{Object: node(name), Rule: rule, Message: message, Blocks: blocks}
	}
	failing := func(findings ...Finding) Check {
		return Check{Name: "c", Outcome: checks.Failed, Findings: findings}
	}
	a := found("a", "", "a is down for 14m", true)
	passes := Check{Name: "c", Outcome: checks.Passed}
	unknown := Check{Name: "c", Outcome: checks.Unknown, Because: "no answer", Undecided: true}
	gap := func(names ...string) Check {
		c := Check{Name: "c", Outcome: checks.Unknown, Undecided: true}
		for _, name := range names {
			c.Unknown = append(c.Unknown, Unknown{Object: node(name), Because: "no answer"})
		}
		return c
	}
	with := func(c Check, change func(*Check)) Check { change(&c); return c }
	for name, c := range map[string]struct {
		before, after []Check
		want          []string
		worse         bool
	}{
		"nothing":                                 {nil, nil, nil, false},
		"a finding that was not there is new":     {[]Check{passes}, []Check{failing(a)}, []string{"new c a"}, true},
		"a warning that was not there is new":     {[]Check{passes}, []Check{failing(found("a", "", "x", false))}, []string{"new c a"}, true},
		"a finding of a check that is new is new": {nil, []Check{failing(a)}, []string{"new c a"}, true},
		"a finding that is gone is fixed":         {[]Check{failing(a)}, []Check{passes}, []string{"fixed c a"}, false},
		"a finding grows older":                   {[]Check{failing(a)}, []Check{failing(found("a", "", "a is down for 2h51m", true))}, []string{"unchanged c a"}, false},
		"a fact that is another has changed":      {[]Check{failing(a)}, []Check{failing(found("a", "", "a is cordoned", true))}, []string{"changed c a"}, false},
		"a warning that now blocks is new":        {[]Check{failing(found("a", "", "x", false))}, []Check{failing(found("a", "", "x", true))}, []string{"new c a"}, true},
		"what no longer blocks has changed":       {[]Check{failing(a)}, []Check{failing(found("a", "", "a is down for 14m", false))}, []string{"changed c a"}, false},
		"another rule of the object is another":   {[]Check{failing(a)}, []Check{failing(found("a", "disk", "a is down for 14m", true))}, []string{"new c a disk", "fixed c a"}, true},
		"another check is another": {[]Check{failing(a)}, []Check{passes, with(failing(a), func(c *Check) { c.Name = "d" })},
			[]string{"new d a", "fixed c a"}, true},
		"several facts of an object are told apart by their words": {
			[]Check{failing(found("a", "", "disk 1.5 GiB full", true), found("a", "", "cable loose", true))},
			[]Check{failing(found("a", "", "cable loose", true), found("a", "", "disk 9 GiB full", true), found("a", "", "fan stopped", true))},
			[]string{"new c a", "unchanged c a", "unchanged c a"}, true,
		},
		"the same words twice are two findings": {[]Check{failing(a)}, []Check{failing(a, a)}, []string{"new c a", "unchanged c a"}, true},
		"a number in a name is no number": {
			[]Check{failing(found("a", "", "engine e-1", true), found("a", "", "engine e-2", true))},
			[]Check{failing(found("a", "", "engine e-2", true), found("a", "", "engine e-3", true))},
			[]string{"new c a", "fixed c a", "unchanged c a"}, true,
		},
		"what cannot be judged any more is not fixed": {[]Check{failing(a)}, []Check{unknown}, []string{"lost c a", "unknown c true"}, true},
		"what is skipped now is not fixed":            {[]Check{failing(a)}, []Check{{Name: "c", Outcome: checks.Skipped}}, []string{"lost c a"}, false},
		"what the later report lacks is not fixed":    {[]Check{failing(a)}, nil, []string{"lost c a"}, false},
		"what was not looked at is not fixed": {[]Check{failing(a)}, []Check{with(passes, func(c *Check) { c.Because = notLookedAt + "a" })},
			[]string{"lost c a"}, false},
		"what neither looked at hides nothing": {
			[]Check{with(failing(a), func(c *Check) { c.Because = notLookedAt + "b" })}, []Check{with(passes, func(c *Check) { c.Because = notLookedAt + "b" })},
			[]string{"fixed c a"}, false,
		},
		"an object that cannot be judged is not fixed": {[]Check{failing(a, found("b", "", "x", true))}, []Check{gap("a")},
			[]string{"fixed c b", "lost c a", "unknown c true"}, true},
		"a part that cannot be judged may hide all": {[]Check{failing(a)}, []Check{with(gap(), func(c *Check) { c.Unknown = []Unknown{{Because: "no plan"}} })},
			[]string{"lost c a", "unknown c true"}, true},
		"what was unknown already is not new":              {[]Check{unknown}, []Check{unknown}, nil, false},
		"one more object that is unknown is":               {[]Check{gap("a")}, []Check{gap("a", "b")}, []string{"unknown c true"}, true},
		"one object less is not":                           {[]Check{gap("a", "b")}, []Check{gap("a")}, nil, false},
		"of what was unknown as a whole a part is no news": {[]Check{unknown}, []Check{gap("a")}, nil, false},
		"what the policy does not let refuse is not worse": {[]Check{passes}, []Check{with(unknown, func(c *Check) { c.Undecided = false })}, []string{"unknown c false"}, false},
		"what now refuses is worse":                        {[]Check{with(unknown, func(c *Check) { c.Undecided = false })}, []Check{unknown}, []string{"unknown c true"}, true},
		"what is judged again":                             {[]Check{unknown}, []Check{passes}, []string{"judged c"}, false},
		"what was unknown and is skipped is not judged":    {[]Check{unknown}, []Check{{Name: "c", Outcome: checks.Skipped}}, nil, false},
		"what is judged and fails is new":                  {[]Check{unknown}, []Check{failing(a)}, []string{"new c a", "judged c"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := Compare(Report{Checks: c.before}, Report{Checks: c.after})
			if diff := cmp.Diff(c.want, told(d)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if d.Worse != c.worse {
				t.Errorf("worse is %t, want %t", d.Worse, c.worse)
			}
		})
	}
}

func TestAVMThatThePolicyLeavesOutIsNotFixed(t *testing.T) {
	before := Report{Checks: []Check{{Name: "c", Outcome: checks.Failed, Findings: []Finding{{Object: vmi("web-1")}}}}}
	after := Report{Checks: []Check{{Name: "c", Outcome: checks.Passed}}, ExcludedNamespaces: []string{"shop"}}
	if diff := cmp.Diff([]string{"lost c web-1"}, told(Compare(before, after))); diff != "" {
		t.Error(diff)
	}
}

func TestReportsThatMayNotBeComparableAreComparedWithARemark(t *testing.T) {
	check := func(name string, outcome checks.Outcome) Check { return Check{Name: name, Outcome: outcome} }
	before := Report{Target: "v1.4.2", Running: "v1.4.1", Source: "one", ReadAt: now, Checks: []Check{check("a", checks.Passed), check("b", checks.Passed)}}
	after := Report{Image: "ns/iso", Source: "two", ReadAt: now.Add(-time.Hour), Checks: []Check{check("b", checks.Skipped), check("c", checks.Skipped)}, ExcludedNamespaces: []string{"x"}}
	want := []string{
		"The targets differ: v1.4.2 before, ns/iso after.",
		"The running versions differ: v1.4.1 before, not known after.",
		"The evidence comes from different places, which may be different clusters: one before, two after.",
		"The evidence of the second report is older than that of the first, of 2026-11-20T09:12:00Z: they may be the wrong way round.",
		"Only the first report has these checks: a.",
		"Only the second report has these checks: c.",
		"These checks are skipped now and were not: b.",
		"The policy now leaves out the VMs of x.",
	}
	if diff := cmp.Diff(want, Compare(before, after).Remarks); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := Compare(before, before).Remarks; len(got) > 0 {
		t.Errorf("remarks on the same report: %q", got)
	}
}

// moved is stuck an hour later: one VM is repaired, another paused, and much else happened.
func moved(t *testing.T) Report {
	t.Helper()
	r := stuck(t)
	r.ReadAt = now.Add(time.Hour)
	r.Verdict = policy.Incomplete
	r.Checks = slices.Clone(r.Checks)
	paused := &r.Checks[0]
	paused.Findings = []Finding{paused.Findings[1], newFinding(pausedVM("<b>@web-4</b>"))}
	paused.Findings[1].Blocks = true
	volumes := &r.Checks[1]
	volumes.Findings = nil
	volumes.Outcome, volumes.Because, volumes.Undecided = checks.Unknown, "volumes could not be read: no answer before the deadline", true
	disk := &r.Checks[2]
	disk.Findings = []Finding{disk.Findings[0]}
	disk.Findings[0].Message, disk.Findings[0].Blocks, disk.Findings[0].WaivedBy = "node node-4 would be 95.1% full with 13.0 GiB of new images", true, ""
	r.Checks[3].Outcome, r.Checks[3].Because, r.Checks[3].Undecided = checks.Passed, "", false
	return r
}

func TestWhatPeopleReadOfADifference(t *testing.T) {
	for name, d := range map[string]Difference{
		"diff-worse":     Compare(stuck(t), moved(t)),
		"diff-better":    Compare(moved(t), stuck(t)),
		"diff-same":      Compare(stuck(t), stuck(t)),
		"diff-different": Compare(ready(t), unread(t)),
	} {
		t.Run(name, func(t *testing.T) {
			for file, write := range map[string]func(io.Writer, Difference) error{
				".text.txt": func(w io.Writer, d Difference) error { return WriteDifferenceText(w, d, Style{}) },
				".json":     WriteDifferenceJSON,
				".yaml":     WriteDifferenceYAML,
				".md":       WriteDifferenceMarkdown,
			} {
				golden(t, name+file, written(t, write, d))
			}
		})
	}
}

func TestADifferenceOfMuchFitsIntoAComment(t *testing.T) {
	var many []Finding
	for i := range 2000 {
		f := newFinding(pausedVM(fmt.Sprintf("web-%d", i)))
		f.Blocks = true
		many = append(many, f)
	}
	full := Report{Checks: []Check{{Name: "a", Outcome: checks.Failed, Findings: many}, {Name: "b", Outcome: checks.Passed}}}
	empty := Report{Checks: []Check{{Name: "a", Outcome: checks.Passed}, {Name: "b", Outcome: checks.Failed, Findings: many}}}
	text := string(written(t, WriteDifferenceMarkdown, Compare(full, empty)))
	if len(text) > ticketLength || strings.Count(text, " more of ") != 2 {
		t.Errorf("%d characters, %d counts of what is left out", len(text), strings.Count(text, " more of "))
	}
}
