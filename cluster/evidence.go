package cluster

import (
	"slices"
	"time"
)

// ReadState tells whether a kind of evidence could be read.
type ReadState string

// The states of evidence. There is no state for "empty": an empty list that was read is Read with a Count of zero.
const (
	// Read means that every object of the kind is in the Snapshot.
	Read ReadState = "Read"
	// Partial means that some objects of the kind are in the Snapshot, and that others, which Because tells, are not known.
	Partial ReadState = "Partial"
	// NotInstalled means that the API server does not know the kind and that a healthy Harvester may lack it.
	NotInstalled ReadState = "NotInstalled"
	// NotGranted means that the operator did not grant reading the kind, which is off by default; Because says how to.
	NotGranted ReadState = "NotGranted"
	// Unread means that the objects are not known; Because says why.
	Unread ReadState = "Unread"
)

// Evidence says how one kind was read, when, and at which version, or why it was not.
type Evidence struct {
	// Kind is the kind that this is about.
	Kind Kind
	// State tells whether the kind was read.
	State ReadState
	// Because gives the reason where State is not Read: "forbidden: …". For Partial it names what is missing: "the namespaces
	// shop and web were not collected".
	Because string
	// Missing are, where State is Partial, the namespaces of which objects of the kind may be missing, sorted: nothing follows from what is
	// not there. Where it is Partial and Missing is empty, that is so of every namespace.
	Missing []string
	// ReadAt is when the kind was read; zero for a kind that was not.
	ReadAt time.Time
	// ResourceVersion is the list's version; empty for files, and for kubelets.
	ResourceVersion string
	// Count is the number of objects.
	Count int
	// Forbidden is true where the API server does not let us list the kind.
	Forbidden bool
}

// held tells whether the Snapshot holds what there was to read of the kind.
func (e Evidence) held() bool { return e.State == Read || e.State == Partial }

// knows tells whether every object of the kind in a namespace is in the Snapshot.
func (e Evidence) knows(namespace string) bool {
	return e.State == Read || e.State == Partial && len(e.Missing) > 0 && !slices.Contains(e.Missing, namespace)
}

func unread(kind Kind, because string) Evidence {
	return Evidence{Kind: kind, State: Unread, Because: because}
}

// late is the evidence of a kind that had not been read when the time was over.
func late(kind Kind) Evidence { return unread(kind, "no answer before the deadline") }
