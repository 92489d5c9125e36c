package faults_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// figures are what became of the calls during one fault. docs/reliability.md says what each means.
type figures struct {
	sent, right, closed, lost, wrong int
	slowest                          time.Duration
}

func (f figures) String() string {
	return fmt.Sprintf("sent=%d right=%d refusedClosed=%d lost=%d wrong=%d slowest=%s", f.sent, f.right, f.closed, f.lost, f.wrong, f.slowest.Round(time.Millisecond))
}

// partly is a refusal of the stuck cluster for what could be read of it, which says what could not.
const partly = `refused: \d+ problems? (?s:.*)Could not be judged: .*paused-vms`

// busy is true whenever it is said: kubelets share the machine with everything else, and may take longer than they are given.
const busy = `its kubelet did not tell its file systems: the kubelet did not answer on /stats/summary within 3s|presented no certificate within 3s`

// shown is how many wrong calls are shown in full.
const shown = 5

// account counts the calls, prints the line of figures, and reports the wrong ones.
func (s *scene) account(t *testing.T, f fault, calls []traffic.Call) {
	t.Helper()
	var sum figures
	reasons := map[string]int{}
	for _, call := range calls {
		sum.sent++
		sum.slowest = max(sum.slowest, call.Took)
		switch {
		case slices.Contains(s.right(), call.Outcome):
			sum.right++
		case f.excused(call):
			sum.closed++
			reasons[reasonOf(call)]++
		case call.Outcome == traffic.Lost && f.loses:
			sum.lost++
		default:
			sum.wrong++
			if sum.wrong <= shown {
				t.Errorf("call %d of %d after %s: %s: %v", call.Number, len(calls), call.Took.Round(time.Millisecond), call.Outcome, call.Err)
			}
		}
	}
	if sum.wrong > 0 {
		t.Errorf("%d calls of %d were wrong", sum.wrong, sum.sent)
	}
	for reason, n := range reasons {
		t.Logf("%d refused: %s", n, reason)
	}
	t.Logf("FIGURES fault=%q cluster=%s %s", f.name, s.example, sum)
}

// excused tells whether a call was refused without a verdict, for a reason that the fault makes true. What is refused because
// something is found, which is not there as long as the cluster is healthy, must be excused as well.
func (f fault) excused(call traffic.Call) bool {
	switch call.Outcome {
	case traffic.Undecided, traffic.FailedClosed, traffic.Other:
		return slices.ContainsFunc(slices.Concat(f.excuses, []string{busy}), func(excuse string) bool { return regexp.MustCompile(excuse).MatchString(call.Err.Error()) })
	}
	return false
}

// reasonOf returns the part of a refusal that differs from fault to fault.
func reasonOf(call traffic.Call) string {
	text := call.Err.Error()
	if _, after, found := strings.Cut(text, "\n"); found && call.Outcome != traffic.FailedClosed {
		text, _, _ = strings.Cut(after, "\n")
	}
	return string(call.Outcome) + ": " + regexp.MustCompile(`:\d{4,5}\b|uid \S+`).ReplaceAllString(text, "…")
}

// tell shows the ends of the replicas' logs.
func (s *scene) tell(t *testing.T) {
	for number, replica := range s.service.Replicas {
		lines, err := replica.Log()
		if err != nil {
			t.Log(err)
			continue
		}
		for _, line := range lines[max(0, len(lines)-10):] {
			t.Logf("replica %d: %s", number+1, line.Raw)
		}
	}
}
