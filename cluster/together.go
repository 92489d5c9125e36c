package cluster

import (
	"context"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Together is a Source that is read once for all who load it at the same time. Whoever comes while it is being read waits for that to end, and
// then reads together with all others who have waited: what each gets was read after he had asked, and at no time is the cluster read twice at
// once. Each keeps to his own deadline, and has what has arrived by then.
type Together struct {
	source Source
	now    func() time.Time

	mu sync.Mutex
	// current is being read, and next waits for it; nil where there is none.
	current, next *reading
}

// NewTogether returns the Source as one that is read together. now is the clock that ages are counted by.
func NewTogether(source Source, now func() time.Time) *Together {
	return &Together{source: source, now: now}
}

// Name implements Source.
func (t *Together) Name() string { return t.source.Name() }

// List implements Source for one who wants a single list, which is shared with nobody.
func (t *Together) List(ctx context.Context, resource Resource) ([]client.Object, Evidence) {
	return t.source.List(ctx, resource)
}

// Probe implements Source, as List does.
func (t *Together) Probe(ctx context.Context, targets Targets) Probed {
	return t.source.Probe(ctx, targets)
}

// reading is one reading of the source, of which the lists that somebody has asked for are there, or on their way.
type reading struct {
	source Source
	// ctx ends when nobody wants the reading any more.
	ctx     context.Context
	abandon context.CancelFunc
	// started is closed when the reading begins, at the time of at.
	started chan struct{}
	at      time.Time
	// members is how many load it; it belongs to the mutex of Together.
	members int

	mu      sync.Mutex
	answers map[Kind]*answer
}

// answer is what the source has said of a kind, once done is closed. That to the probe has no kind.
type answer struct {
	done     chan struct{}
	objects  []client.Object
	evidence Evidence
	probed   Probed
}

// load is Load for one of those who read together.
func (t *Together) load(ctx context.Context, now time.Time) *Snapshot {
	mine := t.join()
	defer t.leave(mine)
	select {
	case <-mine.started:
		if mine.at.After(now) {
			now = mine.at
		}
	case <-ctx.Done(): // Load says of every kind that there was no time for it.
	}
	return Load(ctx, mine, now)
}

func (t *Together) join() *reading {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next == nil {
		t.next = &reading{source: t.source, started: make(chan struct{}), answers: map[Kind]*answer{}}
		t.next.ctx, t.next.abandon = context.WithCancel(context.Background())
	}
	mine := t.next
	mine.members++
	if t.current == nil {
		t.startNext()
	}
	return mine
}

// leave ends the reading that nobody loads any more; the next begins.
func (t *Together) leave(mine *reading) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.members--; mine.members > 0 {
		return
	}
	mine.abandon()
	switch mine {
	case t.current:
		t.current = nil
		if t.next != nil {
			t.startNext()
		}
	case t.next:
		t.next = nil
	}
}

func (t *Together) startNext() {
	t.current, t.next = t.next, nil
	t.current.at = t.now()
	close(t.current.started)
}

// Name implements Source.
func (r *reading) Name() string { return r.source.Name() }

func (r *reading) lastLoaded() *memo { return memoOf(r.source) }

// List implements Source: whoever asks first has the source asked.
func (r *reading) List(ctx context.Context, resource Resource) ([]client.Object, Evidence) {
	a := r.answerTo(ctx, resource.Kind, func(a *answer) { a.objects, a.evidence = listSafely(r.ctx, r.source, resource) })
	if a == nil {
		return nil, late(resource.Kind)
	}
	return a.objects, a.evidence
}

// Probe implements Source. The targets are those of the lists, and so the same for all.
func (r *reading) Probe(ctx context.Context, targets Targets) Probed {
	a := r.answerTo(ctx, "", func(a *answer) { a.probed = probeSafely(r.ctx, r.source, targets) })
	if a == nil {
		return Probed{}
	}
	return a.probed
}

// answerTo returns the answer about a kind, for which it asks if nobody has; nil where ctx ends before it is there.
func (r *reading) answerTo(ctx context.Context, kind Kind, ask func(*answer)) *answer {
	select {
	case <-r.started:
	case <-ctx.Done():
		return nil
	}
	r.mu.Lock()
	a, asked := r.answers[kind]
	if !asked {
		a = &answer{done: make(chan struct{})}
		r.answers[kind] = a
		go func() {
			defer close(a.done)
			ask(a)
		}()
	}
	r.mu.Unlock()
	select {
	case <-a.done:
		return a
	case <-ctx.Done():
		return nil
	}
}
