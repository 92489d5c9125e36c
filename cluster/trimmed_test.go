package cluster_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// asCached is a source whose objects are those that the watch cache would hold.
type asCached struct {
	cluster.Source
	t    *testing.T
	trim func(cluster.Resource, any) (any, error)
}

func (a asCached) List(ctx context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	objects, evidence := a.Source.List(ctx, resource)
	trimmed := make([]client.Object, len(objects))
	for i, object := range objects {
		kept, err := a.trim(resource, object.DeepCopyObject())
		if err != nil {
			a.t.Error(err)
			return nil, evidence
		}
		trimmed[i] = kept.(client.Object)
	}
	return trimmed, evidence
}

func TestTheReportOnEveryExampleIsThatOnWhatTheWatchCacheHoldsOfIt(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("..", "examples", "clusters", "*"))
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, folder := range folders {
		if info, err := os.Stat(filepath.Join(folder, "report.txt")); err != nil || info.IsDir() {
			continue // no cluster
		}
		judged++
		t.Run(filepath.Base(folder), func(t *testing.T) {
			whole, err := cluster.ReadFolder(folder, cluster.FolderOptions{AssumeComplete: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(reportOn(t, whole), reportOn(t, asCached{whole, t, cluster.SharedTrim()})); diff != "" {
				t.Errorf("the reports (-whole +trimmed):\n%s", diff)
			}
		})
	}
	if judged < 6 {
		t.Errorf("%d examples were judged, want all", judged)
	}
}

func reportOn(t *testing.T, source cluster.Source) string {
	t.Helper()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	judge := &gate.Gate{Checks: checks.All(), Now: func() time.Time { return now }}
	var text bytes.Buffer
	if err := report.WriteJSON(&text, judge.Judge(t.Context(), source, gate.Request{Request: checks.Request{Version: "v1.4.2"}}, policy.Default())); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
