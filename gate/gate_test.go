package gate_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// start is when every test begins.
var start = time.Date(2026, 11, 20, 9, 12, 0, 0, time.UTC)

// counting is a source that counts how often it is read, and whose state is a number that the checks of these tests read: how
// many nodes it has.
type counting struct {
	*cluster.Folder
	name  string
	reads atomic.Int32
}

// nodes returns a source with so many nodes.
func nodes(t *testing.T, name string, count int) *counting {
	t.Helper()
	files := fstest.MapFS{"settings.yaml": {Data: []byte(
		"apiVersion: harvesterhci.io/v1beta1\nkind: Setting\nmetadata: {name: server-version}\nvalue: v1.4.1\n")}}
	for i := range count {
		files[fmt.Sprintf("node-%d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "apiVersion: v1\nkind: Node\nmetadata: {name: node-%d}\n", i)}
	}
	folder, err := cluster.ReadFS(files, name, cluster.FolderOptions{AssumeComplete: true})
	if err != nil {
		t.Fatal(err)
	}
	return &counting{Folder: folder, name: name}
}

func (c *counting) Name() string { return c.name }

func (c *counting) Probe(ctx context.Context, targets cluster.Targets) cluster.Probed {
	c.reads.Add(1)
	return c.Folder.Probe(ctx, targets)
}

// unreadable is a source that can list nothing.
type unreadable struct{ *counting }

func (unreadable) List(context.Context, cluster.Resource) ([]client.Object, cluster.Evidence) {
	return nil, cluster.Evidence{State: cluster.Unread, Because: "forbidden"}
}

// tooManyNodes fails for every node but the first two.
func tooManyNodes(settles time.Duration) checks.Check {
	return checks.Check{
		Name: "too-many-nodes", Title: "Too many nodes", Severity: checks.Block, Waivable: true, Needs: []cluster.Kind{cluster.Nodes},
		Run: func(p *checks.Pass) error {
			for i, node := range p.Nodes() {
				if i >= 2 {
					p.Report(checks.Finding{Object: checks.ObjectOf(node), Message: "node " + node.Name + " is one too many",
						Remedy: "wait", Transient: settles > 0, Settles: settles})
				}
			}
			return nil
		},
	}
}

func newGate(check checks.Check) *gate.Gate {
	return &gate.Gate{Checks: []checks.Check{check}, Memory: gate.NewMemory(), Now: func() time.Time { return start }}
}

func upgrade() gate.Request {
	return gate.Request{Request: checks.Request{Version: "v1.4.2"}}
}

func TestARefusalIsAnsweredFromTheCacheAlone(t *testing.T) {
	cached, live := nodes(t, "the cache", 3), nodes(t, "live", 3)
	got := newGate(tooManyNodes(0)).Admit(context.Background(), cached, live, upgrade(), policy.Default())
	if got.Verdict != policy.Blocked || got.Source != "the cache" || live.reads.Load() != 0 {
		t.Errorf("got %s from %s after %d live reads", got.Verdict, got.Source, live.reads.Load())
	}
}

func TestAnAdmissionRestsOnALiveRead(t *testing.T) {
	for name, c := range map[string]struct {
		liveNodes int
		want      policy.Verdict
	}{
		"what the cache has missed still refuses": {3, policy.Blocked},
		"what is fine admits":                     {2, policy.Ready},
	} {
		t.Run(name, func(t *testing.T) {
			cached, live := nodes(t, "the cache", 2), nodes(t, "live", c.liveNodes)
			got := newGate(tooManyNodes(0)).Admit(context.Background(), cached, live, upgrade(), policy.Default())
			if got.Verdict != c.want || got.Source != "live" || live.reads.Load() != 1 {
				t.Errorf("got %s from %s after %d live reads, want %s", got.Verdict, got.Source, live.reads.Load(), c.want)
			}
		})
	}
}

func TestACacheThatCannotTellIsAskedLive(t *testing.T) {
	cached, live := unreadable{nodes(t, "the cache", 0)}, nodes(t, "live", 2)
	got := newGate(tooManyNodes(0)).Admit(context.Background(), cached, live, upgrade(), policy.Default())
	if got.Verdict != policy.Ready || got.Source != "live" {
		t.Errorf("got %s from %s", got.Verdict, got.Source)
	}
}

func TestWhatCannotBeReadLiveIsIncomplete(t *testing.T) {
	cached, live := nodes(t, "the cache", 2), unreadable{nodes(t, "live", 0)}
	got := newGate(tooManyNodes(0)).Admit(context.Background(), cached, live, upgrade(), policy.Default())
	if got.Verdict != policy.Incomplete || got.Source != "live" {
		t.Errorf("got %s from %s", got.Verdict, got.Source)
	}
}

func TestAnAdvanceRefusalIsSilentUnlessTheCacheIsSure(t *testing.T) {
	for name, c := range map[string]struct {
		cached  cluster.Source
		settles time.Duration
		want    bool
	}{
		"a finding refuses":                         {nodes(t, "the cache", 3), 0, true},
		"a state that may just be passing does not": {nodes(t, "the cache", 3), time.Minute, false},
		"a healthy cluster does not":                {nodes(t, "the cache", 2), 0, false},
		"unread evidence does not":                  {unreadable{nodes(t, "the cache", 0)}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, refused := newGate(tooManyNodes(c.settles)).Advance(context.Background(), c.cached, upgrade(), policy.Default())
			if refused != c.want {
				t.Errorf("refused %v, want %v", refused, c.want)
			}
			if !refused {
				if diff := cmp.Diff(report.Report{}, got); diff != "" {
					t.Errorf("a report without a refusal: %s", diff)
				}
			}
		})
	}
}

func TestAStateThatMayBePassingIsNotWaitedForWhenTheDeadlineIsNear(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	cached, live := nodes(t, "the cache", 3), nodes(t, "live", 3)
	began := time.Now()
	got := newGate(tooManyNodes(time.Minute)).Admit(ctx, cached, live, upgrade(), policy.Default())
	if got.Verdict != policy.Blocked || got.Source != "live" || live.reads.Load() != 1 || time.Since(began) > 5*time.Second {
		t.Errorf("got %s from %s after %d live reads and %s", got.Verdict, got.Source, live.reads.Load(), time.Since(began))
	}
}

func TestAStateThatHasLastedIsRefusedFromTheCache(t *testing.T) {
	now := start
	g := newGate(tooManyNodes(time.Minute))
	g.Now = func() time.Time { return now }
	if _, refused := g.Advance(context.Background(), nodes(t, "the cache", 3), upgrade(), policy.Default()); refused {
		t.Error("refused at first sight")
	}
	now = start.Add(2 * time.Minute)
	got, refused := g.Advance(context.Background(), nodes(t, "the cache", 3), upgrade(), policy.Default())
	if !refused || got.Checks[0].Findings[0].Since == nil || !got.Checks[0].Findings[0].Since.Equal(start) {
		t.Errorf("refused %v, report %+v", refused, got)
	}
}

func TestTheObserverIsToldEveryResult(t *testing.T) {
	broken := checks.Check{Name: "broken", Severity: checks.Block, Run: func(*checks.Pass) error { return errors.New("no idea") }}
	g := newGate(broken)
	g.Checks = append(g.Checks, tooManyNodes(0))
	var seen []string
	g.Observe = func(results []checks.Result) {
		for _, r := range results {
			seen = append(seen, fmt.Sprintf("%s %s", r.Check.Name, r.Outcome))
		}
	}
	got := g.Judge(context.Background(), nodes(t, "a folder", 2), upgrade(), policy.Default())
	if diff := cmp.Diff([]string{"broken Unknown", "too-many-nodes Passed"}, seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
	if got.Verdict != policy.Incomplete || got.Running != "v1.4.1" || got.Target != "v1.4.2" || !got.ReadAt.Equal(start) {
		t.Errorf("got %+v", got)
	}
}

func TestWhatRestsOnPolledEvidenceIsNotRefusedInAdvance(t *testing.T) {
	for name, c := range map[string]struct {
		uses []cluster.Kind
		want bool
	}{
		"the kubelets' answers are polled":           {[]cluster.Kind{cluster.KubeletConfig}, false},
		"Secrets are not read, as nobody granted it": {[]cluster.Kind{cluster.Secrets}, true},
	} {
		t.Run(name, func(t *testing.T) {
			check := tooManyNodes(0)
			check.Uses = c.uses
			if _, refused := newGate(check).Advance(context.Background(), nodes(t, "the cache", 3), upgrade(), policy.Default()); refused != c.want {
				t.Errorf("refused %v, want %v", refused, c.want)
			}
		})
	}
}
