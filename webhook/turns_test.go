package webhook

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// answered is what take returned.
type answered struct {
	verdict report.Report
	final   bool
	err     error
}

// desk is turns, and everybody who came to them.
type desk struct {
	*turns
	// judged is how many judgements have begun, and release lets one of them end.
	judged  int
	release chan report.Report
	// deadlines are those of the judgements that have begun.
	deadlines []time.Time
}

func newDesk(atOnce int) *desk {
	return &desk{turns: newTurns(atOnce), release: make(chan report.Report)}
}

// judge waits for release, or for its deadline.
func (d *desk) judge(ctx context.Context) (report.Report, bool) {
	d.mu.Lock()
	d.judged++
	deadline, _ := ctx.Deadline()
	d.deadlines = append(d.deadlines, deadline)
	d.mu.Unlock()
	select {
	case r := <-d.release:
		return r, true
	case <-ctx.Done():
		return report.Report{Verdict: policy.Incomplete}, true
	}
}

// ask asks for an upgrade to a version within so much time, and returns where the answer will be.
func (d *desk) ask(t *testing.T, version string, within time.Duration) <-chan answered {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	t.Cleanup(cancel)
	return d.askAs(t, ctx, ctx, version)
}

func (d *desk) askAs(t *testing.T, ctx, turnBy context.Context, version string) <-chan answered {
	t.Helper()
	request := gate.Request{Annotations: map[string]string{"a": "b"}}
	request.Version = version
	asked, err := newQuestion(request, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan answered, 1)
	go func() {
		var a answered
		a.verdict, a.final, a.err = d.take(ctx, turnBy, asked, d.judge)
		answer <- a
	}()
	synctest.Wait()
	return answer
}

// empty fails unless nobody is left.
func (d *desk) empty(t *testing.T) {
	t.Helper()
	synctest.Wait()
	if len(d.slots) != 0 || len(d.waiting) != 0 {
		t.Errorf("%d turns and %d that wait are left", len(d.slots), len(d.waiting))
	}
}

func ready() report.Report { return report.Report{Verdict: policy.Ready} }

func TestThoseWhoWaitAndAskForTheSameShareAVerdictThatIsBegunAfterTheyAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(1)
		first := d.ask(t, "v1.4.2", time.Minute)
		if d.judged != 1 {
			t.Fatalf("%d judgements have begun, want that of the first", d.judged)
		}
		var others []<-chan answered
		for range 500 {
			others = append(others, d.ask(t, "v1.4.2", time.Minute))
		}
		stranger := d.ask(t, "v1.4.3", time.Minute)
		if d.judged != 1 {
			t.Fatalf("%d judgements have begun, want none beside the first", d.judged)
		}
		d.release <- report.Report{Verdict: policy.Blocked}
		if a := <-first; a.verdict.Verdict != policy.Blocked || a.err != nil {
			t.Errorf("the first got %+v, want the verdict that was begun for it", a)
		}
		d.release <- ready()
		d.release <- ready()
		for i, other := range append(others, stranger) {
			if a := <-other; a.verdict.Verdict != policy.Ready || !a.final || a.err != nil {
				t.Fatalf("number %d got %+v, want the verdict that was begun later", i, a)
			}
		}
		if d.judged != 3 {
			t.Errorf("%d judgements for three questions", d.judged)
		}
		d.empty(t)
	})
}

func TestASharedJudgementHasTheTimeOfWhoHasMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(1)
		d.ask(t, "v1.4.1", 10*time.Second)
		short, long := d.ask(t, "v1.4.2", 15*time.Second), d.ask(t, "v1.4.2", 30*time.Second)
		want := time.Now().Add(30 * time.Second)
		time.Sleep(15 * time.Second) // of the fake clock; the first has given up after 10
		if a := <-short; !errors.Is(a.err, errLate) {
			t.Errorf("who had less time got %+v, want an error that says so", a)
		}
		if len(d.deadlines) != 2 || !d.deadlines[1].Equal(want) {
			t.Errorf("the judgements end at %v, want the second to end at %v", d.deadlines, want)
		}
		d.release <- ready()
		if a := <-long; a.verdict.Verdict != policy.Ready {
			t.Errorf("who had more time got %+v, want the verdict", a)
		}
		d.empty(t)
	})
}

func TestWhoHasADeadlineDoesNotWaitForWhoHasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(1)
		d.slots <- struct{}{}
		patient := d.askAs(t, t.Context(), t.Context(), "v1.4.2")
		hurried := d.ask(t, "v1.4.2", time.Second)
		<-d.slots
		if a := <-hurried; !errors.Is(a.err, errLate) {
			t.Errorf("who had a second got %+v, want an error that says so", a)
		}
		d.release <- ready()
		if a := <-patient; a.verdict.Verdict != policy.Ready {
			t.Errorf("who had all the time got %+v, want the verdict", a)
		}
		d.empty(t)
	})
}

func TestAtTheDeadlineTheVerdictSaysWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(1)
		if a := <-d.ask(t, "v1.4.2", time.Second); a.verdict.Verdict != policy.Incomplete || a.err != nil {
			t.Errorf("it got %+v, want the verdict of the judgement that ended with it", a)
		}
		d.empty(t)
	})
}

func TestWhoGetsNoTurnIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(1)
		first := d.ask(t, "v1.4.1", time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		turnBy, cancelTurn := context.WithTimeout(ctx, time.Second)
		defer cancelTurn()
		begun := time.Now()
		if a := <-d.askAs(t, ctx, turnBy, "v1.4.2"); !errors.Is(a.err, errNoTurn) || time.Since(begun) != time.Second {
			t.Errorf("after %s it got %+v, want to be told of the others after a second", time.Since(begun), a)
		}
		d.release <- ready()
		<-first
		d.empty(t)
		if d.judged != 1 {
			t.Errorf("%d judgements, want none for who has left", d.judged)
		}
	})
}

func TestAJudgementEndsWhenNobodyWaitsForItAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(1)
		var leave []context.CancelFunc
		for range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			d.askAs(t, ctx, ctx, "v1.4.2")
			leave = append(leave, cancel)
		}
		for _, cancel := range leave {
			cancel()
		}
		d.empty(t)
	})
}

func TestAPanicReachesEverybodyWhoSharesTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(1)
		d.slots <- struct{}{}
		failing := func(context.Context) (report.Report, bool) { panic("the source is broken") }
		answers := make(chan error, 2)
		for range 2 {
			go func() {
				_, _, err := d.take(t.Context(), t.Context(), question{}, failing)
				answers <- err
			}()
		}
		synctest.Wait()
		<-d.slots
		for range 2 {
			failure := (*panicked)(nil)
			if err := <-answers; !errors.As(err, &failure) || !strings.Contains(string(failure.stack), "TestAPanicReachesEverybody") {
				t.Errorf("one got %v, want the panic and where it was", err)
			}
		}
		d.empty(t)
	})
}

func TestWaiversAndRulesMakeQuestionsDifferent(t *testing.T) {
	plain, waived := gate.Request{}, gate.Request{Annotations: map[string]string{"upgrade-gate.example/waive": "paused-vms"}}
	rules := policy.Default()
	seen := map[question]bool{}
	for _, request := range []gate.Request{plain, waived} {
		for _, r := range []*policy.Policy{nil, rules} {
			asked, err := newQuestion(request, r)
			if err != nil {
				t.Fatal(err)
			}
			seen[asked] = true
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d different questions, want 4", len(seen))
	}
}
