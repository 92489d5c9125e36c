package checks_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func TestEvidenceThatWasNotGrantedSkipsWhoNeedsItAndLeavesOutWhoUsesIt(t *testing.T) {
	const node = "apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n"
	folder, err := cluster.ReadFS(fstest.MapFS{"a.yaml": {Data: []byte(node)}}, "the folder", cluster.FolderOptions{AssumeComplete: true})
	if err != nil {
		t.Fatal(err)
	}
	snapshot := cluster.Load(context.Background(), folder, time.Now())
	run := func(*checks.Pass) error { return nil }
	for name, test := range map[string]struct {
		check   checks.Check
		want    checks.Outcome
		because string
	}{
		"needed": {checks.Check{Needs: []cluster.Kind{cluster.Nodes, cluster.Secrets}, Run: run}, checks.Skipped, "the files hold no Secret"},
		"used":   {checks.Check{Needs: []cluster.Kind{cluster.Nodes}, Uses: []cluster.Kind{cluster.Secrets}, Run: run}, checks.Passed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := checks.Run(context.Background(), []checks.Check{test.check}, checks.Input{Snapshot: snapshot})[0]
			if got.Outcome != test.want || got.Because != test.because {
				t.Errorf("got %s because %q, want %s because %q", got.Outcome, got.Because, test.want, test.because)
			}
		})
	}
}
