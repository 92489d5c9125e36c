package cluster

import (
	"hash/maphash"
	"reflect"
	"sync"
)

// rememberedAtRest is how many texts and parts are remembered once everything has been listed: those that nearly every object has, such
// as the names of nodes and states. Names that come and go must not pile up.
const rememberedAtRest = 8192

// sharing has equal text, and equal parts such as a pod's requests, be in memory once. A cluster's objects name each other all the time:
// that is a third of what the watch cache takes. Objects may only share what nobody changes, which is true of everything in a Snapshot.
type sharing struct {
	seed maphash.Seed

	mu sync.Mutex
	// limit is how many texts, and how many parts, are remembered; when there are more all are forgotten.
	limit int
	texts map[string]string
	parts map[uint64]any
}

// newSharing returns a sharing that remembers everything until settle is called.
func newSharing() *sharing {
	s := &sharing{seed: maphash.MakeSeed(), limit: 1 << 20}
	s.forget()
	return s
}

func (s *sharing) forget() { s.texts, s.parts = map[string]string{}, map[uint64]any{} }

// settle forgets what was remembered, and remembers less from now on.
func (s *sharing) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = rememberedAtRest
	s.forget()
}

// share replaces the text and the parts of an object by equal ones of the objects before it. object is a pointer to a struct that nobody
// else has yet.
func (s *sharing) share(object any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.texts) > s.limit || len(s.parts) > s.limit {
		s.forget()
	}
	s.walk(reflect.ValueOf(object).Elem())
}

// walk shares what can be set below a value. Fields that are not exported, such as those of a quantity, stay as they are.
func (s *sharing) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if text := v.String(); text != "" {
			v.SetString(s.text(text))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); field.CanSet() && holdsText(field.Kind()) {
				s.walk(field)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			s.walk(v.Elem())
			s.part(v)
		}
	case reflect.Slice:
		if v.Len() > 0 && v.Cap() > v.Len() {
			v.Set(exact(v))
		}
		if v.Len() > 0 && holdsText(v.Type().Elem().Kind()) {
			for i := range v.Len() {
				s.walk(v.Index(i))
			}
			s.part(v)
		}
	case reflect.Map:
		if v.Len() > 0 {
			s.entries(v)
			s.part(v)
		}
	}
}

func holdsText(kind reflect.Kind) bool {
	switch kind {
	case reflect.String, reflect.Struct, reflect.Pointer, reflect.Slice, reflect.Map:
		return true
	}
	return false
}

// entries shares the keys and the values of a map. Neither can be changed where it is, so the map is made anew.
func (s *sharing) entries(v reflect.Value) {
	shared := reflect.MakeMapWithSize(v.Type(), v.Len())
	key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	for entries := v.MapRange(); entries.Next(); {
		key.SetIterKey(entries)
		value.SetIterValue(entries)
		s.walk(key)
		s.walk(value)
		shared.SetMapIndex(key, value)
	}
	v.Set(shared)
}

func (s *sharing) text(text string) string {
	if known, ok := s.texts[text]; ok {
		return known
	}
	s.texts[text] = text
	return text
}

// part replaces a map, a slice or a pointer by one with equal content.
func (s *sharing) part(v reflect.Value) {
	print := s.print(v)
	known, ok := s.parts[print]
	if !ok {
		s.parts[print] = v.Interface()
		return
	}
	if reflect.TypeOf(known) == v.Type() && reflect.DeepEqual(known, v.Interface()) {
		v.Set(reflect.ValueOf(known))
	}
}

// print returns a number that is the same for equal values. What it passes over only makes different values share a number more often.
func (s *sharing) print(v reflect.Value) uint64 {
	switch v.Kind() {
	case reflect.String:
		return maphash.String(s.seed, v.String())
	case reflect.Bool:
		return maphash.Comparable(s.seed, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return maphash.Comparable(s.seed, v.Int())
	case reflect.Struct:
		sum := uint64(0)
		for i := range v.NumField() {
			sum = sum*31 + s.print(v.Field(i))
		}
		return sum
	case reflect.Slice:
		sum := uint64(v.Len())
		for i := range v.Len() {
			sum = sum*31 + s.print(v.Index(i))
		}
		return sum
	case reflect.Map:
		sum := uint64(v.Len())
		for entries := v.MapRange(); entries.Next(); {
			sum += s.print(entries.Key()) ^ 31*s.print(entries.Value()) // in whatever order
		}
		return sum
	case reflect.Pointer:
		if !v.IsNil() && v.CanInterface() { // but into no time's location
			return 1 + s.print(v.Elem())
		}
	}
	return 0
}

// exact returns a copy of a slice without the room that its decoder has left for more.
func exact(v reflect.Value) reflect.Value {
	fitting := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(fitting, v)
	return fitting
}

// trim returns a transform that trims the objects of a kind and has them share.
func (s *sharing) trim(resource Resource) func(any) (any, error) {
	return func(object any) (any, error) {
		trimmed, err := resource.Trim(object)
		if err == nil && reflect.TypeOf(trimmed) == resource.heldType() {
			s.share(trimmed)
		}
		return trimmed, err
	}
}
