package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// A cluster that has more than this is drawn in numbers, with only its guilty objects by name.
const (
	mostNodesWhole    = 12
	mostVMsWhole      = 200
	mostReplicasWhole = 900
)

// mapView is the cluster as a page draws it: its nodes, and on each what runs there.
type mapView struct {
	// Missing says why there is no map; empty where there is one.
	Missing string
	// Summary is the map in one sentence; Notes say what it cannot show.
	Summary string
	Notes   []string
	// Coarse is true for a cluster that is too large to draw every object.
	Coarse bool
	Nodes  []mapNode
	// Elsewhere are guilty objects that are on no node.
	Elsewhere []spot
	// ElsewhereMore is how many more of them there are.
	ElsewhereMore int
	// places are where on the map a finding is shown, by its mark.
	places map[string]string
}

// mapNode is one node and what runs there.
type mapNode struct {
	ID, Name, Place, State string
	// Unwell is true for a node that is not ready, or cordoned.
	Unwell bool
	// Own are the findings about the node itself.
	Own []markRef
	// VMs are all that run there, Replicas all that are placed there; what is guilty of them is in Guilty too.
	VMs      []mapObject
	Replicas []mapObject
	Guilty   []spot
	// Class is the worst that was found here: block, warn, or nothing.
	Class string
	// Picture is the node as an SVG.
	Picture template.HTML
	// Listed are the guilty objects that the table names, More how many more there are.
	Listed []spot
	More   int
	// Names are the VMs that the table names.
	Names string
}

// mapObject is a VM or a replica on a node.
type mapObject struct {
	name, tip string
	// idle is true for a replica that does not run.
	idle bool
}

// spot is a guilty object at its place on the map.
type spot struct {
	shape spotShape
	// Label names the object for people, Full as the cluster does.
	Label, Full string
	Refs        []markRef
	// More is how many more findings there are about it.
	More int
}

// spotShape is how an object is drawn.
type spotShape int

const (
	shapeObject spotShape = iota
	shapeVM
	shapeReplica
	shapeEngine
)

// mostListed is how many guilty objects of a node its table row names.
const mostListed = 20

// mapOf draws the cluster and places every finding on it.
func mapOf(s *cluster.Snapshot, all []marked) mapView {
	if evidence := s.Evidence(cluster.Nodes); len(s.Nodes()) == 0 {
		why := "There is no node in the evidence, so that there is nothing to draw."
		if evidence.Because != "" {
			why = sentence("The cluster cannot be drawn: nodes could not be read: " + printable(evidence.Because))
		}
		return mapView{Missing: why}
	}
	p := &placer{snapshot: s, on: map[string]*spots{}, elsewhere: newSpots(), own: map[string][]markRef{}, places: map[string]string{}, idOf: map[string]string{}}
	for i, node := range s.Nodes() {
		p.idOf[node.Name] = fmt.Sprintf("node-%d", i+1)
		p.on[node.Name] = newSpots()
	}
	for _, it := range all {
		p.place(it)
	}
	view := mapView{places: p.places, Coarse: isLarge(s), Notes: mapNotes(s)}
	view.Elsewhere, view.ElsewhereMore = p.elsewhere.few(mostListed * 2)
	for _, node := range s.Nodes() {
		view.Nodes = append(view.Nodes, p.node(node))
	}
	for i := range view.Nodes {
		view.Nodes[i].Picture = drawNode(view.Nodes[i], view.Coarse, view.largest())
	}
	view.Summary = view.summary(s)
	return view
}

func isLarge(s *cluster.Snapshot) bool {
	return len(s.Nodes()) > mostNodesWhole || len(s.VMIs()) > mostVMsWhole || len(s.Replicas()) > mostReplicasWhole
}

// mapNotes say what the map cannot show.
func mapNotes(s *cluster.Snapshot) []string {
	var notes []string
	for _, kind := range []cluster.Kind{cluster.Nodes, cluster.VMIs, cluster.Replicas} {
		if evidence := s.Evidence(kind); evidence.State != cluster.Read {
			notes = append(notes, sentence(fmt.Sprintf("Not all of %s could be read: %s", kind, printable(evidence.Because))))
		}
	}
	stopped, homeless, unplaced := 0, 0, 0
	for _, vm := range s.VirtualMachines() {
		if s.VMI(vm.Namespace, vm.Name) == nil {
			stopped++
		}
	}
	for _, vmi := range s.VMIs() {
		if s.Node(vmi.Status.NodeName) == nil {
			homeless++
		}
	}
	for _, replica := range s.Replicas() {
		if s.Node(cluster.Text(replica.Spec.NodeID)) == nil {
			unplaced++
		}
	}
	for _, note := range []struct {
		n         int
		one, many string
	}{
		{stopped, "VM does not run, and is not drawn", "VMs do not run, and are not drawn"},
		{homeless, "VM is on no node that is known", "VMs are on no node that is known"},
		{unplaced, "replica is on no node that is known", "replicas are on no node that is known"},
	} {
		if note.n > 0 {
			notes = append(notes, sentence(verb(note.n, note.one, note.many)))
		}
	}
	return notes
}

