package cluster

import (
	"maps"
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Narrowed returns the Snapshot as one who may read some kinds sees it: the others are Unread and have no objects, so that whatever is
// found out about it depends on those kinds alone. It notes what it is asked about the time, see Until, and is used by one goroutine.
func (s *Snapshot) Narrowed(to []Kind) *Snapshot {
	view := *s
	view.made, view.asked = nil, &horizon{}
	view.evidence = make(map[Kind]Evidence, len(to))
	for _, kind := range to {
		view.evidence[kind] = s.Evidence(kind)
	}
	hidden := map[Kind]bool{}
	for _, resource := range everyResource() {
		if !slices.Contains(to, resource.Kind) {
			hidden[resource.Kind] = true
			resource.store(&view, nil)
		}
	}
	view.indexAgain(hidden)
	if !slices.Contains(to, KubeletStats) || !slices.Contains(to, KubeletConfig) {
		view.kubelets = nil
	}
	if !slices.Contains(to, ServedCertificates) {
		view.served = nil
	}
	return &view
}

// SameIn tells whether two Snapshots of one watch cache are the same for whoever reads some kinds only: these were read alike, and their
// objects are equal but for their resource versions and the heartbeats of nodes, of which nothing can depend. It is false where that cannot
// be told, as of every other source and of what is probed.
func (s *Snapshot) SameIn(other *Snapshot, kinds []Kind) bool {
	if s.made == nil || other.made == nil {
		return false
	}
	for _, kind := range kinds {
		if isProbed(kind) || !sameReading(s.Evidence(kind), other.Evidence(kind)) {
			return false
		}
		if s.made.prints[kind] != other.made.prints[kind] && !sameObjects(s.made.objects[kind], other.made.objects[kind]) {
			return false
		}
	}
	return true
}

// Kept tells whether SameIn can tell anything about the Snapshot.
func (s *Snapshot) Kept() bool { return s.made != nil }

func sameReading(a, b Evidence) bool {
	return a.State == b.State && a.Because == b.Because && slices.Equal(a.Missing, b.Missing) && a.Forbidden == b.Forbidden
}

// sameObjects compares what is not the very same object. An object of the watch cache is never changed, but replaced.
func sameObjects(a, b []client.Object) bool {
	if len(a) != len(b) {
		return false
	}
	shared := make(map[client.Object]bool, len(b))
	for _, object := range b {
		shared[object] = true
	}
	replaced := map[types.NamespacedName]client.Object{}
	for _, object := range a {
		if !shared[object] {
			replaced[NameOf(object)] = object
		}
	}
	for _, object := range b {
		name := NameOf(object)
		if of, found := replaced[name]; found {
			if !sameObject(of, object) {
				return false
			}
			delete(replaced, name)
		}
	}
	return len(replaced) == 0
}

func sameObject(a, b client.Object) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.DeepEqual(withoutBeat(a), withoutBeat(b))
}

// withoutBeat returns a copy of an object, which shares what it refers to, without what every write changes.
func withoutBeat(object client.Object) client.Object {
	value := reflect.New(reflect.TypeOf(object).Elem())
	value.Elem().Set(reflect.ValueOf(object).Elem())
	plain := value.Interface().(client.Object)
	plain.SetResourceVersion("")
	plain.SetManagedFields(nil)
	if node, ok := plain.(*corev1.Node); ok {
		node.Status.Conditions = slices.Clone(node.Status.Conditions)
		for i := range node.Status.Conditions {
			node.Status.Conditions[i].LastHeartbeatTime = metav1.Time{}
		}
	}
	return plain
}

// horizon is until when a Snapshot's answers about the time stay the same, while its objects do. The zero value is for ever.
type horizon struct{ until time.Time }

func (h *horizon) lower(to time.Time) {
	if h != nil && (h.until.IsZero() || to.Before(h.until)) {
		h.until = to
	}
}

// Until is when the first of the answers changes that a narrowed Snapshot has given about the time so far: a Snapshot of the same objects that is
// loaded later, and before then, gives the same. It is zero where none ever does, and of a Snapshot that is not narrowed.
func (s *Snapshot) Until() time.Time {
	if s.asked == nil {
		return time.Time{}
	}
	return s.asked.until
}

// Lasted tells whether t was so long ago, or longer; false for a time that is not set.
func (s *Snapshot) Lasted(t time.Time, wanted time.Duration) bool {
	if t.IsZero() {
		return wanted <= 0
	}
	since := t.Add(wanted)
	if s.now.Before(since) {
		s.asked.lower(since)
	}
	return s.age(t) >= wanted
}

// RoundedAge is Age, rounded to a multiple of a unit.
func (s *Snapshot) RoundedAge(t time.Time, unit time.Duration) time.Duration {
	age := s.age(t).Round(unit)
	if !t.IsZero() {
		s.asked.lower(t.Add(age + unit/2))
	}
	return age
}

// making is what a Snapshot of the watch cache was made of.
type making struct {
	prints  map[Kind]fingerprint
	objects map[Kind][]client.Object
}

func makingOf(read []arrival) *making {
	m := &making{prints: make(map[Kind]fingerprint, len(read)), objects: make(map[Kind][]client.Object, len(read))}
	for _, a := range read {
		m.prints[a.resource.Kind], m.objects[a.resource.Kind] = a.print, a.objects
	}
	return m
}

// changedFrom returns the kinds whose objects are not those of before.
func (m *making) changedFrom(before *making) map[Kind]bool {
	changed := map[Kind]bool{}
	for kind := range before.prints {
		changed[kind] = true
	}
	for kind := range m.prints {
		changed[kind] = true
	}
	maps.DeleteFunc(changed, func(kind Kind, _ bool) bool { return m.prints[kind] == before.prints[kind] })
	return changed
}
