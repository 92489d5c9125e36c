package drain

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Feasibility says on which nodes a pod could be bound, and why not on the others.
type Feasibility struct {
	// Nodes are the names of the nodes on which the pod could be bound, sorted.
	Nodes []string
	// Reasons says for each other node what is in the way; nil where nothing is on any.
	Reasons map[string]Reason
}

// Reason is what keeps a pod from a node. Of several it is the one that kube-scheduler meets first.
type Reason struct {
	// Class is what kind of reason it is.
	Class ReasonClass
	// Text says it in kube-scheduler's words: "node(s) had untolerated taint {a: b}", "Insufficient cpu, Insufficient memory".
	Text string
}

// ReasonClass is a kind of reason that keeps a pod from a node.
type ReasonClass string

// The classes, in the order in which the filters of kube-scheduler's default profile run (getDefaultPlugins in v1.34).
const (
	// Unschedulable is a node that is cordoned.
	Unschedulable ReasonClass = "Unschedulable"
	// Taint is a node with a taint that the pod does not tolerate, as a node that is not ready has.
	Taint ReasonClass = "Taint"
	// NodeAffinity is a node that the pod's node selector or required node affinity leaves out.
	NodeAffinity ReasonClass = "NodeAffinity"
	// HostPort is a node on which another pod takes a port that the pod needs.
	HostPort ReasonClass = "HostPort"
	// Resources is a node that has too little left of what the pod requests, or runs as many pods as it may.
	Resources ReasonClass = "Resources"
	// TopologySpread is a node on which the pod would be spread too unevenly.
	TopologySpread ReasonClass = "TopologySpread"
	// PodAffinity is a node away from the pods that the pod must be near.
	PodAffinity ReasonClass = "PodAffinity"
	// PodAntiAffinity is a node near a pod that the pod must not be near, or that must not be near the pod.
	PodAntiAffinity ReasonClass = "PodAntiAffinity"
)

// The words of kube-scheduler's plugins. That for taints is the one up to v1.33, which names the taint; v1.34 says no more than
// "node(s) had untolerated taint(s)".
const (
	textUnschedulable  = "node(s) were unschedulable"
	textTaint          = "node(s) had untolerated taint {%s: %s}"
	textNodeAffinity   = "node(s) didn't match Pod's node affinity/selector"
	textHostPort       = "node(s) didn't have free ports for the requested pod ports"
	textTopologySpread = "node(s) didn't match pod topology spread constraints"
	textMissingLabel   = textTopologySpread + " (missing required label)"
	textPodAffinity    = "node(s) didn't match pod affinity rules"
	textAntiAffinity   = "node(s) didn't match pod anti-affinity rules"
	textRefused        = "node(s) didn't satisfy existing pods anti-affinity rules"
)

// Feasible tells on which nodes a pod could be bound now. The pod stands for one that is still to be bound: its own spec.nodeName is
// not looked at. Where it is bound itself it takes room of its own, so remove it first where it is to be replaced.
func (r *Room) Feasible(pod *corev1.Pod) Feasibility {
	o := r.obstaclesOf(r.podOf(pod))
	f := Feasibility{Nodes: make([]string, 0, len(r.nodes))}
	for place, node := range r.nodes {
		class := o.class(place)
		if class == "" {
			f.Nodes = append(f.Nodes, node.object.Name)
			continue
		}
		if f.Reasons == nil {
			f.Reasons = make(map[string]Reason, len(r.nodes)-len(f.Nodes))
		}
		f.Reasons[node.object.Name] = Reason{Class: class, Text: o.text(place, class)}
	}
	return f
}

// obstacles is what stands in the way of one pod, as the Room is now.
type obstacles struct {
	room *Room
	pod  *roomPod
	// unlabelled and skewed are the nodes that its topology spread leaves out.
	unlabelled, skewed nodeSet
	// lonely are those that its affinity leaves out, near those of its anti-affinity, refused those of other pods' anti-affinity.
	lonely, near, refused nodeSet
}

func (r *Room) obstaclesOf(pod *roomPod) obstacles {
	r.wishesOf(pod)
	o := obstacles{room: r, pod: pod}
	r.findSpread(&o, pod)
	r.findAffinity(&o, pod)
	return o
}

// class returns the first reason for which the pod could not be bound to a node; empty where it could.
func (o *obstacles) class(place int) ReasonClass {
	node, wishes := o.room.nodes[place], o.pod.wishes
	switch {
	case node.cordoned && !wishes.toleratesCordon:
		return Unschedulable
	case o.isTainted(node):
		return Taint
	case !wishes.nodes.has(place):
		return NodeAffinity
	case o.portsClash(node):
		return HostPort
	case !node.left.hold(&o.pod.request):
		return Resources
	case o.unlabelled.has(place) || o.skewed.has(place):
		return TopologySpread
	case o.lonely.has(place):
		return PodAffinity
	case o.near.has(place) || o.refused.has(place):
		return PodAntiAffinity
	}
	return ""
}

func (o *obstacles) isTainted(node *roomNode) bool {
	_, untolerated := untoleratedTaint(node.taints, o.pod.object)
	return untolerated
}

func (o *obstacles) portsClash(node *roomNode) bool {
	for _, port := range o.pod.ports {
		if slices.ContainsFunc(node.ports, port.clashes) {
			return true
		}
	}
	return false
}

// text says a reason in kube-scheduler's words.
func (o *obstacles) text(place int, class ReasonClass) string {
	switch class {
	case Unschedulable:
		return textUnschedulable
	case Taint:
		taint, _ := untoleratedTaint(o.room.nodes[place].taints, o.pod.object)
		return fmt.Sprintf(textTaint, taint.Key, taint.Value)
	case NodeAffinity:
		return textNodeAffinity
	case HostPort:
		return textHostPort
	case Resources:
		return o.room.others.shortages(&o.room.nodes[place].left, &o.pod.request)
	case TopologySpread:
		if o.unlabelled.has(place) {
			return textMissingLabel
		}
		return textTopologySpread
	case PodAffinity:
		return textPodAffinity
	default:
		if o.near.has(place) {
			return textAntiAffinity
		}
		return textRefused
	}
}
