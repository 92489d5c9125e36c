package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

func TestATextOfTheClusterStaysText(t *testing.T) {
	for text, want := range map[string]string{
		"node node-1 has 2 GiB (92.7%), 'ready' or \"not\"": "node node-1 has 2 GiB (92.7%), 'ready' or \"not\"",
		"ask @octocat and a@b.org":                          "ask `@octocat` and `a@b.org`",
		"see #123, o/r#1, GH-12 and JIRA-5.":                "see `#123`, `o/r#1`, `GH-12` and `JIRA-5`.",
		"[x](javascript:alert(1))":                          "`[x](javascript:alert(1`))",
		"javascript:alert(1)":                               "`javascript:alert(1`)",
		"https://evil.example and www.evil.example":         "`https://evil.example` and `www.evil.example`",
		"<script>alert(1)</script> <!-- x":                  "`<script>alert(1)</script>` `<!--` x",
		"a|b \\ *c* _d_ ~~e~~ ![f] $g$ &lt; ^h !9":          "`a|b` `\\` `*c*` `_d_` `~~e~~` `![f]` `$g$` `&lt`; `^h` `!9`",
		"`code` and ``more`":                                "`` `code` `` and ``` ``more` ```",
		":tada: at 09:12:00":                                "`:tada`: at 09:12:00",
		"commit 0123abc":                                    "commit `0123abc`",
		"%milestone 5%":                                     "`%milestone` 5%",
		"two\nlines\x1b[31m":                                "two lines `[31m`",
		"":                                                  "",
	} {
		if diff := cmp.Diff(want, inline(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestATextThatBeginsALineMakesNoBlock(t *testing.T) {
	for text, want := range map[string]string{
		"=== and": "`===` and", "- x": "`-` x", "1. x": "`1.` x", "1) x": "`1)` x", "+": "`+`", "then x": "then x", "# x": "`#` x", "> x": "`>` x",
	} {
		if diff := cmp.Diff(want, inlineFirst(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestACommandIsFoundOnlyWhereItStandsAlone(t *testing.T) {
	for remedy, want := range map[string][]step{
		"stop it: virtctl stop a -n b && virtctl start a -n b; then wait.": {
			{"stop it:", false}, {"virtctl stop a -n b && virtctl start a -n b", true}, {"then wait.", false}},
		"kubectl get nodes.":                    {{"kubectl get nodes", true}},
		"see kubectl get nodes.":                {{"see kubectl get nodes.", false}},
		"look: kubectl get pods lists them.":    {{"look: kubectl get pods lists them.", false}},
		"first: kubectl get a; kubectl get b":   {{"first:", false}, {"kubectl get a", true}, {"kubectl get b", true}},
		"see (kubectl get x), then go: virtctl": {{"see (kubectl get x), then go:", false}, {"virtctl", true}},
		`patch: kubectl patch x -p '{"a": "b; c, and d."}', then wait`: {
			{"patch:", false}, {`kubectl patch x -p '{"a": "b; c, and d."}'`, true}, {"then wait", false}},
		"broken: kubectl patch x -p '{ and on": {{"broken: kubectl patch x -p '{ and on", false}},
		"":                                     nil,
	} {
		if diff := cmp.Diff(want, stepsOf(remedy), cmp.AllowUnexported(step{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", remedy, diff)
		}
	}
}

func TestATicketFitsIntoACommentAndCountsTheRest(t *testing.T) {
	bad := strings.Repeat("`@x <b>|", 700)
	var list []Check
	for i := range 100 {
		c := Check{Name: fmt.Sprintf("check-%d", i), Title: bad, Outcome: checks.Failed, Undecided: true}
		for range 3 {
			object := checks.Object{Kind: bad, Namespace: bad, Name: bad}
			f := Finding{Object: object, Message: bad, Remedy: bad, WaivedBy: bad}
			c.Findings = append(c.Findings, f)
			f.Blocks = true
			c.Findings = append(c.Findings, f)
			c.Unknown = append(c.Unknown, Unknown{Object: object, Because: bad})
		}
		list = append(list, c, Check{Name: c.Name + "-passed", Outcome: checks.Passed, Because: notLookedAt + bad}, Check{Name: c.Name + "-skipped", Outcome: checks.Skipped, Because: bad})
	}
	text := string(written(t, WriteMarkdown, Report{Verdict: "Blocked", Target: bad, Image: bad, Running: bad, Source: bad, Checks: list}))
	if size := utf8.RuneCountInString(text); size > ticketLength {
		t.Errorf("%d characters", size)
	}
	if got := regexp.MustCompile(`and (\d+) more, of 100 checks`).FindAllString(text, -1); len(got) != 3 {
		t.Errorf("what is left out is counted %d times, want 3: %q", len(got), got)
	}
	if got := strings.Count(text, "<details>"); got != 2 || strings.Count(text, "</details>") != 2 {
		t.Errorf("%d sections are folded up, want 2", got)
	}
}

func TestThirtyPausedVMsDoNotHideOneReplica(t *testing.T) {
	var paused []checks.Finding
	for i := range 500 {
		paused = append(paused, pausedVM(fmt.Sprintf("web-%d", i)))
	}
	r := overwhelmed(t)
	for _, f := range paused {
		finding := newFinding(f)
		finding.Blocks = true
		r.Checks[0].Findings = append(r.Checks[0].Findings, finding)
	}
	text := string(written(t, WriteMarkdown, r))
	if !strings.Contains(text, "**faulted-replicas**") || !strings.Contains(text, "more of paused-vms.") {
		t.Errorf("the ticket hides a check, or does not count what it leaves out:\n%s", text[len(text)-3000:])
	}
}
