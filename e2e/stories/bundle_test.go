package stories_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
	"github.com/upgrade-gate/upgrade-gate/e2e/supportbundle"
)

// beyondBundles are the checks that no support bundle can pass, and the evidence that it lacks.
func beyondBundles() map[string]string {
	return map[string]string{
		"disk-space":            "what kubelets answer",
		"expiring-certificates": "the certificates that servers present",
	}
}

// nodeLeases is the namespace that the kit leaves out unless it is asked for, and clockCheck is the check that reads it.
const nodeLeases, clockCheck = "kube-node-lease", "clock-skew"

// The same stuck cluster, from the API server and from its support bundles.
func TestASupportBundleSaysWhatTheAPIServerSays(t *testing.T) {
	cluster := gatetest.Start(t, stuck, gate.ClusterOptions{})
	if err := supportbundle.Furnish(t.Context(), cluster.Config); err != nil {
		t.Fatal(err)
	}
	authority, err := cluster.KubeletCA(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	live := judged(t, cluster, "--kubelet-ca="+authority)
	everything := collected(t, cluster, supportbundle.Options{ExtraNamespaces: namespaces(t, cluster)})

	t.Run("as a folder", func(t *testing.T) {
		example, err := gate.Example(stuck)
		if err != nil {
			t.Fatal(err)
		}
		folder := judged(t, cluster, "--from="+export(t, cluster, example), "--assume-complete")
		for i, check := range folder.Checks {
			if diff := cmp.Diff(live.Checks[i].said(), check.said()); diff != "" {
				t.Errorf("%s (-API server +folder):\n%s", check.Name, diff)
			}
		}
	})

	t.Run("as an archive and unpacked, except for what bundles lack", func(t *testing.T) {
		archive, unpacked := everything.archive(t), everything.unpacked(t)
		fromArchive := judged(t, cluster, "--from="+archive)
		if diff := cmp.Diff(fromArchive.Checks, judged(t, cluster, "--from="+unpacked).Checks); diff != "" {
			t.Errorf("the archive and the unpacked bundle say different things (-archive +unpacked):\n%s", diff)
		}
		if fromArchive.Verdict != live.Verdict || fromArchive.Target != live.Target {
			t.Errorf("the bundle says %s for %s, the API server %s for %s", fromArchive.Verdict, fromArchive.Target, live.Verdict, live.Target)
		}
		want := map[string]string{"nodes/stats": "Unread", "nodes/configz": "Unread", "certificates": "Unread", "secrets": "NotGranted"}
		if diff := cmp.Diff(want, fromArchive.missing()); diff != "" {
			t.Errorf("evidence that the bundle lacks (-want +got):\n%s", diff)
		}
		lacks := beyondBundles()
		for i, check := range fromArchive.Checks {
			if lack := lacks[check.Name]; lack != "" {
				unknownBecause(t, check, lack)
				continue
			}
			if diff := cmp.Diff(live.Checks[i].said(), check.said()); diff != "" {
				t.Errorf("%s (-API server +bundle):\n%s", check.Name, diff)
			}
		}
	})

	t.Run("without the namespaces of users", func(t *testing.T) {
		archive := collected(t, cluster, supportbundle.Options{}).archive(t)
		said := judged(t, cluster, "--from="+archive)
		if said.Verdict != "Blocked" {
			t.Errorf("%s, want Blocked for what is in Harvester's own namespaces", said.Verdict)
		}
		for _, name := range []string{"unmigratable-vms", "residual-vmis", "stale-hotplug"} {
			unknownBecause(t, said.check(t, name), "did not collect the namespaces billing, ")
		}
		unknownBecause(t, said.check(t, clockCheck), nodeLeases)
		neverBetter(t, live, said)
	})

	t.Run("with lists that failed", func(t *testing.T) {
		failed := supportbundle.Faults{Lists: []supportbundle.ListFault{
			{Group: "longhorn.io", Resource: "engines", Error: "etcdserver: request timed out"}, {Resource: "nodes"},
		}}
		options := supportbundle.Options{ExtraNamespaces: namespaces(t, cluster), Faults: failed}
		archive := collected(t, cluster, options).archive(t)
		said := judged(t, cluster, "--from="+archive)
		unknownBecause(t, said.check(t, "orphaned-engines"), "etcdserver: request timed out")
		unknownBecause(t, said.check(t, "nodes-unready"), "the server is currently unable to handle the request")
		neverBetter(t, live, said)
	})

	t.Run("with versions that have moved", func(t *testing.T) {
		options := supportbundle.Options{ExtraNamespaces: namespaces(t, cluster), Versions: map[string]string{"cluster.x-k8s.io": "v1beta2"}}
		archive := collected(t, cluster, options).archive(t)
		said := judged(t, cluster, "--from="+archive)
		if diff := cmp.Diff(live.check(t, "machines-mismatched").said(), said.check(t, "machines-mismatched").said()); diff != "" {
			t.Errorf("machines of another version (-API server +bundle):\n%s", diff)
		}
	})
}

// A bundle that broke off, or in which there is not one list, is an error, and no verdict.
func TestABundleWithoutListsIsAnError(t *testing.T) {
	binary := product(t)
	for name, faults := range map[string]supportbundle.Faults{
		"broken off": {Truncated: true}, "discovery failed": {Discovery: "no route to host"},
	} {
		t.Run(name, func(t *testing.T) {
			archive := ofExample(t, healthy, supportbundle.Options{Faults: faults}).archive(t)
			out, stderr, code := run(t, binary, nil, "check", "--from="+archive)
			if code != 1 || out != "" {
				t.Errorf("exit code %d and the output %q, want 1 and none", code, out)
			}
			if lines := strings.Count(stderr, "\n"); lines != 1 || !strings.Contains(stderr, filepath.Base(archive)) {
				t.Errorf("%q, want one line that names the file", stderr)
			}
		})
	}
}

// Whatever a bundle lacks: nothing that fails in a cluster passes in a bundle of it.
func TestNothingThatFailsInAClusterPassesInItsBundle(t *testing.T) {
	binary := product(t)
	for _, example := range examples(t) {
		t.Run(example, func(t *testing.T) {
			folder, err := gate.Example(example)
			if err != nil {
				t.Fatal(err)
			}
			held, err := load.Read(folder)
			if err != nil {
				t.Fatal(err)
			}
			whole, api := report(t, binary, nil, "--from="+folder, "--assume-complete"), supportbundle.FromObjects(exampleVersion, held)
			for name, options := range poorer(held) {
				t.Run(name, func(t *testing.T) {
					neverBetter(t, whole, report(t, binary, nil, "--from="+collectedFrom(t, api, options).archive(t)))
				})
			}
		})
	}
}

// poorer are bundles of a cluster, of which every one but the first lacks something that it could hold.
func poorer(held []*unstructured.Unstructured) map[string]supportbundle.Options {
	var all []string
	groups := map[string]bool{}
	for _, object := range held {
		if object.GetNamespace() != "" {
			all = append(all, object.GetNamespace())
		}
		groups[object.GroupVersionKind().Group] = true
	}
	bundles := map[string]supportbundle.Options{
		"with everything":                  {ExtraNamespaces: all},
		"without the namespaces of users":  {},
		"without the namespace of volumes": {ExtraNamespaces: all, WithoutNamespaces: []string{"longhorn-system"}},
		"where it failed for the cluster": {ExtraNamespaces: all, Faults: supportbundle.Faults{
			Discovery: "no route to host", DiscoveryOf: []string{supportbundle.ClusterCollector},
		}},
		"where it failed for volumes": {ExtraNamespaces: all, Faults: supportbundle.Faults{
			Discovery: "no route to host", DiscoveryOf: []string{"longhorn-system"},
		}},
	}
	for group := range groups {
		bundles[fmt.Sprintf("where lists of the group %q failed", group)] = supportbundle.Options{
			ExtraNamespaces: all, Faults: supportbundle.Faults{Lists: []supportbundle.ListFault{{Group: group}}},
		}
	}
	return bundles
}

// neverBetter demands that what failed has not passed, and that it was not skipped either.
func neverBetter(t *testing.T, cluster, bundle reading) {
	t.Helper()
	for i, check := range bundle.Checks {
		if failed := cluster.Checks[i]; failed.Outcome == "Failed" && (check.Outcome == "Passed" || check.Outcome == "Skipped") {
			t.Errorf("%s is %s (%s), and fails in the cluster:\n%+v", check.Name, check.Outcome, check.Because, failed.Findings)
		}
	}
	if cluster.Verdict == "Blocked" && bundle.Verdict == "Ready" {
		t.Errorf("the bundle of a blocked cluster is ready")
	}
}

func unknownBecause(t *testing.T, check checkResult, because string) {
	t.Helper()
	if check.Outcome == "Passed" || check.Outcome == "Skipped" || !strings.Contains(check.Because, because) {
		t.Errorf("%s is %s because of %q, want it not to pass because of %q", check.Name, check.Outcome, check.Because, because)
	}
}