func (v mapView) summary(s *cluster.Snapshot) string {
	blocked, warned := 0, 0
	for _, node := range v.Nodes {
		switch node.Class {
		case "block":
			blocked++
		case "warn":
			warned++
		}
	}
	text := fmt.Sprintf("%s with %s and %s", counted(len(v.Nodes), "node"), counted(len(s.VMIs()), "running VM"), counted(len(s.Replicas()), "replica"))
	switch {
	case blocked > 0 && warned > 0:
		text += fmt.Sprintf("; something blocks on %s, and %s more only a warning", verb(blocked, "node", "nodes"), verb(warned, "has", "have"))
	case blocked > 0:
		text += fmt.Sprintf("; something blocks on %s", verb(blocked, "node", "nodes"))
	case warned > 0:
		text += fmt.Sprintf("; there are warnings on %s", verb(warned, "node", "nodes"))
	default:
		text += "; nothing was found on a node"
	}
	return sentence(text)
}

// Found tells whether anything was found on a node.
func (v mapView) Found() bool {
	return slices.ContainsFunc(v.Nodes, func(n mapNode) bool { return n.Class != "" })
}

// Columns says how the nodes are laid out.
func (v mapView) Columns() string {
	switch {
	case v.Coarse:
		return "coarse"
	case len(v.Nodes) == 2 || len(v.Nodes) == 4:
		return "even"
	}
	return "whole"
}

// largest is how many VMs, and how many replicas, the fullest node has.
func (v mapView) largest() (most nodeSize) {
	for _, node := range v.Nodes {
		most.vms, most.replicas = max(most.vms, len(node.VMs)), max(most.replicas, len(node.Replicas))
	}
	return most
}

type nodeSize struct{ vms, replicas int }

// node returns a node with everything that is on it, sorted by name.
func (p *placer) node(node *corev1.Node) mapNode {
	n := mapNode{ID: p.idOf[node.Name], Name: printable(node.Name), Place: rolesOf(node), Own: p.own[node.Name]}
	n.State, n.Unwell = stateOf(node)
	for _, vmi := range p.snapshot.VMIsOn(node.Name) {
		name := printable(vmi.Namespace + "/" + vmi.Name)
		n.VMs = append(n.VMs, mapObject{name: name, tip: fmt.Sprintf("VM %s, %s", name, cmp.Or(printable(string(vmi.Status.Phase)), "phase not known"))})
	}
	for _, replica := range p.snapshot.ReplicasOn(node.Name) {
		running := replica.Status.CurrentState == lhv1.InstanceStateRunning
		state := cmp.Or(printable(string(replica.Status.CurrentState)), "state not known")
		n.Replicas = append(n.Replicas, mapObject{name: printable(replica.Name), tip: fmt.Sprintf("replica %s, %s", printable(replica.Name), state), idle: !running})
	}
	byName := func(a, b mapObject) int { return cmp.Compare(a.name, b.name) }
	slices.SortFunc(n.VMs, byName)
	slices.SortFunc(n.Replicas, byName)
	n.Guilty = p.on[node.Name].sorted()
	n.Class = worst(n)
	n.Listed, n.More = p.on[node.Name].few(mostListed)
	var names []string
	for _, vm := range n.VMs {
		names = append(names, plain(vm.name))
	}
	if len(names) > 0 && len(names) <= mostVMsWhole/4 {
		n.Names = listedUpTo(names, mostListed)
	}
	return n
}

func listedUpTo(all []string, most int) string {
	if len(all) <= most {
		return joined(all)
	}
	return fmt.Sprintf("%s and %d more", joined(all[:most]), len(all)-most)
}

func worst(n mapNode) string {
	class := ""
	refs := slices.Clone(n.Own)
	for _, guilty := range n.Guilty {
		refs = append(refs, guilty.Refs...)
	}
	for _, ref := range refs {
		if ref.Class == "block" {
			return "block"
		}
		class = ref.Class
	}
	return class
}

func rolesOf(node *corev1.Node) string {
	if cluster.IsWitness(node) {
		return "witness"
	}
	_, etcd := node.Labels["node-role.kubernetes.io/etcd"]
	_, controlPlane := node.Labels["node-role.kubernetes.io/control-plane"]
	switch {
	case etcd && controlPlane:
		return "control plane, etcd"
	case controlPlane:
		return "control plane"
	case etcd:
		return "etcd"
	}
	return "worker"
}

// stateOf says whether a node is well.
func stateOf(node *corev1.Node) (words string, unwell bool) {
	words = "ready"
	switch ready := cluster.NodeCondition(node, corev1.NodeReady); {
	case ready == nil:
		words, unwell = "does not say whether it is ready", true
	case ready.Status != corev1.ConditionTrue:
		words, unwell = "not ready", true
	}
	if node.Spec.Unschedulable {
		return words + ", cordoned", true
	}
	return words, unwell
}
