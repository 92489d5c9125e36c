package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// turns let a few upgrades be judged at once; whoever comes then waits for a turn. Those who wait and ask for the same share
// one turn and its verdict. Judging begins after all of them have asked, so it rests on nothing older than it would for each
// alone, and five hundred who press the button at once cost a few reads of the cluster, not five hundred.
type turns struct {
	// slots hold one entry for each turn that has begun.
	slots chan struct{}

	mu sync.Mutex
	// waiting are the turns that have not begun.
	waiting map[question]*turn
}

func newTurns(atOnce int) *turns {
	return &turns{slots: make(chan struct{}, atOnce), waiting: map[question]*turn{}}
}

// question is what is judged; equal questions have the same verdict on the same cluster.
type question struct {
	request string
	rules   *policy.Policy
}

func newQuestion(request gate.Request, rules *policy.Policy) (question, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return question{}, fmt.Errorf("compare the upgrade with others: %w", err)
	}
	return question{string(text), rules}, nil
}

// judging gives a verdict before its context ends; false where it has none.
type judging func(context.Context) (report.Report, bool)

// turn is one judgement, for everybody who waits for it.
type turn struct {
	// began and ended are closed when judging begins and ends.
	began, ended chan struct{}
	// ctx ends when nobody waits any more.
	ctx     context.Context
	abandon context.CancelFunc
	// members is how many wait, and latest the latest of their deadlines; zero where one has none. Both belong to turns.mu.
	members int
	latest  time.Time

	// What came of it, once it has ended.
	verdict report.Report
	final   bool
	err     error
}

var (
	// errNoTurn says that others were judged until the deadline.
	errNoTurn = fmt.Errorf("%d other upgrades were being judged until the deadline", maxJudged)
	// errLate says that a shared judgement, which those who came later have more time for, was not ready.
	errLate = errors.New("it was not judged before the deadline, for many asked at once")
)

// panicked is what judging panicked with.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("internal error: %v", p.value) }

// take waits for a turn until turnBy ends, and for its verdict until ctx does. The error says why there is none: others had all
// the turns, the verdict came too late, or judging panicked.
func (t *turns) take(ctx, turnBy context.Context, asked question, judge judging) (report.Report, bool, error) {
	mine := t.join(ctx, asked, judge)
	defer t.leave(mine, asked)
	select {
	case <-mine.began:
	case <-turnBy.Done():
		return report.Report{}, false, errNoTurn
	}
	select {
	case <-mine.ended:
	case <-ctx.Done():
		if deadline, _ := ctx.Deadline(); errors.Is(ctx.Err(), context.Canceled) || mine.latest.IsZero() || deadline.Before(mine.latest) {
			return report.Report{}, false, errLate
		}
		<-mine.ended // whose deadline is the same: a verdict that says what could not be read in time
	}
	return mine.verdict, mine.final, mine.err
}

// join returns the turn that waits for the same question, or a new one.
func (t *turns) join(ctx context.Context, asked question, judge judging) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	deadline, _ := ctx.Deadline()
	if others, ok := t.waiting[asked]; ok {
		others.members++
		if deadline.IsZero() || !others.latest.IsZero() && deadline.After(others.latest) {
			others.latest = deadline
		}
		return others
	}
	mine := &turn{began: make(chan struct{}), ended: make(chan struct{}), members: 1, latest: deadline}
	mine.ctx, mine.abandon = context.WithCancel(context.WithoutCancel(ctx))
	t.waiting[asked] = mine
	go t.run(mine, asked, judge)
	return mine
}

// leave ends the turn that nobody waits for any more.
func (t *turns) leave(mine *turn, asked question) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine.members--
	if mine.members > 0 {
		return
	}
	mine.abandon()
	if t.waiting[asked] == mine {
		delete(t.waiting, asked)
	}
}

// run waits for a slot and judges.
func (t *turns) run(mine *turn, asked question, judge judging) {
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-mine.ctx.Done():
		return
	}
	ctx, cancel := t.begin(mine, asked)
	defer cancel()
	defer close(mine.ended)
	defer func() {
		if failure := recover(); failure != nil {
			mine.err = &panicked{failure, debug.Stack()}
		}
	}()
	mine.verdict, mine.final = judge(ctx)
}

// begin lets nobody join any more, and returns the context that the judgement has to keep to.
func (t *turns) begin(mine *turn, asked question) (context.Context, context.CancelFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting[asked] == mine {
		delete(t.waiting, asked)
	}
	close(mine.began)
	if mine.latest.IsZero() {
		return context.WithCancel(mine.ctx)
	}
	return context.WithDeadline(mine.ctx, mine.latest)
}
