package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// shared is a buffer that two goroutines use.
type shared struct {
	mu sync.Mutex
	bytes.Buffer
}

func (s *shared) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.Write(text)
}

// slow is a source that answers for pods only when it is told to.
type slow struct {
	*cluster.Folder
	answer chan struct{}
}

func (s slow) List(ctx context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	if resource.Kind == cluster.Pods {
		<-s.answer
	}
	return s.Folder.List(ctx, resource)
}

func TestProgressIsToldOfWhatTakesLongerThanASecond(t *testing.T) {
	start := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		terminal bool
		ticks    int
		want     string
	}{
		"nothing within the first second":            {false, 1, ""},
		"a line in a log":                            {false, 2, "reading the cluster: KINDS, 1 objects, waiting for pods\n"},
		"and not another one so soon":                {false, 12, "reading the cluster: KINDS, 1 objects, waiting for pods\n"},
		"on a terminal, a line that goes in the end": {true, 2, "\r\x1b[KReading the cluster: KINDS, 1 objects, waiting for pods …\r\x1b[K"},
		"and nothing to wipe where nothing was told": {true, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{"node.yaml": {Data: []byte("apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n")}}
			folder, err := cluster.ReadFS(files, "files", cluster.FolderOptions{AssumeComplete: true})
			if err != nil {
				t.Fatal(err)
			}
			p := newProgress(slow{folder, make(chan struct{})})
			for _, resource := range append(cluster.Resources(), cluster.GrantedResources()...) {
				if resource.Kind == cluster.Pods {
					p.waiting[resource.Kind] = true
					continue
				}
				p.List(t.Context(), resource)
			}
			var out shared
			ticks := make(chan time.Time)
			stop := p.tell(&out, c.terminal, ticks)
			for i := range c.ticks {
				ticks <- start.Add(time.Duration(i) * progressEvery)
			}
			stop()
			total := len(cluster.Resources()) + len(cluster.GrantedResources())
			want := strings.ReplaceAll(c.want, "KINDS", fmt.Sprintf("%d of %d kinds", total-1, total))
			if got := out.String(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
