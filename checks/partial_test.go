package checks

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// partly is a source that knows only some of the nodes.
type partly struct{ *cluster.Folder }

func (s partly) List(ctx context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	objects, evidence := s.Folder.List(ctx, resource)
	if resource.Kind == cluster.Nodes {
		evidence = cluster.Evidence{State: cluster.Partial, Missing: []string{"shop"}, Because: "the node of shop was not collected"}
	}
	return objects, evidence
}

func TestEvidenceThatIsKnownInPartIsNeverEnoughToPass(t *testing.T) {
	const because = "the evidence could be read only in part: the node of shop was not collected"
	finds := func(p *Pass) { p.Findf(p.Nodes()[0], "is bad") }
	for name, c := range map[string]struct {
		byNamespace bool
		asksKnown   []cluster.Kind
		run         func(*Pass)
		outcome     Outcome
		because     string
		gaps        int
	}{
		"a check that relates objects is not run":                  {false, nil, finds, Unknown, because, 0},
		"one that judges each by itself finds what there is":       {true, nil, finds, Failed, "", 1},
		"and is unknown where it finds nothing":                    {true, nil, func(*Pass) {}, Unknown, because, 1},
		"and where what it looked at does not concern the upgrade": {true, nil, func(p *Pass) { p.Skip("no matter") }, Unknown, because, 1},
		"one that asks what is known passes where all that it needs is": {false, []cluster.Kind{cluster.Nodes}, func(p *Pass) {
			if !p.Knows(cluster.Nodes, "web") || p.Knows(cluster.Nodes, "shop") || p.Knows(cluster.Pods, "web") != p.Knows(cluster.Pods, "shop") {
				p.UnknownPart("namespaces are known that are not")
			}
		}, Passed, "", 0},
		"and is unknown where something is not": {false, []cluster.Kind{cluster.Nodes}, func(p *Pass) { p.UnknownPart("who is in shop") }, Unknown, "who is in shop", 1},
	} {
		t.Run(name, func(t *testing.T) {
			node := "apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n"
			folder, err := cluster.ReadFS(fstest.MapFS{"n.yaml": {Data: []byte(node)}}, "files", cluster.FolderOptions{AssumeComplete: true})
			if err != nil {
				t.Fatal(err)
			}
			check := Check{Name: "sample", Severity: Block, Needs: []cluster.Kind{cluster.Nodes}, ByNamespace: c.byNamespace, AsksKnown: c.asksKnown,
				Run: func(p *Pass) error { c.run(p); return nil }}
			result := Run(context.Background(), []Check{check}, Input{Snapshot: cluster.Load(context.Background(), partly{folder}, time.Time{})})[0]
			if result.Outcome != c.outcome || result.Because != c.because || len(result.Gaps) != c.gaps {
				t.Errorf("got %s because %q with %d gaps, want %s because %q with %d", result.Outcome, result.Because, len(result.Gaps), c.outcome, c.because, c.gaps)
			}
		})
	}
}
