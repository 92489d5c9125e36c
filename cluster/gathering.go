package cluster

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// gathering is what has arrived of a Snapshot so far.
type gathering struct {
	missing  map[Kind]bool
	evidence map[Kind]Evidence
	read     []arrival
	nodes    []*corev1.Node
	slices   []*discoveryv1.EndpointSlice
	// probing is true until the probe has come back.
	probing bool
	probed  Probed
}

func newGathering(resources []Resource) *gathering {
	g := &gathering{missing: map[Kind]bool{}, evidence: make(map[Kind]Evidence, len(resources)+3), probing: true}
	for _, resource := range resources {
		g.missing[resource.Kind] = true
	}
	return g
}

func (g *gathering) done() bool { return len(g.missing) == 0 && !g.probing }

// take adds what has arrived. With the kind that completes what a probe has to know it returns the targets, and true.
func (g *gathering) take(a arrival) (targets Targets, known bool) {
	kind := a.resource.Kind
	if kind == "" {
		g.probed, g.probing = a.probed, false
		return Targets{}, false
	}
	delete(g.missing, kind)
	g.evidence[kind] = a.evidence
	if a.evidence.held() {
		g.read = append(g.read, a)
	}
	switch kind {
	case Nodes:
		g.nodes = objectsAs[*corev1.Node](a.objects)
	case EndpointSlices:
		g.slices = objectsAs[*discoveryv1.EndpointSlice](a.objects)
	default:
		return Targets{}, false
	}
	if g.missing[Nodes] || g.missing[EndpointSlices] {
		return Targets{}, false
	}
	return newTargets(g.nodes, g.slices, g.evidence[EndpointSlices].Because), true
}

// giveUp says of everything that has not arrived that it was not there before the deadline.
func (g *gathering) giveUp() {
	for kind := range g.missing {
		g.evidence[kind] = late(kind)
	}
	g.missing, g.probing = nil, false
}
