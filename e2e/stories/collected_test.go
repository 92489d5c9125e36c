package stories_test

import (
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
	"github.com/upgrade-gate/upgrade-gate/e2e/supportbundle"
)

// examples are the names of the example clusters in which something fails; the repairs of one are none.
func examples(t *testing.T) []string {
	t.Helper()
	folder, err := gate.Example("")
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := filepath.Glob(filepath.Join(folder, "*", "nodes.yaml"))
	if err != nil || len(nodes) == 0 {
		t.Fatalf("no example clusters in %s: %v", folder, err)
	}
	var names []string
	for _, file := range nodes {
		if name := filepath.Base(filepath.Dir(file)); name != healthy {
			names = append(names, name)
		}
	}
	return names
}

// exampleVersion is Kubernetes' version of the example clusters.
const exampleVersion = "v1.30.7+rke2r1"

// bundle is a support bundle that can be written.
type bundle struct{ *supportbundle.Bundle }

// archive writes the bundle as a zip.
func (b bundle) archive(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), b.Name+".zip")
	if err := b.WriteZip(file); err != nil {
		t.Fatal(err)
	}
	return file
}

// unpacked writes the bundle as a folder.
func (b bundle) unpacked(t *testing.T) string {
	t.Helper()
	folder, err := b.Unpack(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// ofExample is the bundle of an example cluster's files. It was made now, as what the files are compared with is judged now.
func ofExample(t *testing.T, example string, options supportbundle.Options) bundle {
	t.Helper()
	folder, err := gate.Example(example)
	if err != nil {
		t.Fatal(err)
	}
	held, err := load.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	return collectedFrom(t, supportbundle.FromObjects(exampleVersion, held), options)
}

// collected is the bundle of a running cluster.
func collected(t *testing.T, cluster *gate.Cluster, options supportbundle.Options) bundle {
	t.Helper()
	api, err := supportbundle.FromServer(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	return collectedFrom(t, api, options)
}

func collectedFrom(t *testing.T, api supportbundle.API, options supportbundle.Options) bundle {
	t.Helper()
	options.Created = time.Now()
	collected, err := supportbundle.Collect(t.Context(), api, options)
	if err != nil {
		t.Fatal(err)
	}
	return bundle{collected}
}

// namespaces are those of a cluster.
func namespaces(t *testing.T, cluster *gate.Cluster) []string {
	t.Helper()
	resource := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	list, err := client(t, cluster).Resource(resource).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, namespace := range list.Items {
		names = append(names, namespace.GetName())
	}
	return names
}
