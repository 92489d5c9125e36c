package cluster

import "slices"

// relation is what is computed once of the objects of some kinds, so that checks can be written in it.
type relation struct {
	// of are the kinds whose objects it depends on.
	of      []Kind
	compute func(*Snapshot)
}

// relations are all of a Snapshot's, each after those that it is computed from.
func relations() []relation {
	return []relation{
		{[]Kind{Nodes}, (*Snapshot).indexNodes},
		{[]Kind{Pods}, (*Snapshot).indexPods},
		{[]Kind{VMIs}, (*Snapshot).indexVMIs},
		{[]Kind{Migrations}, (*Snapshot).indexMigrations},
		{[]Kind{IOErrorEvents}, (*Snapshot).indexIOErrors},
		{[]Kind{Engines}, (*Snapshot).indexEngines},
		{[]Kind{Replicas}, (*Snapshot).indexReplicas},
		{[]Kind{InstanceManagers}, (*Snapshot).indexInstanceManagers},
		{[]Kind{LonghornNodes}, func(s *Snapshot) { sortByName(s.longhornNodes.items) }},
		{[]Kind{Attachments}, (*Snapshot).indexAttachments},
		{[]Kind{VolumeAttachments}, (*Snapshot).indexKubernetesAttachments},
		{[]Kind{Volumes, Engines, Replicas, Attachments, VolumeAttachments}, (*Snapshot).indexUnusual},
		{[]Kind{InstanceManagers, Engines, Replicas}, (*Snapshot).indexProcesses},
	}
}

// index computes every relation.
func (s *Snapshot) index() {
	for _, r := range relations() {
		r.compute(s)
	}
}

// indexAgain computes those that depend on one of the kinds, whose objects have been stored anew. The others stay as they are, and so do
// the objects of the other kinds, which another Snapshot may share.
func (s *Snapshot) indexAgain(changed map[Kind]bool) {
	for _, r := range relations() {
		if slices.ContainsFunc(r.of, func(kind Kind) bool { return changed[kind] }) {
			r.compute(s)
		}
	}
}
