package report

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// ciCase is what a CI system reads of a test.
type ciCase struct {
	Class   string  `xml:"classname,attr"`
	Name    string  `xml:"name,attr"`
	Failure *ciText `xml:"failure"`
	Error   *ciText `xml:"error"`
	Skipped *ciText `xml:"skipped"`
	Output  *string `xml:"system-out"`
}

type ciText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type ciSuite struct {
	Tests     int       `xml:"tests,attr"`
	Failures  int       `xml:"failures,attr"`
	Errors    int       `xml:"errors,attr"`
	Skipped   int       `xml:"skipped,attr"`
	Timestamp string    `xml:"timestamp,attr"`
	Cases     []ciCase  `xml:"testcase"`
	Suites    []ciSuite `xml:"testsuite"`
}

// readJUnit reads a report as CI does: strictly, and to its end.
func readJUnit(t *testing.T, r Report) ciSuite {
	t.Helper()
	var root ciSuite
	if err := xml.Unmarshal(written(t, WriteJUnit, r), &root); err != nil {
		t.Fatal(err)
	}
	if len(root.Suites) != 1 {
		t.Fatalf("got %d suites, want 1", len(root.Suites))
	}
	return root
}

func TestCICountsWhatTheReportHolds(t *testing.T) {
	for name, r := range samples(t) {
		root := readJUnit(t, r)
		suite := root.Suites[0]
		got := ciSuite{Tests: len(suite.Cases)}
		for i, c := range suite.Cases {
			if c.Name != r.Checks[i].Name {
				t.Errorf("%s: test %d is %s, want %s", name, i, c.Name, r.Checks[i].Name)
			}
			for _, result := range []struct {
				text  *ciText
				count *int
			}{{c.Failure, &got.Failures}, {c.Error, &got.Errors}, {c.Skipped, &got.Skipped}} {
				if result.text != nil {
					*result.count++
				}
			}
		}
		for _, told := range []ciSuite{root, suite} {
			if diff := cmp.Diff(got, ciSuite{Tests: told.Tests, Failures: told.Failures, Errors: told.Errors, Skipped: told.Skipped}); diff != "" {
				t.Errorf("%s (-counted +told):\n%s", name, diff)
			}
		}
		if at, err := time.Parse(time.RFC3339, suite.Timestamp); err != nil || !at.Equal(r.ReadAt) {
			t.Errorf("%s: the suite is of %s, the evidence of %s", name, suite.Timestamp, r.ReadAt)
		}
	}
}

func TestWhatACheckIsInCI(t *testing.T) {
	blocking := Finding{Object: node("a"), Message: "node a is down", Remedy: "start it", Blocks: true}
	warning := Finding{Object: node("b"), Message: "node b is old", Remedy: "renew it", WaivedBy: "annotation x"}
	gap := []Unknown{{Object: node("c"), Because: "no answer"}}
	for name, c := range map[string]struct {
		check Check
		want  ciCase
	}{
		"a blocking finding fails, beside a warning": {
			Check{Title: "Nodes", Outcome: checks.Failed, Severity: checks.Block, Findings: []Finding{blocking, warning}},
			ciCase{Failure: &ciText{"Nodes: 1 problem refuses the upgrade", "Node a\nnode a is down.\nTo fix: start it."},
				Output: new("Warning: Node b\nnode b is old.\nWaived by annotation x.\nTo fix: renew it.")},
		},
		"a failure tells what else is not known": {
			Check{Title: "Nodes", Outcome: checks.Failed, Findings: []Finding{blocking, blocking}, Unknown: gap, Undecided: true},
			ciCase{Failure: &ciText{"Nodes: 2 problems refuse the upgrade",
				"Node a\nnode a is down.\nTo fix: start it.\n\nNode a\nnode a is down.\nTo fix: start it.\n\nCould not be judged: Node c: no answer."}},
		},
		"only warnings pass": {
			Check{Outcome: checks.Failed, Findings: []Finding{warning}},
			ciCase{Output: new("Warning: Node b\nnode b is old.\nWaived by annotation x.\nTo fix: renew it.")},
		},
		"what is unknown and refuses is an error": {
			Check{Outcome: checks.Unknown, Because: "no nodes", Undecided: true},
			ciCase{Error: &ciText{"could not be judged: no nodes", "Could not be judged: no nodes."}},
		},
		"warnings do not hide what is unknown": {
			Check{Outcome: checks.Failed, Findings: []Finding{warning}, Unknown: gap, Undecided: true},
			ciCase{Error: &ciText{"could not be judged: Node c: no answer", "Could not be judged: Node c: no answer."},
				Output: new("Warning: Node b\nnode b is old.\nWaived by annotation x.\nTo fix: renew it.")},
		},
		"what is unknown and does not refuse is skipped": {
			Check{Outcome: checks.Unknown, Because: "no nodes"},
			ciCase{Skipped: &ciText{Message: "could not be judged, and does not refuse the upgrade: no nodes"}},
		},
		"what does not apply is skipped": {
			Check{Outcome: checks.Skipped, Because: "not installed"},
			ciCase{Skipped: &ciText{Message: "not installed"}},
		},
		"what was not looked at is told": {
			Check{Outcome: checks.Passed, Because: notLookedAt + "disks"},
			ciCase{Output: new("not looked at: disks.")},
		},
		"what found nothing passes": {Check{Outcome: checks.Passed}, ciCase{}},
	} {
		t.Run(name, func(t *testing.T) {
			c.check.Name, c.want.Name, c.want.Class = "nodes", "nodes", "upgrade-gate"
			if diff := cmp.Diff(c.want, readJUnit(t, Report{Checks: []Check{c.check}}).Suites[0].Cases[0]); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestJUnitOfHostileTextIsXML(t *testing.T) {
	bad := "]]><failure/>&amp;\x00\x1b[31m\x7f\xff\xfe\ufffe\uffff\u2028\r\n\t\"'<![CDATA["
	object := checks.Object{Kind: bad, Namespace: bad, Name: bad}
	r := Report{Target: bad, Source: bad, Running: bad, Checks: []Check{
		{Name: bad, Title: bad, Findings: []Finding{{Object: object, Message: bad, Remedy: bad, Blocks: true}, {Object: object, Message: bad, WaivedBy: bad}}},
		{Name: "b", Because: bad, Undecided: true, Unknown: []Unknown{{Because: bad}}},
		{Name: "c", Because: bad, Outcome: checks.Skipped},
	}}
	suite := readJUnit(t, r).Suites[0]
	if got := [4]int{len(suite.Cases), suite.Failures, suite.Errors, suite.Skipped}; got != [4]int{3, 1, 1, 1} {
		t.Errorf("got %v", got)
	}
	if text := suite.Cases[0].Failure.Text; !strings.Contains(text, "]]><failure/>&amp; [31m") {
		t.Errorf("the text is not as it was written: %q", text)
	}
}
