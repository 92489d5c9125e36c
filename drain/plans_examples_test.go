package drain_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// TestTheKeptPlanOfEveryExampleIsThatOfAFreshProcess looks at each example as the observer does, while time passes and objects come and go.
func TestTheKeptPlanOfEveryExampleIsThatOfAFreshProcess(t *testing.T) {
	const folder = "../examples/clusters"
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	kept, looks := 0, 0
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		read, err := cluster.ReadFolder(filepath.Join(folder, entry.Name()), cluster.FolderOptions{AssumeComplete: true})
		if err != nil {
			t.Fatal(err)
		}
		w := watch(read, noon)
		if len(w.lists[cluster.Nodes]) == 0 {
			continue // a folder of repairs
		}
		k := keep(w)
		last := k.plan(target)
		look := func(what string) {
			got := k.plan(target)
			if looks++; isOne(last, got) {
				kept++
			}
			if last = got; !reflect.DeepEqual(got, k.fresh(target)) {
				t.Errorf("%s, %s: the kept plan is not that of a fresh process", entry.Name(), what)
			}
		}
		for _, later := range []time.Duration{15 * time.Second, time.Minute, 9 * time.Minute, 11 * time.Minute, time.Hour, 2 * time.Hour} {
			k.at = noon.Add(later)
			look(later.String() + " later")
		}
		for _, resource := range everyKind() {
			objects := w.lists[resource.Kind]
			if len(objects) == 0 {
				continue
			}
			w.lists[resource.Kind] = objects[1:]
			look("without one of " + string(resource.Kind))
			w.lists[resource.Kind] = objects
			look("with it again")
		}
	}
	if kept == 0 || kept == looks {
		t.Errorf("of %d looks %d had a plan that was kept", looks, kept)
	}
}
