package cluster

import (
	"hash/maphash"
	"maps"
	"sync/atomic"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// memo keeps the last Snapshot of the watch cache, so that one that consists of the very same objects need not be indexed
// again: that is half of the time that a refusal takes. It cannot be stale, for every Load lists the cache and compares. The
// watch cache replaces an object that has changed and never changes one, and as the memo holds on to its objects no new one
// has the address of an old one.
type memo struct {
	seed maphash.Seed
	last atomic.Pointer[remembered]
}

// remembered is a Snapshot and what it was made of. A Snapshot of other objects is another Snapshot.
type remembered struct {
	prints   map[Kind]fingerprint
	snapshot *Snapshot
}

// fingerprint tells one set of objects from another, whatever their order. The zero value stands for a kind that was not read.
type fingerprint struct {
	read  bool
	count int
	sum   uint64
}

func newMemo() *memo { return &memo{seed: maphash.MakeSeed()} }

// print returns the fingerprint of objects: of their addresses, not of what is in them.
func (m *memo) print(objects []client.Object) fingerprint {
	f := fingerprint{read: true, count: len(objects)}
	for _, object := range objects {
		f.sum += maphash.Comparable(m.seed, object)
	}
	return f
}

// recall returns the last Snapshot if it was made of objects with these fingerprints, or nil.
func (m *memo) recall(prints map[Kind]fingerprint) *Snapshot {
	if last := m.last.Load(); last != nil && maps.Equal(last.prints, prints) {
		return last.snapshot
	}
	return nil
}

func (m *memo) remember(prints map[Kind]fingerprint, snapshot *Snapshot) {
	m.last.Store(&remembered{prints: prints, snapshot: snapshot})
}
