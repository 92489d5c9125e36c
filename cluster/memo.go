package cluster

import (
	"hash/maphash"
	"sync/atomic"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// memo keeps the last Snapshot of the watch cache, so that of one that consists of the very same objects nothing need be indexed again, and
// of another only what has changed: that is half of the time that a refusal takes. It cannot be stale, for every Load lists the cache and
// compares. The watch cache replaces an object that has changed and never changes one, and as the memo holds on to its objects no new one has
// the address of an old one.
type memo struct {
	seed maphash.Seed
	// last is without what depends on the time.
	last *atomic.Pointer[Snapshot]
	// borrowed is true where another Source than the watch cache only shares what its last Snapshot has.
	borrowed bool
}

// fingerprint tells one set of objects from another, whatever their order. The zero value stands for a kind that was not read.
type fingerprint struct {
	read  bool
	count int
	sum   uint64
}

// remembering is a Source whose last Snapshot is kept.
type remembering struct {
	Source
	memo *memo
}

func (r remembering) lastLoaded() *memo { return r.memo }

// Remembering returns the Source as one that is loaded again and again, as the watch cache is: what has not changed is not indexed again. The
// Source must replace an object that changes, and never change it.
func Remembering(source Source) Source { return remembering{source, newMemo()} }

func newMemo() *memo { return &memo{seed: maphash.MakeSeed(), last: &atomic.Pointer[Snapshot]{}} }

// borrow returns the memo for a Source that may list the same objects: its Snapshots share with the last one what is made of the very same
// objects. They are not kept themselves, and nobody takes them for the watch cache's.
func (m *memo) borrow() *memo { return &memo{seed: m.seed, last: m.last, borrowed: true} }

// print returns the fingerprint of objects: of their addresses, not of what is in them.
func (m *memo) print(objects []client.Object) fingerprint {
	f := fingerprint{read: true, count: len(objects)}
	for _, object := range objects {
		f.sum += maphash.Comparable(m.seed, object)
	}
	return f
}

// memoOf returns the memo of a Source that has one; nil otherwise.
func memoOf(source Source) *memo {
	if kept, ok := source.(interface{ lastLoaded() *memo }); ok {
		return kept.lastLoaded()
	}
	return nil
}

// assemble returns a Snapshot of the objects that were read, and keeps it where it is not the last one.
func (m *memo) assemble(read []arrival) *Snapshot {
	s, isLast := m.fromLast(read)
	switch {
	case m.borrowed:
		s.made = nil
	case !isLast:
		kept := *s // of the other the rest can be filled in
		m.last.Store(&kept)
	}
	return s
}

// fromLast returns a Snapshot of the objects that were read, which shares with the last one what has not changed since; isLast is true where
// nothing has.
func (m *memo) fromLast(read []arrival) (s *Snapshot, isLast bool) {
	made, last := makingOf(read), m.last.Load()
	s = &Snapshot{made: made}
	if last == nil {
		for _, a := range read {
			a.resource.store(s, a.objects)
		}
		s.index()
		return s, false
	}
	changed := made.changedFrom(last.made)
	*s = *last
	if len(changed) == 0 {
		return s, true
	}
	s.made = made
	for _, resource := range everyResource() {
		if changed[resource.Kind] {
			resource.store(s, made.objects[resource.Kind])
		}
	}
	s.indexAgain(changed)
	return s, false
}
