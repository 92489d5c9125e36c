package cluster_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// unpack writes files into a new folder, a directory for each name that ends in a slash, and returns the folder.
func unpack(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range files {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if name[len(name)-1] == '/' {
			if err := os.MkdirAll(file, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestWhatIsNearASupportBundleIsNoFolderOfYAML(t *testing.T) {
	const node, pods = "/yamls/cluster/v1/nodes.yaml", "/yamls/namespaced/shop/v1/pods.yaml"
	nodes := list("v1", "Node", "node-1")
	bundles := map[string]string{"a" + node: nodes, "b" + node: nodes, "c.txt": ""}
	one := map[string]string{"top/metadata.yaml": "", "top" + node: nodes, "top" + pods: list("v1", "Pod", "web")}
	part := func(folder string) string {
		return "it is a part of a support bundle, without what tells what is missing from it: name the whole bundle, " + filepath.Join(folder, "top")
	}
	const alone = "these are the lists of a support bundle, without what tells what is missing from it: name the whole bundle, which holds them as yamls/"
	const logs = "it holds nothing but logs, as the archive of an upgrade's log does, and no object of a cluster: name a support bundle, or what upgrade-gate collect has written"
	always := func(want string) func(string) string { return func(string) string { return want } }
	for name, test := range map[string]struct {
		files map[string]string
		at    string
		want  func(folder string) string
	}{
		"the directory of its lists":        {one, "top/yamls", part},
		"a directory among its lists":       {one, "top/yamls/namespaced/shop", part},
		"one list":                          {one, "top" + node, part},
		"its lists, moved away and renamed": {map[string]string{"cluster/v1/nodes.yaml": nodes}, "", always(alone)},
		"those of namespaces alone":         {map[string]string{"namespaced/shop/v1/pods.yaml": nodes}, "", always(alone)},
		"its lists deep in a folder":        {map[string]string{"a/b" + node: nodes, "a/c.yaml": nodes}, "", always("a/b/yamls: " + alone)},
		"several":                           {bundles, "", always("it holds more than one support bundle: a and b; name one of them")},
		"one beside other directories":      {map[string]string{"top" + node: nodes, "more/a.yaml": nodes}, "", always("it holds the support bundle top beside other directories; name the bundle itself")},
		"one that is still packed": {map[string]string{"a.zip": "", "a.txt": ""}, "", func(folder string) string {
			return "no .yaml, .yml or .json file with an object in it, but an archive: name that, " + filepath.Join(folder, "a.zip")
		}},
		"one for which discovery failed": {map[string]string{"top/metadata.yaml": "bundlename: x\n", "top/bundleGenerationError.log": "Unable to fetch cluster resources: no route to host\n"}, "",
			always("it holds no lists, for discovery failed: no route to host; collect it again")},
		"one without lists, for which no cause is known": {map[string]string{"metadata.yaml": "bundlename: x\n", "bundleGenerationError.log": ""}, "",
			always("it holds no lists below yamls/, so it is no whole support bundle")},
		"the log of an upgrade, unpacked":                      {map[string]string{"logs/node.var.log/a.gz": ""}, "", always(logs)},
		"the log of an upgrade, unpacked to a directory":       {map[string]string{"hvst-upgrade-x-archive/logs/a.log": ""}, "", always(logs)},
		"the log of an upgrade, packed":                        {map[string]string{"l.zip": string(clustertest.Zip("logs", map[string][]byte{"tag/a.gz": nil}))}, "l.zip", always(logs)},
		"the log of an upgrade, packed again with a directory": {map[string]string{"l.zip": string(clustertest.Zip("x", map[string][]byte{"logs/a.gz": nil}))}, "l.zip", always(logs)},
	} {
		t.Run(name, func(t *testing.T) {
			folder := unpack(t, test.files)
			at := filepath.Join(folder, test.at)
			_, err := cluster.Open(at, cluster.FolderOptions{})
			if want := "read " + at + ": " + test.want(folder); err == nil || err.Error() != want {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
		})
	}
}

func TestFoldersThatOnlyLookLikeAPartOfABundleAreRead(t *testing.T) {
	node := "apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n"
	for name, files := range map[string]map[string]string{
		"directories of those names":          {"cluster/nodes.yaml": node, "namespaced/v1.yaml": ""},
		"a directory yamls":                   {"yamls/nodes.yaml": node},
		"one of several":                      {"yamls/nodes.yaml": node, "other/a.yaml": ""},
		"an archive and logs beside the YAML": {"nodes.yaml": node, "a.zip": "", "logs/a.log": ""},
		"a file of YAML called metadata.yaml": {"metadata.yaml": node},
	} {
		t.Run(name, func(t *testing.T) {
			source, err := cluster.Open(unpack(t, files), cluster.FolderOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, is := source.(*cluster.Folder); !is {
				t.Errorf("it is read as a %T", source)
			}
		})
	}
}
