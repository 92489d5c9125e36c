package cluster_test

import (
	"testing"
	"testing/fstest"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

func TestOnlyWhatIsNeededIsOpened(t *testing.T) {
	files := pack(clustertest.Bundle{Objects: sparse(t)}, map[string]string{
		"logs/default/pod/main.log": "x", "nodes/node-1.zip": "x", "yamls/cluster/v1/componentstatuses.yaml": "x", "prometheus-alerts.json": "x",
		"yamls/namespaced/default/batch/v1/jobs.yaml": "x", "yamls/namespaced/fleet-local/v1/secrets.yaml": "x", "yamls/cluster/metrics.k8s.io/v1beta1/nodes.yaml": "x",
	})
	snapshot := loadBundle(t, files)
	for _, kind := range []cluster.Kind{cluster.Jobs, cluster.Nodes} {
		if got := snapshot.Evidence(kind); got.State != cluster.Read {
			t.Errorf("%s is %+v", kind, got)
		}
	}
}

func TestABundleHasTheDateThatItSaysOrThatItsNameSays(t *testing.T) {
	objects := sparse(t)
	for name, test := range map[string]struct {
		metadata, top, file, want string
	}{
		"RFC 3339":            {"bundlecreatedat: \"2026-08-07T10:11:12Z\"\n", "", "b.zip", "2026-08-07T10:11:12Z"},
		"without quotes":      {"bundlecreatedat: 2026-08-07T10:11:12Z\n", "", "b.zip", "2026-08-07T10:11:12Z"},
		"with a zone":         {"bundleCreatedAt: 2026-08-07T10:11:12.5+02:00\n", "", "b.zip", "2026-08-07T08:11:12Z"},
		"as Go prints it":     {"bundlecreatedat: 2026-08-07 10:11:12.123456789 +0000 UTC m=+0.01\n", "", "b.zip", "2026-08-07T10:11:12Z"},
		"in the file's form":  {"bundlecreatedat: 2026-08-07T10-11-12Z\n", "", "b.zip", "2026-08-07T10:11:12Z"},
		"by the top folder":   {"bundlecreatedat: soon\n", "supportbundle_x_2026-08-07T10-11-12Z", "renamed.zip", "2026-08-07T10:11:12Z"},
		"by the file's name":  {"- broken: [", "", "supportbundle_x_2026-08-07T10-11-12Z.zip", "2026-08-07T10:11:12Z"},
		"nowhere to be found": {"", "", "renamed.zip", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files, below := fstest.MapFS{}, pack(clustertest.Bundle{Objects: objects}, map[string]string{"metadata.yaml": test.metadata})
			for file, content := range below {
				if test.top != "" {
					file = test.top + "/" + file
				}
				files[file] = content
			}
			bundle, err := cluster.ReadSupportBundle(files, test.file)
			if err != nil {
				t.Fatal(err)
			}
			got, name := "", "support bundle "+test.file
			if at := bundle.CollectedAt(); !at.IsZero() {
				got = at.Format("2006-01-02T15:04:05Z07:00")
			} else {
				name += ", whose date is not known"
			}
			if got != test.want || bundle.Name() != name {
				t.Errorf("got %q of %q, want %q of %q", got, bundle.Name(), test.want, name)
			}
		})
	}
	bundle, err := cluster.ReadSupportBundle(pack(clustertest.Bundle{Objects: objects}, nil), "b.zip")
	if err != nil || bundle.Name() != "support bundle b.zip of Kubernetes v1.29.9+rke2r1" {
		t.Errorf("got %v, %v", bundle, err)
	}
}
