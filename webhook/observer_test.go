package webhook

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func TestTheNextVersionsAreTheNearestThatTheClusterKnows(t *testing.T) {
	for name, c := range map[string]struct {
		running  string
		versions []string
		want     []string
	}{
		"the nearest come first":                  {"v1.7.1", []string{"v1.10.0", "v1.8.0", "v1.7.2", "v1.9.0"}, []string{"v1.7.2", "v1.8.0", "v1.9.0"}},
		"what runs and what came before does not": {"v1.8.0", []string{"v1.8.0", "v1.7.0", "v1.8.1"}, []string{"v1.8.1"}},
		"what is no release is none":              {"v1.8.0", []string{"master-head", "v1.8.1"}, []string{"v1.8.1"}},
		"nobody knows what runs":                  {"master-head", []string{"v1.8.1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{"settings.yaml": {Data: fmt.Appendf(nil,
				"apiVersion: harvesterhci.io/v1beta1\nkind: Setting\nmetadata: {name: server-version}\nvalue: %s\n", c.running)}}
			for _, version := range c.versions {
				files[version+".yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil,
					"apiVersion: harvesterhci.io/v1beta1\nkind: Version\nmetadata: {name: %s, namespace: harvester-system}\n", version)}
			}
			source, err := cluster.ReadFS(files, name, cluster.FolderOptions{AssumeComplete: true})
			if err != nil {
				t.Fatal(err)
			}
			got := nextVersions(cluster.Load(context.Background(), source, time.Now()))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
