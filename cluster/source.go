package cluster

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Source is where evidence comes from: the watch cache, the live API, or a folder. A Source does not fail: what it
// could not read it says in the Evidence.
type Source interface {
	// Name describes the source to a person: "the watch cache".
	Name() string
	// List returns every object of a kind. The objects belong to the source and must not be changed.
	List(ctx context.Context, resource Resource) ([]client.Object, Evidence)
	// Probe returns what the targets answer. It is called once for a Snapshot.
	Probe(ctx context.Context, targets Targets) Probed
}

// Dated is a Source that was collected earlier. Ages count from then, not from when it is read.
type Dated interface {
	Source
	// CollectedAt is when; zero where the source does not say.
	CollectedAt() time.Time
}

// Load reads every kind of the tables from a source, all kinds at once, and returns the indexed Snapshot. It returns when
// everything has been read, or when ctx ends: what was not there by then is Unread. now is the time that ages are
// counted from.
func Load(ctx context.Context, source Source, now time.Time) *Snapshot {
	if shared, ok := source.(*Together); ok {
		return shared.load(ctx, now)
	}
	resources := everyResource()
	loader := &loader{source: source, ctx: ctx, arrived: make(chan arrival, len(resources)+1), memo: memoOf(source)}
	for _, resource := range resources {
		go loader.list(resource)
	}
	return loader.collect(now, resources)
}

// arrival is one kind, or what a probe brought back, on its way to the Snapshot.
type arrival struct {
	resource Resource
	objects  []client.Object
	evidence Evidence
	print    fingerprint
	probed   Probed
}

type loader struct {
	source  Source
	ctx     context.Context
	arrived chan arrival
	// memo is nil where there is none.
	memo *memo
}

func (l *loader) list(resource Resource) {
	objects, evidence := listSafely(l.ctx, l.source, resource)
	a := arrival{resource: resource, objects: objects, evidence: evidence}
	if l.memo != nil && evidence.held() {
		a.print = l.memo.print(objects)
	}
	l.arrived <- a
}

func (l *loader) collect(now time.Time, resources []Resource) *Snapshot {
	g := newGathering(resources)
	for !g.done() {
		select {
		case a := <-l.arrived:
			if targets, known := g.take(a); known {
				go func() { l.arrived <- arrival{probed: probeSafely(l.ctx, l.source, targets)} }()
			}
		case <-l.ctx.Done():
			g.giveUp()
		}
	}
	s := l.assemble(g.read)
	s.source, s.now, s.evidence = l.source.Name(), now, g.evidence
	s.takeKubelets(g.probed)
	s.takeCertificates(g.probed)
	return s
}

// assemble returns a Snapshot of the objects that were read, indexed, and without what depends on the time.
func (l *loader) assemble(read []arrival) *Snapshot {
	if l.memo != nil {
		return l.memo.assemble(read)
	}
	s := &Snapshot{}
	for _, a := range read {
		a.resource.store(s, a.objects)
	}
	s.index()
	return s
}

// listSafely turns a panic while a list is decoded into unread evidence of that kind alone.
func listSafely(ctx context.Context, source Source, resource Resource) (objects []client.Object, evidence Evidence) {
	defer func() {
		if failure := recover(); failure != nil {
			objects, evidence = nil, unread(resource.Kind, fmt.Sprintf("reading failed: %v", failure))
		}
	}()
	objects, evidence = source.List(ctx, resource)
	evidence.Kind = resource.Kind
	evidence.Count = len(objects)
	return objects, evidence
}

// probeSafely returns nothing at all if probing panics, which makes its evidence unread.
func probeSafely(ctx context.Context, source Source, targets Targets) (probed Probed) {
	defer func() {
		if recover() != nil {
			probed = Probed{}
		}
	}()
	return source.Probe(ctx, targets)
}
