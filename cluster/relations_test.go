package cluster_test

import (
	"slices"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func TestANarrowedSnapshotDependsOnItsKindsAlone(t *testing.T) {
	for _, hidden := range allResources() {
		var others []cluster.Kind
		for _, resource := range allResources() {
			if resource.Kind != hidden.Kind {
				others = append(others, resource.Kind)
			}
		}
		source := newReplacing(t)
		whole := loadNow(source)
		with := whole.Narrowed(others)
		delete(source.lists, hidden.Kind)
		if differ := cluster.Differ(with, loadNow(source).Narrowed(others)); len(differ) > 0 {
			t.Errorf("%v depend on %s, which are hidden", differ, hidden.Kind)
		}
		probed := func(field string) bool { return field == "kubelets" || field == "served" }
		if differ := slices.DeleteFunc(cluster.Differ(whole, with), probed); len(differ) == 0 {
			t.Errorf("nothing of %s is hidden", hidden.Kind)
		}
		if with.Evidence(hidden.Kind).State != cluster.Unread || with.Evidence(others[0]).State != cluster.Read {
			t.Errorf("%s are %s, others %s", hidden.Kind, with.Evidence(hidden.Kind).State, with.Evidence(others[0]).State)
		}
	}
}

func TestARememberedSnapshotIsThatOfAFreshProcess(t *testing.T) {
	for _, resource := range allResources() {
		source := newReplacing(t)
		remembered := cluster.Remembering(source)
		objects := source.lists[resource.Kind]
		for name, change := range map[string]func(){
			"an object changes":     func() { source.replace(resource.Kind, label) },
			"an object is gone":     func() { source.lists[resource.Kind] = objects[1:] },
			"they cannot be read":   func() { source.unread[resource.Kind] = true },
			"all is as it once was": func() { source.lists[resource.Kind], source.unread[resource.Kind] = objects, false },
		} {
			loadNow(remembered)
			change()
			if differ := cluster.Differ(loadNow(remembered), loadNow(source)); len(differ) > 0 {
				t.Errorf("%s, %s: %v are not as a fresh process has them", resource.Kind, name, differ)
			}
		}
	}
}
