package cluster_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

func TestASmallTypeHasEachFieldWhereTheWholeOneHasIt(t *testing.T) {
	for small, whole := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[cluster.Volume]():           reflect.TypeFor[lhv1.Volume](),
		reflect.TypeFor[cluster.Engine]():           reflect.TypeFor[lhv1.Engine](),
		reflect.TypeFor[cluster.Replica]():          reflect.TypeFor[lhv1.Replica](),
		reflect.TypeFor[cluster.InstanceManager]():  reflect.TypeFor[lhv1.InstanceManager](),
		reflect.TypeFor[cluster.Attachment]():       reflect.TypeFor[lhv1.VolumeAttachment](),
		reflect.TypeFor[cluster.LonghornSnapshot](): reflect.TypeFor[lhv1.Snapshot](),
		reflect.TypeFor[cluster.Claim]():            reflect.TypeFor[corev1.PersistentVolumeClaim](),
		reflect.TypeFor[cluster.VolumeAttachment](): reflect.TypeFor[storagev1.VolumeAttachment](),
	} {
		if problem := fitsInto(small, whole); problem != "" {
			t.Errorf("%s: %s", small.Name(), problem)
		}
	}
}

// fitsInto says what of a small struct's JSON a whole one does not have; empty where it has all of it.
func fitsInto(small, whole reflect.Type) string {
	switch small.Kind() {
	case reflect.Pointer:
		return fitsInto(small.Elem(), whole.Elem())
	case reflect.Struct:
		if small == whole || small == reflect.TypeFor[metav1.Time]() {
			return differing(small, whole)
		}
		fields := fieldsOf(whole)
		for name, field := range fieldsOf(small) {
			other, ok := fields[name]
			if !ok {
				return fmt.Sprintf("there is no field %s", name)
			}
			if problem := fitsInto(field, other); problem != "" {
				return name + ": " + problem
			}
		}
		return ""
	case reflect.Slice:
		if whole.Kind() == reflect.Map { // a Table
			value, _ := small.Elem().FieldByName("Value")
			return fitsInto(value.Type, whole.Elem())
		}
		return fitsInto(small.Elem(), whole.Elem())
	case reflect.Map:
		return fitsInto(small.Elem(), whole.Elem())
	}
	return differing(small, whole)
}

func differing(small, whole reflect.Type) string {
	if small == whole {
		return ""
	}
	return fmt.Sprintf("is a %s in the place of a %s", small, whole)
}

// fieldsOf returns the types of a struct's fields by their JSON names, those of embedded structs among them.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		if name, _, _ := strings.Cut(tag, ","); field.Anonymous && name == "" {
			for name, inner := range fieldsOf(field.Type) {
				fields[name] = inner
			}
			continue
		}
		fields[strings.NewReplacer(",omitempty", "", ",omitzero", "").Replace(tag)] = field.Type
	}
	return fields
}

func TestWhatIsHeldOfAnObjectIsHeldOfItsJSON(t *testing.T) {
	small := 0
	generated := clustertest.Generate(clustertest.Small())
	for _, resource := range cluster.Resources() {
		objects, _ := generated.List(t.Context(), resource)
		for _, held := range objects {
			text, err := json.Marshal(held)
			if err != nil {
				t.Fatal(err)
			}
			again := resource.NewObject()
			if reflect.TypeOf(again) == reflect.TypeOf(held) {
				break // held as it is decoded
			}
			small++
			if err := json.Unmarshal(text, again); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			kept, err := resource.Trim(again)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(any(held), kept); diff != "" {
				t.Fatalf("%s (-held +held of its JSON):\n%s", resource.Kind, diff)
			}
		}
	}
	if small == 0 {
		t.Error("no object is held in a smaller form")
	}
}
