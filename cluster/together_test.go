package cluster_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// held is a small cluster whose lists of nodes are held back until they are let through, and counted.
type held struct {
	*faulty
	begun, through chan struct{}

	mu    sync.Mutex
	lists map[cluster.Kind]int
}

func newHeld() *held {
	return &held{faulty: newFaulty(), begun: make(chan struct{}, 10), through: make(chan struct{}), lists: map[cluster.Kind]int{}}
}

func (h *held) List(ctx context.Context, r cluster.Resource) ([]client.Object, cluster.Evidence) {
	h.mu.Lock()
	h.lists[r.Kind]++
	h.mu.Unlock()
	if r.Kind == cluster.Nodes {
		h.begun <- struct{}{}
		select {
		case <-h.through:
		case <-ctx.Done():
			return nil, cluster.Evidence{State: cluster.Unread, Because: "nobody waits any more"}
		}
	}
	return h.faulty.List(ctx, r)
}

func (h *held) listed(kind cluster.Kind) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lists[kind]
}

// loadAside loads the source in the background, and says when it has joined.
func loadAside(ctx context.Context, source *cluster.Together) <-chan *cluster.Snapshot {
	loaded := make(chan *cluster.Snapshot, 1)
	before := source.Members()
	go func() { loaded <- cluster.Load(ctx, source, clustertest.Now()) }()
	for source.Members() == before {
		runtime.Gosched()
	}
	return loaded
}

func nodesOf(t *testing.T, loaded <-chan *cluster.Snapshot) int {
	t.Helper()
	s := <-loaded
	if e := s.Evidence(cluster.Nodes); e.State != cluster.Read {
		t.Errorf("nodes are %+v, want read", e)
	}
	return len(s.Nodes())
}

func TestThoseWhoComeDuringAReadingShareTheNext(t *testing.T) {
	source := newHeld()
	clock := clustertest.Now()
	together := cluster.NewTogether(source, func() time.Time { clock = clock.Add(time.Minute); return clock })
	first := loadAside(t.Context(), together)
	<-source.begun
	second, third := loadAside(t.Context(), together), loadAside(t.Context(), together)
	source.through <- struct{}{}
	if n := nodesOf(t, first); n != 3 {
		t.Errorf("the first has %d nodes, want 3", n)
	}
	<-source.begun
	fourth := loadAside(t.Context(), together)
	source.through <- struct{}{}
	shared := <-second
	if n := nodesOf(t, third); n != 3 || len(shared.Nodes()) != 3 {
		t.Errorf("those who share have %d and %d nodes, want 3", n, len(shared.Nodes()))
	}
	if want := clustertest.Now().Add(2 * time.Minute); !shared.Now().Equal(want) {
		t.Errorf("ages are counted from %s, want %s, when the second reading began", shared.Now(), want)
	}
	<-source.begun
	source.through <- struct{}{}
	nodesOf(t, fourth)
	for _, kind := range []cluster.Kind{cluster.Nodes, cluster.Pods, cluster.Volumes} {
		if n := source.listed(kind); n != 3 {
			t.Errorf("%s were listed %d times for four, want 3", kind, n)
		}
	}
}

func TestWhoHasNoTimeLeftHasWhatHasArrivedAndTheOthersGoOn(t *testing.T) {
	source := newHeld()
	together := cluster.NewTogether(source, clustertest.Now)
	patient := loadAside(t.Context(), together)
	<-source.begun
	short, giveUp := context.WithCancel(t.Context())
	waiting := loadAside(short, together)
	giveUp()
	if s := <-waiting; s.Evidence(cluster.Nodes).State != cluster.Unread || !strings.Contains(s.Evidence(cluster.Pods).Because, "deadline") {
		t.Errorf("one who gave up before his turn has nodes %+v, pods %+v", s.Evidence(cluster.Nodes), s.Evidence(cluster.Pods))
	}
	source.through <- struct{}{}
	nodesOf(t, patient)

	short, giveUp = context.WithCancel(t.Context())
	defer giveUp()
	alone := loadAside(short, together)
	<-source.begun
	next := loadAside(t.Context(), together)
	giveUp()
	if s := <-alone; s.Evidence(cluster.Nodes).State != cluster.Unread {
		t.Errorf("one whose time was over has nodes %+v", s.Evidence(cluster.Nodes))
	}
	<-source.begun // the reading that nobody wants has ended, and the next has begun
	source.through <- struct{}{}
	nodesOf(t, next)
}

func TestAPanicInASharedReadingIsUnreadForAll(t *testing.T) {
	source := newHeld()
	source.panics[cluster.Volumes] = true
	together := cluster.NewTogether(source, clustertest.Now)
	first := loadAside(t.Context(), together)
	<-source.begun
	second, third := loadAside(t.Context(), together), loadAside(t.Context(), together)
	source.through <- struct{}{}
	<-source.begun
	source.through <- struct{}{}
	for _, loaded := range []<-chan *cluster.Snapshot{first, second, third} {
		s := <-loaded
		if e := s.Evidence(cluster.Volumes); e.State != cluster.Unread || !strings.Contains(e.Because, "cannot be decoded") {
			t.Errorf("volumes are %+v, want unread with the panic's reason", e)
		}
		if e := s.Evidence(cluster.Engines); e.State != cluster.Read || e.Count != 4 {
			t.Errorf("engines are %+v, want 4 read", e)
		}
	}
}
