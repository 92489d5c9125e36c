package supportbundle_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
	"github.com/upgrade-gate/upgrade-gate/e2e/supportbundle"
)

// What the real API server's answers become, and that a bundle out of the files they were loaded from holds the same objects.
func TestABundleOfARunningControlPlane(t *testing.T) {
	folder, err := gate.Example("healthy")
	if err != nil {
		t.Fatal(err)
	}
	cluster := gatetest.Start(t, "", gate.ClusterOptions{Folder: folder})
	held, err := load.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := supportbundle.Furnish(t.Context(), cluster.Config); err != nil {
		t.Fatal(err)
	}
	server, err := supportbundle.FromServer(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	options := supportbundle.Options{Created: created(), ExtraNamespaces: []string{"shop"}}
	running, err := supportbundle.Collect(t.Context(), server, options)
	if err != nil {
		t.Fatal(err)
	}
	files, err := supportbundle.Collect(t.Context(), supportbundle.FromObjects("v1.30.7+rke2r1", held), options)
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range files.Files() {
		if !strings.HasPrefix(file, "yamls/") {
			continue
		}
		got := names(t, running.Files()[file])
		for name := range names(t, text) {
			if !got[name] {
				t.Errorf("%s lacks %s of the example", file, name)
			}
		}
	}
	if got := log(running); len(got) > 0 {
		t.Errorf("something else went wrong than what always does:\n%s", strings.Join(got, "\n"))
	}
	volumes := string(running.Files()["yamls/namespaced/longhorn-system/longhorn.io/v1beta2/volumes.yaml"])
	for _, loss := range []string{`: "null"`, "e+"} {
		if !strings.Contains(volumes, loss) {
			t.Errorf("volumes without %q, which real ones have", loss)
		}
	}
	crd := "yamls/cluster/apiextensions.k8s.io/v1/customresourcedefinitions.yaml"
	if !names(t, running.Files()[crd])["volumes.longhorn.io"] {
		t.Errorf("%s lacks the volumes' CRD", crd)
	}
}

// names are the items of a file.
func names(t *testing.T, text []byte) map[string]bool {
	t.Helper()
	var list struct {
		Items []struct{ Metadata struct{ Name string } }
	}
	if err := yaml.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, item := range list.Items {
		names[item.Metadata.Name] = true
	}
	return names
}
