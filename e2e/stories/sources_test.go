package stories_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
)

type finding struct {
	Object struct{ APIVersion, Kind, Namespace, Name string }
	// Message holds no ages.
	Message   string
	Remedy    string
	Transient bool
	Blocks    bool
}

// check runs upgrade-gate check on a cluster that blocks, and returns what must not depend on where the cluster is read from.
func check(t *testing.T, cluster *gate.Cluster, args ...string) reading {
	t.Helper()
	said := judged(t, cluster, args...)
	if said.Verdict != "Blocked" {
		t.Fatalf("upgrade-gate check %v says %s, want Blocked", args, said.Verdict)
	}
	said.Evidence = nil
	for i := range said.Checks {
		said.Checks[i] = said.Checks[i].said()
	}
	return said
}

// One engine, three sources: the same objects give the same verdict from a folder, from the live API server
// and from the watch cache.
func TestAFolderTheAPIServerAndTheWatchCacheSayTheSame(t *testing.T) {
	cluster, process := beginGuarded(t, stuck)
	example, err := gate.Example(stuck)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := cluster.KubeletCA(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	live := check(t, cluster, "--kubelet-ca="+authority)
	exported := check(t, cluster, "--from="+export(t, cluster, example), "--assume-complete")
	if diff := cmp.Diff(exported, live); diff != "" {
		t.Errorf("the exported objects and the API server say different things (-folder +API server):\n%s", diff)
	}
	// In the example, objects are older than in the API server, where all were created just now. That changes
	// ages and remedies, but not what blocks.
	if diff := cmp.Diff(blocking(check(t, cluster, "--from="+example, "--assume-complete")), blocking(live)); diff != "" {
		t.Errorf("the example's folder and the API server block different things (-folder +API server):\n%s", diff)
	}

	cached, err := causes(t.Context(), t, cluster)
	if err != nil {
		t.Fatal(err)
	}
	lines := decisions(t, process)
	if source := lines[len(lines)-1].Text("source"); source != "the watch cache" {
		t.Fatalf("refused from %s, want the watch cache", source)
	}
	if diff := cmp.Diff(blocking(live), objectsOf(cached)); diff != "" {
		t.Errorf("the API server and the watch cache block different things (-API server +cache):\n%s", diff)
	}
}

// export writes every object that the gate may list, and the kubelets' answers and certificates of the example, to a folder.
func export(t *testing.T, cluster *gate.Cluster, example string) string {
	t.Helper()
	account, err := cluster.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var resources []string
	for _, rule := range change(t, cluster, func(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule { return rules }) {
		for _, resource := range rule.Resources {
			if slices.Contains(rule.Verbs, "list") {
				resources = append(resources, strings.TrimSuffix(resource+"."+rule.APIGroups[0], "."))
			}
		}
	}
	folder := t.TempDir()
	for _, evidence := range []string{"kubelet", "certificates"} {
		if err := os.CopyFS(filepath.Join(folder, evidence), os.DirFS(filepath.Join(example, evidence))); err != nil {
			t.Fatal(err)
		}
	}
	text, _, err := cluster.KubectlAs(t.Context(), account.Kubeconfig, nil, "get", "--all-namespaces", "-o", "yaml", strings.Join(resources, ","))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "objects.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// blocking returns the objects that block, by check.
func blocking(said reading) map[string][]string {
	objects := map[string][]string{}
	for _, check := range said.Checks {
		for _, f := range check.Findings {
			if f.Blocks {
				objects[check.Name] = append(objects[check.Name], objectName(f.Object.Kind, f.Object.Namespace, f.Object.Name))
			}
		}
	}
	return objects
}

// objectsOf returns the objects of causes, by check.
func objectsOf(causes []cause) map[string][]string {
	objects := map[string][]string{}
	for _, c := range causes {
		objects[c.Check] = append(objects[c.Check], c.Object)
	}
	return objects
}

func objectName(kind, namespace, name string) string {
	if namespace != "" {
		name = namespace + "/" + name
	}
	return kind + " " + name
}
