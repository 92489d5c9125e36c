package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

var began = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)

// state is a report of one check about VMs.
func state(second int, outcome checks.Outcome, paused ...string) report.Report {
	check := report.Check{Name: "paused-vms", Title: "Virtual machines are paused", Outcome: outcome, Severity: checks.Block}
	verdict := policy.Ready
	for _, name := range paused {
		verdict = policy.Blocked
		check.Findings = append(check.Findings, report.Finding{
			Object:  checks.Object{APIVersion: "kubevirt.io/v1", Kind: "VirtualMachineInstance", Namespace: "shop", Name: name},
			Message: "VM shop/" + name + " is paused", Remedy: "unpause it", Blocks: true,
		})
	}
	if outcome == checks.Unknown {
		verdict, check.Undecided, check.Because = policy.Incomplete, true, "virtualmachineinstances.kubevirt.io could not be read: forbidden"
	}
	return report.Report{SchemaVersion: report.SchemaVersion, Verdict: verdict, Target: "v1.4.2", Source: "the watch cache",
		ReadAt: began.Add(time.Duration(second) * time.Second), Checks: []report.Check{check}}
}

func TestAWatcherIsToldTheFirstStateAndThenWhatChanges(t *testing.T) {
	states := []report.Report{
		state(0, checks.Failed, "web-1", "web-2"),
		state(2, checks.Failed, "web-1", "web-2"), // nothing new
		state(4, checks.Failed, "web-2"),
		state(6, checks.Failed, "web-2", "web-3"),
		state(8, checks.Unknown),
		state(10, checks.Passed),
	}
	ctx, interrupt := context.WithCancel(t.Context())
	ticks := make(chan time.Time, len(states))
	var out bytes.Buffer
	looks := 0
	w := watching{out: &out, judge: func(context.Context) judgement {
		ticks <- began
		if looks++; looks > len(states) {
			interrupt()
			return judgement{}
		}
		return judgement{report: states[looks-1]}
	}}
	last, err := w.run(ctx, ticks)
	if err != nil || last.Verdict != policy.Ready {
		t.Fatalf("the last verdict is %s (%v)", last.Verdict, err)
	}
	var told []string
	for line := range strings.Lines(out.String()) {
		for _, start := range []string{"BLOCKED", "2026-", "New:", "Fixed:", "Can no", "Can be", "Not seen", "  1. "} {
			if strings.HasPrefix(line, start) {
				told = append(told, strings.TrimSpace(line))
			}
		}
	}
	want := []string{
		"BLOCKED: 2 problems in 1 check would make an upgrade to v1.4.2 hang, fail or lose data.",
		"1. paused-vms: VirtualMachineInstance shop/web-1",
		"2026-11-26T10:00:04Z BETTER: nothing is new; 1 finding fixed. Verdict: Blocked, as before.",
		"Fixed:", "1. paused-vms: VirtualMachineInstance shop/web-1",
		"2026-11-26T10:00:06Z WORSE: 1 new finding. Verdict: Blocked, as before.",
		"New:", "1. paused-vms: VirtualMachineInstance shop/web-3 (blocks)",
		"2026-11-26T10:00:08Z WORSE: 1 check newly refuses because it cannot be judged. Verdict: Incomplete,",
		"Can no longer be judged:", "1. paused-vms: virtualmachineinstances.kubevirt.io could not be read: forbidden.",
		"Not seen any more, but not looked at either:", "1. paused-vms: VirtualMachineInstance shop/web-2",
		"2026-11-26T10:00:10Z BETTER: nothing is new. Verdict: Ready, before that Incomplete.",
		"Can be judged now:", "1. paused-vms: before, virtualmachineinstances.kubevirt.io could not be read: forbidden.",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s\n%s", diff, out.String())
	}
}

func TestAWatcherWhoHasLeftEndsTheWatch(t *testing.T) {
	w := watching{out: closedPipe{}, judge: func(context.Context) judgement { return judgement{report: state(0, checks.Passed)} }}
	if _, err := w.run(t.Context(), nil); err == nil || !strings.HasSuffix(err.Error(), "broken pipe") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsReadWhileTheWatchEndsIsNotTold(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	ticks := make(chan time.Time, 1)
	var out bytes.Buffer
	looks := 0
	w := watching{out: &out, judge: func(context.Context) judgement {
		if looks++; looks == 1 {
			ticks <- began
			return judgement{report: state(0, checks.Passed)}
		}
		interrupt()
		return judgement{report: state(2, checks.Unknown)}
	}}
	last, err := w.run(ctx, ticks)
	if err != nil || last.Verdict != policy.Ready || strings.Contains(out.String(), "WORSE") {
		t.Errorf("the last verdict is %s (%v):\n%s", last.Verdict, err, out.String())
	}
}

func TestAnAnswerIsWaitedForUntilTheTimeIsOver(t *testing.T) {
	asked := 0
	if err := untilNil(t.Context(), func() error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	}); err != nil || asked != 3 {
		t.Errorf("got %v after %d questions", err, asked)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := untilNil(ended, func() error { return errors.New("pods are not there") }); err == nil || err.Error() != "pods are not there" {
		t.Errorf("got %v", err)
	}
}
