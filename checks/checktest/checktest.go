// Package checktest runs a check on fixtures: whole objects on top of a healthy background cluster, with what the check must
// say written beside the guilty object.
//
// A case is a folder testdata/CHECK/CASE of .yaml files, and kubelet/NODE.stats.json where it matters. Its name is a fact: "two-engines-while-a-migration-runs-is-fine".
// Its objects replace those of the background that have the same name, or join them. Kinds without an object are empty.
// Comments in a document say what is expected of that document's object, or what the case is about:
//
//	# want "regexp"              a finding about this object, whose message matches
//	# want transient "regexp"    the same, and the finding is transient
//	# want warn "regexp"         the same, and the finding only warns
//	# unknown "regexp"           this object cannot be judged, for a reason that matches
//	# delete                     the background's object of this name is not there
//	# request                    this object is the Upgrade being judged; it is not in the cluster
//
// and, anywhere:
//
//	# unjudged "regexp"          the whole check is Unknown, for a reason that matches
//	# skipped "regexp"           the whole check is Skipped, for a reason that matches
//	# left-out "regexp"          the check leaves out a part of itself, for a reason that matches; in a case of any class
//	# unread KIND "because"      a kind cannot be read
//	# not-installed KIND         a kind's CRD is missing
//	# not-granted KIND           the operator did not grant reading a kind
//	# now 2026-11-20T12:00:00Z   the time of the case; Now otherwise
//
// A case without any expectation, or with left-out alone, is a look-alike: the check must pass.
package checktest

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Now is the time of every case that does not set its own.
func Now() time.Time { return time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC) }

// Class is what kind of case a fixture is.
type Class string

// The classes of cases.
const (
	Fails     Class = "fails"
	LookAlike Class = "look-alike"
	Unknown   Class = "unknown"
	Skipped   Class = "skipped"
)

// Run runs a check on every case in testdata/NAME.
func Run(t *testing.T, check checks.Check) {
	t.Helper()
	for name, c := range Cases(t, check.Name) {
		t.Run(name, func(t *testing.T) { c.verify(t, check) })
	}
}

// Cases reads the cases of a check by their names.
func Cases(t *testing.T, check string) map[string]*Case {
	t.Helper()
	folder := path.Join("testdata", check)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatalf("read the cases of %s: %v", check, err)
	}
	cases := map[string]*Case{}
	for _, entry := range entries {
		files, err := fs.Sub(os.DirFS(folder), entry.Name())
		if err != nil {
			t.Fatalf("read case %s: %v", entry.Name(), err)
		}
		c, err := readCase(files)
		if err != nil {
			t.Fatalf("read case %s: %v", entry.Name(), err)
		}
		cases[entry.Name()] = c
	}
	return cases
}

// Class tells what the case expects.
func (c *Case) Class() Class {
	switch {
	case len(c.wants) > 0:
		return Fails
	case len(c.unknowns) > 0 || c.unjudged != nil:
		return Unknown
	case c.skipped != nil:
		return Skipped
	}
	return LookAlike
}

