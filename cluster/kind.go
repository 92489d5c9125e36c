package cluster

import (
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Kind names a kind of evidence as kubectl would: the plural and the group, "volumes.longhorn.io". The kinds of
// evidence that are probed stand beside the table: KubeletStats and KubeletConfig, which are subresources of nodes, and
// ServedCertificates.
type Kind string

// Resource is one row of the table of kinds: how a kind is listed, watched, read from files and trimmed. Informers,
// RBAC, the folder reader and the scheme are all derived from it.
type Resource struct {
	// Kind is the row's name.
	Kind Kind
	// GVK is the version that is listed and watched. Files may hold any version of the same group and kind.
	GVK schema.GroupVersionKind
	// Plural is the resource's name in URLs and RBAC rules.
	Plural string
	// Namespaced is false for cluster-scoped kinds.
	Namespaced bool
	// Optional says, where the CRD may be missing from a healthy Harvester, what is not installed then ("the upgrade
	// manager add-on"). Empty means required: a missing CRD is unread evidence.
	Optional string
	// Grant is the right that the operator has to give before the kind is read, and where it is read then; nil for the kinds
	// that the ClusterRole allows.
	Grant *Grant
	// Poll is true for objects that change all the time: the watch cache lists them once a minute, in place of being told of every
	// change.
	Poll bool
	// Select narrows what is read; the zero value reads every object.
	Select Selector
	// Home are the namespaces outside of which no object of the kind lives in a Harvester; empty means any namespace. What was
	// collected of its homes is all there is of the kind.
	Home []string

	// newObject returns an empty object of the type that is decoded into.
	newObject func() client.Object
	newList   func() client.ObjectList
	// kept is the type that is held, where that is another one; nil where it is the same.
	kept reflect.Type
	// trim returns what is held of an object, which may be that very object.
	trim func(client.Object) client.Object
	// takeFrom returns a trimmed copy of an object, which it leaves empty.
	takeFrom func(client.Object) client.Object
	store    func(*Snapshot, []client.Object)
}

// Selector narrows a kind to the objects that checks read, at the API server as well as in files.
type Selector struct {
	// Labels must match; empty matches everything.
	Labels labels.Set
	// EventReason is the only reason of events that is read; for the kind events alone.
	EventReason string
	// Namespace is the only one that is read; empty means all.
	Namespace string
}

// parameters returns the selector as the parameters of a list request.
func (s Selector) parameters() map[string]string {
	parameters := map[string]string{}
	if selector := s.labelSelector(); selector != nil {
		parameters["labelSelector"] = selector.String()
	}
	if selector := s.fieldSelector(); selector != nil {
		parameters["fieldSelector"] = selector.String()
	}
	return parameters
}

func (s Selector) labelSelector() labels.Selector {
	if len(s.Labels) == 0 {
		return nil
	}
	return labels.SelectorFromSet(s.Labels)
}

func (s Selector) fieldSelector() fields.Selector {
	terms := fields.Set{}
	if s.EventReason != "" {
		terms["reason"] = s.EventReason
	}
	if s.Namespace != "" {
		terms["metadata.namespace"] = s.Namespace
	}
	if len(terms) == 0 {
		return nil
	}
	return fields.SelectorFromSet(terms)
}

// Path returns the path under which the API server lists every object of the row, in all namespaces.
func (r Resource) Path() string {
	if r.GVK.Group == "" {
		return "/api/" + r.GVK.Version + "/" + r.Plural
	}
	return "/apis/" + r.GVK.Group + "/" + r.GVK.Version + "/" + r.Plural
}

// pathIn returns the path under which the API server lists the objects of the row in a namespace.
func (r Resource) pathIn(namespace string) string {
	all := strings.TrimSuffix(r.Path(), r.Plural)
	return all + "namespaces/" + namespace + "/" + r.Plural
}

// NewObject returns an empty object of the row's Go type.
func (r Resource) NewObject() client.Object { return r.newObject() }

// NewList returns an empty list of the row's Go type.
func (r Resource) NewList() client.ObjectList { return r.newList() }

// pointer is a pointer to an object's struct.
type pointer[T any] interface {
	*T
	client.Object
}

// row builds a Resource for a Go type: keep copies, into an object that has only its identity, the fields that the
// checks read; store puts the listed objects into the Snapshot.
func row[T any, P pointer[T]](r Resource, list func() client.ObjectList, keep func(from, to P), store func(*Snapshot, []P)) Resource {
	slim := func(from P) P {
		to := P(new(T))
		keepIdentity(from, to)
		keep(from, to)
		return to
	}
	r = smallRow(r, list, slim, store)
	r.kept = nil
	r.trim = func(object client.Object) client.Object {
		if from, ok := object.(P); ok {
			*from = *slim(from)
		}
		return object
	}
	return r
}

// smallRow builds a Resource for a Go type of which something smaller is held: keep returns what the checks read of an object, and shares
// with it what lies behind its pointers.
func smallRow[T any, P pointer[T], K client.Object](r Resource, list func() client.ObjectList, keep func(P) K, store func(*Snapshot, []K)) Resource {
	r.newObject = func() client.Object { return P(new(T)) }
	r.newList = list
	r.kept = reflect.TypeFor[K]()
	r.trim = func(object client.Object) client.Object {
		if from, ok := object.(P); ok {
			return keep(from)
		}
		return object
	}
	r.takeFrom = func(object client.Object) client.Object {
		from := object.(P)
		to := keep(from)
		*from = *new(T)
		return to
	}
	r.store = func(s *Snapshot, objects []client.Object) {
		held := make([]K, 0, len(objects))
		for _, object := range objects {
			if small, ok := object.(K); ok {
				held = append(held, small)
			} else {
				held = append(held, keep(object.(P)))
			}
		}
		store(s, held)
	}
	return r
}

// Held returns objects as a Snapshot holds them: copies where it holds something smaller, otherwise the objects themselves. A Source that is
// loaded again and again should list these, for whatever it lists in the larger form is copied by every Load.
func (r Resource) Held(objects []client.Object) []client.Object {
	if r.kept == nil {
		return objects
	}
	held := make([]client.Object, len(objects))
	for i, object := range objects {
		held[i] = r.trim(object)
	}
	return held
}

// heldType is the type of the objects that a Snapshot has of the row.
func (r Resource) heldType() reflect.Type {
	if r.kept != nil {
		return r.kept
	}
	return reflect.TypeOf(r.newObject())
}

// Lookup returns the row of a kind; false for a name that is not in the table.
func Lookup(kind Kind) (Resource, bool) {
	for _, r := range everyResource() {
		if r.Kind == kind {
			return r, true
		}
	}
	return Resource{}, false
}

// Polled tells whether the watch cache polls a kind of evidence, because it cannot or need not be watched; it may then be minutes
// old.
func Polled(kind Kind) bool {
	if isProbed(kind) {
		return true
	}
	resource, ok := Lookup(kind)
	return ok && resource.polled()
}

// isProbed tells whether a kind of evidence is no object, but what servers answer.
func isProbed(kind Kind) bool {
	return kind == KubeletStats || kind == KubeletConfig || kind == ServedCertificates
}

// polled tells whether the watch cache lists the row once in a while in place of watching it.
func (r Resource) polled() bool { return r.Poll || r.Grant != nil }

// Known tells whether a kind is one that a Snapshot can hold: a row of the table, one that the
// operator may grant, or evidence that is probed.
func Known(kind Kind) bool {
	if Polled(kind) {
		return true
	}
	_, ok := Lookup(kind)
	return ok
}

// isPartial tells whether the row's Go type is one of this package's small structs, which hold only some of the fields.
func (r Resource) isPartial() bool {
	return reflect.TypeOf(r.newObject()).Elem().PkgPath() == reflect.TypeFor[Resource]().PkgPath()
}

func (r Resource) validate() error {
	if r.Plural == "" || r.GVK.Kind == "" || r.GVK.Version == "" || r.newObject == nil || r.newList == nil || r.store == nil {
		return fmt.Errorf("row %q of the table of kinds is incomplete", r.Kind)
	}
	return nil
}
