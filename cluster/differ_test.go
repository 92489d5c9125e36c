package cluster

import "reflect"

// Differ returns the names of the fields in which two Snapshots differ, but for what they were made of.
func Differ(a, b *Snapshot) []string {
	var differ []string
	left, right := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range left.NumField() {
		name := left.Type().Field(i).Name
		if name == "evidence" || name == "made" || name == "asked" {
			continue
		}
		if !same(left.Field(i), right.Field(i)) {
			differ = append(differ, name)
		}
	}
	return differ
}

// same compares deeply, and takes what is empty for nothing.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Map, reflect.Slice:
		if a.Len() == 0 && b.Len() == 0 {
			return true
		}
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	default:
	}
	return reflect.DeepEqual(read(a), read(b))
}

// read returns a value of a field that is not exported.
func read(v reflect.Value) any {
	return reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem().Interface()
}
