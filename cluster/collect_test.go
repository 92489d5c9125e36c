package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// memory takes the files of a Collection.
type memory map[string]*bytes.Buffer

func (m memory) create(name string) (io.Writer, error) {
	m[name] = &bytes.Buffer{}
	return m[name], nil
}

func (m memory) files() fstest.MapFS {
	files := fstest.MapFS{}
	for name, content := range m {
		files[name] = &fstest.MapFile{Data: content.Bytes()}
	}
	return files
}

// partlyRead is a cluster of which some evidence cannot be read.
type partlyRead struct{ *clustertest.Cluster }

func (f partlyRead) List(ctx context.Context, r cluster.Resource) ([]client.Object, cluster.Evidence) {
	switch r.Kind {
	case cluster.Jobs:
		return nil, cluster.Evidence{State: cluster.Unread, Because: "not allowed to list them"}
	case cluster.UpgradePlans:
		return nil, cluster.Evidence{State: cluster.NotInstalled, Because: "the upgrade manager is not installed"}
	}
	objects, evidence := f.Cluster.List(ctx, r)
	evidence.ResourceVersion = "4711"
	if r.Kind == cluster.Pods {
		evidence.State, evidence.Because, evidence.Missing = cluster.Partial, "namespace shop was not collected", []string{"shop"}
	}
	return objects, evidence
}

func (f partlyRead) Probe(ctx context.Context, targets cluster.Targets) cluster.Probed {
	probed := f.Cluster.Probe(ctx, targets)
	answer := probed.Kubelets["node-01"]
	probed.Kubelets = map[string]cluster.Kubelet{
		"node-01": {ReadAt: clustertest.Now().Add(time.Second), Config: answer.Config, StatsError: "the kubelet did not answer on /stats/summary within 3s"},
		"node-02": probed.Kubelets["node-02"],
	}
	probed.Certificates[0].Chain, probed.Certificates[0].Error = nil, "no answer"
	return probed
}

func collected(t *testing.T, source cluster.Source) memory {
	t.Helper()
	files := memory{}
	if err := cluster.Collect(t.Context(), source, clustertest.Now()).Write("v1.2.3", files.create); err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWhatIsCollectedSaysWhatItsSourceSaid(t *testing.T) {
	source := partlyRead{clustertest.Generate(clustertest.Small())}
	read, err := cluster.ReadCollected(collected(t, source).files(), "evidence.zip")
	if err != nil {
		t.Fatal(err)
	}
	if read.Name() != source.Name() || !read.CollectedAt().Equal(clustertest.Now()) || read.Program() != "v1.2.3" {
		t.Errorf("got %q of %s by %s", read.Name(), read.CollectedAt(), read.Program())
	}
	before := cluster.Load(t.Context(), source, clustertest.Now())
	after := cluster.Load(t.Context(), read, read.CollectedAt())
	for _, resource := range append(cluster.Resources(), cluster.GrantedResources()...) {
		want, got := before.Evidence(resource.Kind), after.Evidence(resource.Kind)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("evidence of %s (-source +collected):\n%s", resource.Kind, diff)
		}
		wantObjects, _ := source.List(t.Context(), resource)
		gotObjects, _ := read.List(t.Context(), resource)
		if len(wantObjects) != len(gotObjects) {
			t.Errorf("%d %s, want %d", len(gotObjects), resource.Kind, len(wantObjects))
		}
	}
	for _, kind := range []cluster.Kind{cluster.KubeletStats, cluster.KubeletConfig, cluster.ServedCertificates} {
		if diff := cmp.Diff(before.Evidence(kind), after.Evidence(kind)); diff != "" {
			t.Errorf("evidence of %s (-source +collected):\n%s", kind, diff)
		}
	}
	for _, node := range []string{"node-01", "node-02", "node-03"} {
		want, asked := before.Kubelet(node)
		got, askedAgain := after.Kubelet(node)
		if diff := cmp.Diff(want, got); diff != "" || asked != askedAgain {
			t.Errorf("kubelet of %s, asked %t and %t (-source +collected):\n%s", node, asked, askedAgain, diff)
		}
	}
	if diff := cmp.Diff(before.ServedCertificates(), after.ServedCertificates()); diff != "" {
		t.Errorf("certificates (-source +collected):\n%s", diff)
	}
}

