package cluster

import (
	"cmp"
	"encoding/json"
	"iter"
	"maps"
	"slices"
)

// Table holds a few values by name, sorted by name. Of a few entries it takes a third of the memory of a map, and there are tens of thousands
// of such maps in a cluster. It is nil where the object has no such map at all, which says something else than an empty one.
type Table[T any] []Entry[T]

// Entry is a value in a Table, and its name.
type Entry[T any] struct {
	Name  string
	Value T
}

// tableOf returns the entries of a map with what keep makes of each value; nil for nil.
func tableOf[From, To any](from map[string]From, keep func(From) To) Table[To] {
	if from == nil {
		return nil
	}
	table := make(Table[To], 0, len(from))
	for name, value := range from {
		table = append(table, Entry[To]{name, keep(value)})
	}
	slices.SortFunc(table, func(a, b Entry[To]) int { return cmp.Compare(a.Name, b.Name) })
	return table
}

// asIs keeps a value of a Table as it is in the map.
func asIs[T any](value T) T { return value }

// ifSet keeps of each value that is set what keep makes of it.
func ifSet[From, To any](keep func(*From) *To) func(*From) *To {
	return func(value *From) *To {
		if value == nil {
			return nil
		}
		return keep(value)
	}
}

// Get returns the value of that name; false where there is none.
func (t Table[T]) Get(name string) (value T, ok bool) {
	if i, found := slices.BinarySearchFunc(t, name, func(e Entry[T], name string) int { return cmp.Compare(e.Name, name) }); found {
		return t[i].Value, true
	}
	return value, false
}

// All returns the entries in the order of their names.
func (t Table[T]) All() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for i := range t {
			if !yield(t[i].Name, t[i].Value) {
				return
			}
		}
	}
}

// MarshalJSON writes the map that the Table was made of.
func (t Table[T]) MarshalJSON() ([]byte, error) {
	if t == nil {
		return []byte("null"), nil
	}
	return json.Marshal(maps.Collect(t.All()))
}

// DeepCopy returns a copy that shares nothing with the Table, as far as the values can be copied.
func (t Table[T]) DeepCopy() Table[T] {
	if t == nil {
		return nil
	}
	again := make(Table[T], len(t))
	for i, entry := range t {
		if value, ok := any(entry.Value).(interface{ DeepCopy() T }); ok {
			entry.Value = value.DeepCopy()
		}
		again[i] = entry
	}
	return again
}
