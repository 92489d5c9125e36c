package cluster

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Collection is all the evidence of a cluster at one time: what could be read, and for the rest why not. Write puts it into files,
// of which ReadCollected makes a Source that says the same.
type Collection struct {
	source   string
	at       time.Time
	evidence map[Kind]Evidence
	objects  map[Kind][]client.Object
	probed   Probed
}

// Collect reads every kind and every probe from a source, as Load does. It returns when everything has been read, or when ctx
// ends: what was not there by then is Unread. The objects are those of the source, which must be a trimmed one, such as Live.
func Collect(ctx context.Context, source Source, now time.Time) *Collection {
	r := &recorder{Source: source, objects: map[Kind][]client.Object{}}
	snapshot := Load(ctx, r, now)
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &Collection{source: source.Name(), at: now, evidence: maps.Clone(snapshot.evidence), objects: maps.Clone(r.objects), probed: r.probed}
	for kind := range c.objects {
		if !c.evidence[kind].held() {
			delete(c.objects, kind) // It came after ctx had ended.
		}
	}
	return c
}

// Missing says what could not be read, or only in part, and why, in the order of the tables: kinds, single kubelets, certificates.
func (c *Collection) Missing() []string {
	var all []string
	missing := func(what, because string) {
		if because != "" {
			all = append(all, what+": "+because)
		}
	}
	for _, kind := range evidenceKinds() {
		if e := c.evidence[kind]; e.State == Unread || e.State == Partial {
			missing(string(kind), e.Because)
		}
	}
	for _, node := range slices.Sorted(maps.Keys(c.probed.Kubelets)) {
		missing("statistics of node "+node, c.probed.Kubelets[node].StatsError)
		missing("kubelet configuration of node "+node, c.probed.Kubelets[node].ConfigError)
	}
	for _, served := range c.probed.Certificates {
		missing("certificate of "+served.Endpoint, served.Error)
	}
	return all
}

// Count returns how many objects there are.
func (c *Collection) Count() int {
	n := 0
	for _, objects := range c.objects {
		n += len(objects)
	}
	return n
}

// evidenceKinds are all kinds of evidence that a Snapshot has, those that are listed first.
func evidenceKinds() []Kind {
	var kinds []Kind
	for _, resource := range everyResource() {
		kinds = append(kinds, resource.Kind)
	}
	return append(kinds, KubeletStats, KubeletConfig, ServedCertificates)
}

// recorder keeps what passes from a source to the Snapshot.
type recorder struct {
	Source
	mu      sync.Mutex
	objects map[Kind][]client.Object
	probed  Probed
}

func (r *recorder) List(ctx context.Context, resource Resource) ([]client.Object, Evidence) {
	objects, evidence := r.Source.List(ctx, resource)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[resource.Kind] = objects
	return objects, evidence
}

func (r *recorder) Probe(ctx context.Context, targets Targets) Probed {
	probed := r.Source.Probe(ctx, targets)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.probed = probed
	return probed
}
