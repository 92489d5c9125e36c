package cluster

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Source is where evidence comes from: the watch cache, the live API, or a folder. A Source does not fail: what it
// could not read it says in the Evidence.
type Source interface {
	// Name describes the source to a person: "the watch cache".
	Name() string
	// List returns every object of a kind. The objects belong to the source and must not be changed.
	List(ctx context.Context, resource Resource) ([]client.Object, Evidence)
	// Kubelets returns what the kubelet of each node answers, by node name. A node that is missing from the map was
	// not asked.
	Kubelets(ctx context.Context, nodes []*corev1.Node) map[string]Kubelet
}

// Load reads every kind of the table from a source, all kinds at once, and returns the indexed Snapshot. It returns when
// everything has been read, or when ctx ends: what was not there by then is Unread. now is the time that ages are
// counted from.
func Load(ctx context.Context, source Source, now time.Time) *Snapshot {
	resources := Resources()
	loader := &loader{source: source, ctx: ctx, arrived: make(chan arrival, len(resources)+1)}
	if cached, ok := source.(*Cached); ok {
		loader.memo = cached.memo
	}
	for _, resource := range resources {
		go loader.list(resource)
	}
	return loader.collect(now, resources)
}

// arrival is one kind, or the kubelets' answers, on its way to the Snapshot.
type arrival struct {
	resource Resource
	objects  []client.Object
	evidence Evidence
	print    fingerprint
	kubelets map[string]Kubelet
}

type loader struct {
	source  Source
	ctx     context.Context
	arrived chan arrival
	// memo is nil where there is none.
	memo *memo
}

func (l *loader) list(resource Resource) {
	objects, evidence := l.listSafely(resource)
	a := arrival{resource: resource, objects: objects, evidence: evidence}
	if l.memo != nil && evidence.State == Read {
		a.print = l.memo.print(objects)
	}
	l.arrived <- a
}

// listSafely turns a panic while a list is decoded into unread evidence of that kind alone.
func (l *loader) listSafely(resource Resource) (objects []client.Object, evidence Evidence) {
	defer func() {
		if failure := recover(); failure != nil {
			objects, evidence = nil, unread(resource.Kind, fmt.Sprintf("reading failed: %v", failure))
		}
	}()
	objects, evidence = l.source.List(l.ctx, resource)
	evidence.Kind = resource.Kind
	evidence.Count = len(objects)
	return objects, evidence
}

// askKubelets sends no answers at all if asking panics, which makes their evidence unread.
func (l *loader) askKubelets(nodes []*corev1.Node) {
	var answers map[string]Kubelet
	defer func() {
		_ = recover()
		l.arrived <- arrival{kubelets: answers}
	}()
	answers = l.source.Kubelets(l.ctx, nodes)
}

func (l *loader) collect(now time.Time, resources []Resource) *Snapshot {
	evidence := make(map[Kind]Evidence, len(resources)+2)
	var read []arrival
	var kubelets map[string]Kubelet
	missing := map[Kind]bool{}
	for _, resource := range resources {
		missing[resource.Kind] = true
	}
	kubeletsMissing := true
	for len(missing) > 0 || kubeletsMissing {
		select {
		case a := <-l.arrived:
			if a.resource.Kind == "" {
				kubeletsMissing = false
				kubelets = a.kubelets
				continue
			}
			delete(missing, a.resource.Kind)
			evidence[a.resource.Kind] = a.evidence
			if a.evidence.State == Read {
				read = append(read, a)
			}
			if a.resource.Kind == Nodes {
				go l.askKubelets(nodesAmong(a.objects))
			}
		case <-l.ctx.Done():
			for kind := range missing {
				evidence[kind] = unread(kind, "no answer before the deadline")
			}
			missing, kubeletsMissing = nil, false
		}
	}
	s := l.assemble(read)
	s.source, s.now, s.evidence, s.kubelets = l.source.Name(), now, evidence, kubelets
	s.judgeKubelets()
	return s
}

// assemble returns a Snapshot of the objects that were read, indexed, and without what depends on the time.
func (l *loader) assemble(read []arrival) *Snapshot {
	prints := make(map[Kind]fingerprint, len(read))
	for _, a := range read {
		prints[a.resource.Kind] = a.print
	}
	if l.memo != nil {
		if known := l.memo.recall(prints); known != nil {
			again := *known
			return &again
		}
	}
	s := &Snapshot{}
	for _, a := range read {
		a.resource.store(s, a.objects)
	}
	s.index()
	if l.memo != nil {
		plain := *s
		l.memo.remember(prints, &plain)
	}
	return s
}

func nodesAmong(objects []client.Object) []*corev1.Node {
	nodes := make([]*corev1.Node, 0, len(objects))
	for _, object := range objects {
		if node, ok := object.(*corev1.Node); ok {
			nodes = append(nodes, node)
		}
	}
	return nodes
}
