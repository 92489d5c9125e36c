package cluster

import (
	"context"
	"testing"
	"time"
)

func TestAPollWaitsItsIntervalAndRetriesSoonWhereThereIsNobodyToAsk(t *testing.T) {
	now := time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	asked, somebody := 0, false
	p := newPoll(certificateInterval, func() time.Time { return now }, func(context.Context) (int, bool) {
		asked++
		return asked, somebody
	})
	if wait := p.renew(t.Context()); wait != retryInterval || p.get() != 0 {
		t.Errorf("with nobody to ask it waits %s and answers %d", wait, p.get())
	}
	somebody = true
	if wait := p.renew(t.Context()); wait != 10*time.Minute || p.get() != 2 {
		t.Errorf("with somebody to ask it waits %s and answers %d", wait, p.get())
	}
	now = now.Add(9 * time.Minute)
	p.get()
	select {
	case <-p.stale:
		t.Error("certificates were asked for out of turn")
	default:
	}
}

func TestAPollWithAFreshnessIsRenewedOutOfTurnWhenItIsUsed(t *testing.T) {
	now := time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	p := newPoll(kubeletInterval, func() time.Time { return now }, func(context.Context) (int, bool) { return 1, true })
	p.freshness = kubeletFreshness
	p.renew(t.Context())
	p.get()
	if len(p.stale) != 0 {
		t.Error("a fresh answer is renewed")
	}
	now = now.Add(21 * time.Second)
	p.get()
	p.get()
	if len(p.stale) != 1 {
		t.Errorf("an old answer is renewed %d times, want once", len(p.stale))
	}
}

func TestAPollThatPanicsHasNoAnswer(t *testing.T) {
	ill := false
	p := newPoll(time.Minute, time.Now, func(context.Context) (int, bool) {
		if ill {
			panic("an answer that cannot be decoded")
		}
		return 1, true
	})
	p.renew(t.Context())
	ill = true
	if wait := p.renew(t.Context()); wait != time.Minute || p.get() != 0 {
		t.Errorf("it waits %s and answers %d, want a minute and nothing", wait, p.get())
	}
}
