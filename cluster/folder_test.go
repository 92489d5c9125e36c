package cluster_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

const aNode = `apiVersion: v1
kind: Node
metadata:
  name: node-1
`

func files(contents map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range contents {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

func TestAFolderThatCannotBeReadIsOneErrorNamingFileAndLine(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i <= 'i'; i++ {
		previous := string(i - 1)
		bomb += string(i) + ": &" + string(i) + " [" + strings.TrimSuffix(strings.Repeat("*"+previous+",", 9), ",") + "]\n"
	}
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"broken YAML":                       {map[string]string{"a.yaml": aNode + "---\napiVersion: v1\nkind: Node\n  broken: [\n"}, "a.yaml:8: mapping values are not allowed"},
		"a document that is no object":      {map[string]string{"a.yaml": aNode + "---\n- 1\n- 2\n"}, "a.yaml:6: not a Kubernetes object"},
		"an object without a kind":          {map[string]string{"a.yaml": "metadata:\n  name: x\n"}, "a.yaml:1: not a Kubernetes object: apiVersion or kind is missing"},
		"an object without a name":          {map[string]string{"a.yaml": "apiVersion: v1\nkind: Node\nmetadata: {}\n"}, "a.yaml:1: a Node without metadata.name"},
		"a field of the wrong type":         {map[string]string{"a.yaml": aNode + "spec:\n  unschedulable: maybe\n"}, "a.yaml:1: decode the Node: json: cannot unmarshal string"},
		"the same object twice":             {map[string]string{"a.yaml": aNode, "b.yaml": aNode}, "b.yaml: Node /node-1 stands in a.yaml already"},
		"a broken item of a list":           {map[string]string{"a.yaml": "apiVersion: v1\nkind: List\nitems:\n- 3\n"}, "a.yaml:1: item 0 of the list is not a Kubernetes object"},
		"no object at all":                  {map[string]string{"a.txt": aNode}, "no .yaml, .yml or .json file with an object in it"},
		"a YAML bomb":                       {map[string]string{"a.yaml": bomb}, "a.yaml:1: document contains excessive aliasing"},
		"kubelet statistics without a node": {map[string]string{"a.yaml": aNode, "kubelet/node-1.stats.json": "{}"}, "kubelet/node-1.stats.json: the answer has no field node"},
		"a configuration that is not wrapped": {map[string]string{"a.yaml": aNode, "kubelet/node-1.configz.json": `{"imageGCHighThresholdPercent": 85}`},
			"kubelet/node-1.configz.json: the answer has no field kubeletconfig"},
		"another file among the kubelets'": {map[string]string{"a.yaml": aNode, "kubelet/readme.json": "{}"}, "kubelet/readme.json: a file in kubelet/ is named"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cluster.ReadFS(files(test.files), "the folder", cluster.FolderOptions{})
			if err == nil {
				t.Fatal("the folder was read")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "read the folder: ") {
				t.Errorf("error is\n  %v\nwant it to begin with the folder and to contain\n  %s", err, test.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error is more than one line: %q", err)
			}
		})
	}
}

func TestAPathThatIsNotThereIsAnError(t *testing.T) {
	if _, err := cluster.ReadFolder("testdata/nowhere", cluster.FolderOptions{}); err == nil || !strings.Contains(err.Error(), "testdata/nowhere") {
		t.Errorf("error is %v, want one that names the path", err)
	}
}

func load(t *testing.T, contents map[string]string, options cluster.FolderOptions) *cluster.Snapshot {
	t.Helper()
	folder, err := cluster.ReadFS(files(contents), "the folder", options)
	if err != nil {
		t.Fatal(err)
	}
	return cluster.Load(context.Background(), folder, clustertest.Now())
}

func TestWhatAFolderDoesNotHoldIsUnreadUnlessItIsDeclaredEmpty(t *testing.T) {
	contents := map[string]string{
		"a.yaml": aNode,
		"b.yml":  "apiVersion: longhorn.io/v1beta2\nkind: VolumeList\nitems: []\n",
		"c.json": `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"longhorn.io/v1beta2","kind":"Engine","metadata":{"name":"e","namespace":"longhorn-system"}}]}`,
		"d.yaml": "apiVersion: example.com/v1\nkind: Other\nmetadata: {name: x}\n",
	}
	for name, test := range map[string]struct {
		kind     cluster.Kind
		complete bool
		want     cluster.ReadState
		count    int
	}{
		"a kind with an object is read":             {cluster.Nodes, false, cluster.Read, 1},
		"a kind inside a list is read":              {cluster.Engines, false, cluster.Read, 1},
		"a kind with an empty list is read":         {cluster.Volumes, false, cluster.Read, 0},
		"a kind without an object is unread":        {cluster.Replicas, false, cluster.Unread, 0},
		"unless the folder is said to be complete":  {cluster.Replicas, true, cluster.Read, 0},
		"an optional kind without an object is not": {cluster.UpgradePlans, false, cluster.NotInstalled, 0},
	} {
		t.Run(name, func(t *testing.T) {
			evidence := load(t, contents, cluster.FolderOptions{AssumeComplete: test.complete}).Evidence(test.kind)
			if evidence.State != test.want || evidence.Count != test.count {
				t.Errorf("evidence is %s with %d objects (%s), want %s with %d", evidence.State, evidence.Count, evidence.Because, test.want, test.count)
			}
		})
	}
}

func TestOnlyTheSelectedObjectsOfAKindAreHeld(t *testing.T) {
	contents := map[string]string{"a.yaml": `apiVersion: batch/v1
kind: Job
metadata: {name: a, namespace: harvester-system}
---
apiVersion: batch/v1
kind: Job
metadata: {name: other, namespace: default}
---
apiVersion: v1
kind: Event
metadata: {name: a, namespace: default}
reason: Started
`}
	snapshot := load(t, contents, cluster.FolderOptions{})
	if got := snapshot.Evidence(cluster.Jobs).Count; got != 1 {
		t.Errorf("%d jobs of Harvester's namespace, want 1", got)
	}
	if got := snapshot.Evidence(cluster.IOErrorEvents); got.Count != 0 || got.State != cluster.Read {
		t.Errorf("events are %+v, want read and none with reason IOerror", got)
	}
}

func TestAStrictReaderRefusesAFieldThatTheTypesDoNotHave(t *testing.T) {
	_, err := cluster.ReadFS(files(map[string]string{"a.yaml": aNode + "status:\n  mood: fine\n"}), "the folder", cluster.FolderOptions{Strict: true})
	if err == nil || !strings.Contains(err.Error(), `unknown field "status.mood"`) {
		t.Errorf("error is %v, want the unknown field", err)
	}
}

func FuzzFolder(f *testing.F) {
	f.Add(aNode)
	f.Add(aNode + "---\n" + aNode)
	f.Add("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Node, metadata: {name: x}}\n")
	f.Add("apiVersion: longhorn.io/v1beta2\nkind: Engine\nmetadata: {name: e}\nstatus: {snapshots: {a: null}}\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, content string) {
		folder, err := cluster.ReadFS(files(map[string]string{"a.yaml": content}), "the folder", cluster.FolderOptions{AssumeComplete: true})
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error is more than one line: %q", err)
			}
			return
		}
		cluster.Load(context.Background(), folder, clustertest.Now())
	})
}
