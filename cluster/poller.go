package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// kubeletInterval is how old the kubelets' answers in the watch cache may become. They only help to refuse early; an
	// upgrade is admitted on answers read for it.
	kubeletInterval = time.Minute
	// listInterval is how old the objects of a polled kind may become in the watch cache, and listTimeout how long reading them may
	// take.
	listInterval = time.Minute
	listTimeout  = 10 * time.Second
	// kubeletFreshness is how old answers may be when they are used before they are asked for again, for the next use.
	kubeletFreshness = 20 * time.Second
	// certificateInterval is how old the certificates in the watch cache may become. They change once in months.
	certificateInterval = 10 * time.Minute
	// retryInterval is how soon somebody is looked for again where there was nobody to ask.
	retryInterval = time.Second
)

// Poller keeps, for the watch cache, the last answers to what is probed and cannot be watched.
type Poller struct {
	kubelets     *poll[map[string]Kubelet]
	certificates *poll[[]ServedCertificate]
	lists        map[Kind]*poll[polledList]
	// targets are set when the poller is started.
	targets func() Targets
}

// polledList is a kind as it was last read.
type polledList struct {
	objects  []client.Object
	evidence Evidence
}

// NewPoller returns a poller that asks the way a live source does. It asks nobody until the watch cache that it belongs to
// is started.
func NewPoller(live *Live) *Poller {
	p := &Poller{lists: map[Kind]*poll[polledList]{}}
	prober := live.options.Prober
	p.kubelets = newPoll(kubeletInterval, live.options.Now, func(ctx context.Context) (map[string]Kubelet, bool) {
		nodes := p.targets().Nodes
		return prober.Ask(ctx, nodes), len(nodes) > 0
	})
	p.kubelets.freshness = kubeletFreshness
	p.certificates = newPoll(certificateInterval, live.options.Now, func(ctx context.Context) ([]ServedCertificate, bool) {
		targets := p.targets()
		if len(targets.Nodes) == 0 || targets.Unknown != "" {
			return nil, false
		}
		served, _ := prober.Certificates(ctx, targets)
		return served, true
	})
	for _, resource := range polledResources() {
		p.lists[resource.Kind] = newPoll(listInterval, live.options.Now, func(ctx context.Context) (polledList, bool) {
			ctx, cancel := context.WithTimeout(ctx, listTimeout)
			defer cancel()
			objects, evidence := live.List(ctx, resource)
			return polledList{unchanged(p.lists[resource.Kind].get().objects, objects), evidence}, true
		})
	}
	return p
}

// Last returns the last answers; nothing before they have been asked for. It does not wait, but has old answers of kubelets
// renewed for whoever asks next: an operator who has just made room on a disk and tries again.
func (p *Poller) Last() Probed {
	return Probed{Kubelets: p.kubelets.get(), Certificates: p.certificates.get()}
}

// seen is Last for one who only looks on: nothing is renewed any sooner.
func (p *Poller) seen() Probed {
	return Probed{Kubelets: p.kubelets.peek(), Certificates: p.certificates.peek()}
}

// answered tells whether everything has been asked for once; the error names what has not.
func (p *Poller) answered() error {
	if p.kubelets.last.Load() == nil {
		return errors.New("the kubelets' answers")
	}
	for _, resource := range polledResources() {
		if p.lists[resource.Kind].last.Load() == nil {
			return fmt.Errorf("the list of %s", resource.Kind)
		}
	}
	if p.certificates.last.Load() == nil {
		return errors.New("the servers' certificates")
	}
	return nil
}

// list returns the last reading of a kind that is polled.
func (p *Poller) list(resource Resource) ([]client.Object, Evidence) {
	last := p.lists[resource.Kind].get()
	if last.evidence.State == "" {
		return nil, unread(resource.Kind, "not read yet")
	}
	return last.objects, last.evidence
}

// unchanged replaces objects that have not changed by those that were read before, so that a Snapshot of the very same
// objects is known again.
func unchanged(before, now []client.Object) []client.Object {
	known := make(map[types.UID]client.Object, len(before))
	for _, object := range before {
		known[object.GetUID()] = object
	}
	for i, object := range now {
		if old := known[object.GetUID()]; old != nil && old.GetResourceVersion() == object.GetResourceVersion() {
			now[i] = old
		}
	}
	return now
}

// run asks again and again until ctx ends.
func (p *Poller) run(ctx context.Context, targets func() Targets) {
	p.targets = targets
	var all sync.WaitGroup
	all.Go(func() { p.kubelets.run(ctx) })
	all.Go(func() { p.certificates.run(ctx) })
	for _, list := range p.lists {
		all.Go(func() { list.run(ctx) })
	}
	all.Wait()
}

// poll keeps the last answer to one question.
type poll[T any] struct {
	// interval is how often the question is asked.
	interval time.Duration
	// freshness is how old an answer may be when it is used before the question is asked again out of turn; zero means never.
	freshness time.Duration
	// ask returns false where there is nobody to ask yet.
	ask   func(ctx context.Context) (T, bool)
	now   func() time.Time
	last  atomic.Pointer[polled[T]]
	stale chan struct{}
}

type polled[T any] struct {
	at     time.Time
	answer T
}

func newPoll[T any](interval time.Duration, now func() time.Time, ask func(context.Context) (T, bool)) *poll[T] {
	return &poll[T]{interval: interval, ask: ask, now: now, stale: make(chan struct{}, 1)}
}

// get returns the last answer, or nothing where there is none yet. It never waits.
func (p *poll[T]) get() (answer T) {
	last := p.last.Load()
	if last == nil {
		return answer
	}
	if p.freshness > 0 && p.now().Sub(last.at) > p.freshness {
		select {
		case p.stale <- struct{}{}:
		default:
		}
	}
	return last.answer
}

// peek is get without asking again.
func (p *poll[T]) peek() (answer T) {
	if last := p.last.Load(); last != nil {
		return last.answer
	}
	return answer
}

// renew asks once, and returns how long not to ask again. An answer that cannot be decoded is none.
func (p *poll[T]) renew(ctx context.Context) (wait time.Duration) {
	defer func() {
		if recover() != nil {
			p.last.Store(nil)
			wait = p.interval
		}
	}()
	at := p.now()
	answer, asked := p.ask(ctx)
	if !asked {
		return retryInterval
	}
	p.last.Store(&polled[T]{at: at, answer: answer})
	return p.interval
}

func (p *poll[T]) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.stale:
		}
		timer.Reset(p.renew(ctx))
	}
}
