package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// progressAfter is how long a read may take before a person is told how far it is.
	progressAfter = time.Second
	// progressEvery is how often a terminal is told, and a log every progressLines of that.
	progressEvery = 500 * time.Millisecond
	progressLines = 20
)

// progress is a source that counts what has been read of it.
type progress struct {
	cluster.Source
	total int

	mu      sync.Mutex
	done    int
	objects int
	// waiting are the kinds that have been asked for and have not been answered yet.
	waiting map[cluster.Kind]bool
}

func newProgress(source cluster.Source) *progress {
	return &progress{Source: source, total: len(cluster.Resources()) + len(cluster.GrantedResources()), waiting: map[cluster.Kind]bool{}}
}

// List implements cluster.Source.
func (p *progress) List(ctx context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	p.mu.Lock()
	p.waiting[resource.Kind] = true
	p.mu.Unlock()
	objects, evidence := p.Source.List(ctx, resource)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, resource.Kind)
	p.done++
	p.objects += len(objects)
	return objects, evidence
}

// String says how far the read is: "41 of 58 kinds, 12034 objects".
func (p *progress) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf("%d of %d kinds, %d objects", p.done, p.total, p.objects)
	if p.done == p.total {
		return text + ", asking the kubelets"
	}
	if len(p.waiting) == 1 {
		for kind := range p.waiting {
			text += ", waiting for " + string(kind)
		}
	}
	return text
}

// tell writes how far the read is while it takes longer than a second, until stop is called: on a terminal one line that changes, and
// wipes itself in the end; elsewhere a line once in a while.
func (p *progress) tell(to io.Writer, terminal bool, ticks <-chan time.Time) (stop func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		told, began := 0, time.Time{}
		for {
			select {
			case <-done:
				if terminal && told > 0 {
					fmt.Fprint(to, "\r\x1b[K")
				}
				return
			case now := <-ticks:
				if began.IsZero() {
					began = now.Add(-progressEvery)
				}
				if now.Sub(began) < progressAfter {
					continue
				}
				switch {
				case terminal:
					fmt.Fprintf(to, "\r\x1b[KReading the cluster: %s …", p)
				case told%progressLines == 0:
					fmt.Fprintf(to, "reading the cluster: %s\n", p)
				}
				told++
			}
		}
	}()
	return func() {
		close(done)
		<-stopped
	}
}