func (c *Case) verify(t *testing.T, check checks.Check) {
	t.Helper()
	snapshot := c.load(t, false)
	first := c.run(check, snapshot)
	second := c.run(check, snapshot)
	if diff := cmp.Diff(comparable(first), comparable(second)); diff != "" {
		t.Errorf("a second run on the same snapshot differs (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(comparable(c.run(check, snapshot.WithoutShortcuts())), comparable(first)); diff != "" {
		t.Errorf("what passes for an ordinary volume is none for this check (-every volume looked at +ordinary ones skipped):\n%s", diff)
	}
	trimmed := c.run(check, c.load(t, true))
	if diff := cmp.Diff(comparable(first), comparable(trimmed)); diff != "" {
		t.Errorf("what the watch cache keeps is not all that the check reads (-whole +trimmed):\n%s", diff)
	}
	c.compare(t, first)
}

// Result runs a check on the case with thresholds of the caller's, for what no directive can expect, such as a remedy.
func (c *Case) Result(t *testing.T, check checks.Check, settings checks.Settings) checks.Result {
	t.Helper()
	input := checks.Input{Snapshot: c.load(t, false), Request: c.request, Settings: settings}
	return checks.Run(context.Background(), []checks.Check{check}, input)[0]
}

func (c *Case) run(check checks.Check, snapshot *cluster.Snapshot) checks.Result {
	input := checks.Input{Snapshot: snapshot, Request: c.request, Settings: checks.DefaultSettings()}
	return checks.Run(context.Background(), []checks.Check{check}, input)[0]
}

// outcome is the part of a result that must not depend on how it came about.
type outcome struct {
	Outcome  checks.Outcome
	Because  string
	Findings []checks.Finding
	Gaps     []checks.Gap
	LeftOut  []string
}

func comparable(r checks.Result) outcome {
	return outcome{r.Outcome, r.Because, r.Findings, r.Gaps, r.LeftOut}
}

func (c *Case) compare(t *testing.T, result checks.Result) {
	t.Helper()
	open := append([]expectation{}, c.wants...)
	for _, f := range result.Findings {
		if !take(&open, func(e expectation) bool { return e.matchesFinding(f) }) {
			t.Errorf("unexpected finding about %s (transient %t, %s):\n  %s", f.Object, f.Transient, f.Severity, f.Message)
		}
	}
	for _, e := range open {
		t.Errorf("no finding about %s matches %q", e.object, e.pattern)
	}
	open = append([]expectation{}, c.unknowns...)
	for _, gap := range result.Gaps {
		if !take(&open, func(e expectation) bool { return e.object == gap.Object && e.pattern.MatchString(gap.Because) }) {
			t.Errorf("unexpectedly not judged: %s: %s", gap.Object, gap.Because)
		}
	}
	for _, e := range open {
		t.Errorf("%s should not have been judged because of %q", e.object, e.pattern)
	}
	for _, complaint := range c.compareLeftOut(result.LeftOut) {
		t.Error(complaint)
	}
	c.compareWhole(t, result)
}

func (c *Case) compareWhole(t *testing.T, result checks.Result) {
	t.Helper()
	switch want := c.outcome(); {
	case result.Outcome != want:
		t.Errorf("outcome is %s (%s), want %s", result.Outcome, result.Because, want)
	case c.unjudged != nil && !c.unjudged.MatchString(result.Because):
		t.Errorf("unknown because %q, want a match of %q", result.Because, c.unjudged)
	case c.skipped != nil && !c.skipped.MatchString(result.Because):
		t.Errorf("skipped because %q, want a match of %q", result.Because, c.skipped)
	}
}

// compareLeftOut says what was left out unexpectedly, and what was not although it should have been.
func (c *Case) compareLeftOut(leftOut []string) []string {
	var complaints []string
	open := append([]expectation{}, c.leftOut...)
	for _, because := range leftOut {
		if !take(&open, func(e expectation) bool { return e.pattern.MatchString(because) }) {
			complaints = append(complaints, fmt.Sprintf("unexpectedly left out: %s", because))
		}
	}
	for _, e := range open {
		complaints = append(complaints, fmt.Sprintf("nothing was left out because of %q", e.pattern))
	}
	return complaints
}

func (c *Case) outcome() checks.Outcome {
	return map[Class]checks.Outcome{
		Fails: checks.Failed, LookAlike: checks.Passed, Unknown: checks.Unknown, Skipped: checks.Skipped,
	}[c.Class()]
}

// take removes the first expectation that matches and tells whether there was one.
func take(open *[]expectation, matches func(expectation) bool) bool {
	for i, e := range *open {
		if matches(e) {
			*open = append((*open)[:i], (*open)[i+1:]...)
			return true
		}
	}
	return false
}