func TestTheSameEvidenceIsCollectedAsTheSameBytes(t *testing.T) {
	source := clustertest.Generate(clustertest.Small())
	first, second := collected(t, source), collected(t, source)
	if len(first) != len(second) {
		t.Fatalf("%d files and %d", len(first), len(second))
	}
	for name, content := range first {
		if !bytes.Equal(content.Bytes(), second[name].Bytes()) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestACollectionThatWasChangedIsOneErrorThatNamesTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		change func(memory)
		want   string
	}{
		"a list is missing": {func(m memory) { delete(m, "objects/pods.json") },
			"read evidence.zip: objects/pods.json: it holds 0 objects, but collected.yaml says 146"},
		"an object is missing": {func(m memory) {
			lines := strings.Split(m["objects/nodes.json"].String(), "\n")
			m["objects/nodes.json"] = bytes.NewBufferString(strings.Join(append(lines[:1:1], lines[2:]...), "\n"))
		}, "read evidence.zip: objects/nodes.json: it holds 2 objects, but collected.yaml says 3"},
		"a list is cut short": {func(m memory) { m["objects/pods.json"].Truncate(500) }, "read evidence.zip: objects/pods.json:"},
		"a kubelet's answer is missing": {func(m memory) { delete(m, "kubelet/node-02.stats.json") },
			"read evidence.zip: kubelet/node-02.stats.json: it is missing, but collected.yaml says that the kubelet answered"},
		"a certificate is missing": {func(m memory) { delete(m, "certificates/kubelet-node-02.pem") },
			"read evidence.zip: certificates/kubelet-node-02.pem: it is missing, but collected.yaml says that kubelet of node-02 presented it"},
		"the manifest is of another kind": {func(m memory) { m["collected.yaml"] = bytes.NewBufferString("apiVersion: v1\nkind: Pod\n") },
			`read evidence.zip: collected.yaml: it is "v1" "Pod", and not "upgradegate.io/v1" "CollectedEvidence"`},
		"the manifest is cut short": {func(m memory) { m["collected.yaml"].Truncate(10) }, `read evidence.zip: collected.yaml:`},
		"the manifest has an unknown state": {func(m memory) {
			m["collected.yaml"] = bytes.NewBufferString(strings.Replace(m["collected.yaml"].String(), "state: Read", "state: Good", 1))
		}, `read evidence.zip: collected.yaml: the state of nodes is "Good", which is none`},
	} {
		t.Run(name, func(t *testing.T) {
			files := collected(t, clustertest.Generate(clustertest.Small()))
			c.change(files)
			_, err := cluster.ReadCollected(files.files(), "evidence.zip")
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestAKindThatTheCollectorDidNotKnowIsUnread(t *testing.T) {
	files := collected(t, clustertest.Generate(clustertest.Small()))
	text := files["collected.yaml"].String()
	files["collected.yaml"] = bytes.NewBufferString(strings.Replace(text, "kind: pods\n", "kind: pods.of.another.time\n", 1))
	read, err := cluster.ReadCollected(files.files(), "evidence.zip")
	if err != nil {
		t.Fatal(err)
	}
	got := cluster.Load(t.Context(), read, read.CollectedAt()).Evidence(cluster.Pods)
	want := cluster.Evidence{Kind: cluster.Pods, State: cluster.Unread, Because: "upgrade-gate v1.2.3, which collected the evidence, did not read it"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
}

func TestAFullDiskIsTheErrorOfTheFileThatDoesNotFit(t *testing.T) {
	full := errors.New("no space left on device")
	err := cluster.Collect(t.Context(), clustertest.Generate(clustertest.Small()), clustertest.Now()).
		Write("v1.2.3", func(string) (io.Writer, error) { return nil, full })
	if !errors.Is(err, full) || err.Error() != "write objects/nodes.json: no space left on device" {
		t.Errorf("got %v", err)
	}
}

func TestACollectionOfNothingIsReadAsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	files := memory{}
	c := cluster.Collect(ctx, silent{}, clustertest.Now())
	if err := c.Write("v1.2.3", files.create); err != nil {
		t.Fatal(err)
	}
	read, err := cluster.ReadCollected(files.files(), "evidence")
	if err != nil {
		t.Fatal(err)
	}
	if got := cluster.Load(t.Context(), read, read.CollectedAt()).Evidence(cluster.Nodes); got.State != cluster.Unread || len(c.Missing()) == 0 || c.Count() != 0 {
		t.Errorf("got %+v, missing %v", got, c.Missing())
	}
}

// silent is a cluster that does not answer.
type silent struct{}

func (silent) Name() string { return "a silent cluster" }

func (silent) List(ctx context.Context, _ cluster.Resource) ([]client.Object, cluster.Evidence) {
	<-ctx.Done()
	return []client.Object{&corev1.Node{}}, cluster.Evidence{State: cluster.Unread, Because: "no answer before the deadline"}
}

func (silent) Probe(context.Context, cluster.Targets) cluster.Probed { return cluster.Probed{} }

// Whatever stands in the files: an error of one line, or a cluster of which nothing is believed that was not read.
func FuzzCollected(f *testing.F) {
	files := memory{}
	if err := cluster.Collect(f.Context(), clustertest.Generate(clustertest.Small()), clustertest.Now()).Write("v1.2.3", files.create); err != nil {
		f.Fatal(err)
	}
	const kubelet, chain = "kubelet/node-01.stats.json", "certificates/kubelet-node-01.pem"
	f.Add(files["collected.yaml"].Bytes(), files["objects/nodes.json"].Bytes(), files[kubelet].Bytes(), files[chain].Bytes())
	f.Add([]byte("apiVersion: upgradegate.io/v1\nkind: CollectedEvidence\ncollectedAt: 2026-11-20T12:00:00Z\nevidence: [{kind: nodes, state: Read, count: 1}]\n"),
		[]byte(`{"apiVersion":"v1","kind":"NodeList","items":[{"metadata":{"name":"node-01"}}]}`), []byte(`{"node":{}}`), []byte{})
	f.Fuzz(func(t *testing.T, manifest, nodes, stats, pem []byte) {
		read, err := cluster.ReadCollected(fstest.MapFS{
			"collected.yaml": {Data: manifest}, "objects/nodes.json": {Data: nodes}, kubelet: {Data: stats}, chain: {Data: pem},
		}, "evidence")
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		snapshot := cluster.Load(t.Context(), read, read.CollectedAt())
		for _, resource := range cluster.Resources() {
			switch e := snapshot.Evidence(resource.Kind); e.State {
			case cluster.Read, cluster.Partial:
				if objects, _ := read.List(t.Context(), resource); len(objects) != e.Count {
					t.Errorf("%d %s are believed to be %d", len(objects), resource.Kind, e.Count)
				}
			case cluster.NotInstalled, cluster.NotGranted, cluster.Unread:
			default:
				t.Errorf("the state of %s is %q", resource.Kind, e.State)
			}
		}
	})
}
