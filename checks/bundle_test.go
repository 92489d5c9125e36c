package checks_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// ofBundle judges a support bundle of an example cluster, with its objects changed, for an upgrade to v1.4.2.
func ofBundle(t *testing.T, example string, change func(*clustertest.Bundle)) []checks.Result {
	t.Helper()
	objects, err := clustertest.RawFolder(os.DirFS("../examples/clusters/" + example))
	if err != nil {
		t.Fatal(err)
	}
	bundle := clustertest.Bundle{Objects: objects}
	change(&bundle)
	files := fstest.MapFS{}
	for name, content := range bundle.Files() {
		files[name] = &fstest.MapFile{Data: content}
	}
	source, err := cluster.ReadSupportBundle(files, clustertest.BundleTop+".zip")
	if err != nil {
		t.Fatal(err)
	}
	input := checks.Input{Snapshot: cluster.Load(context.Background(), source, source.CollectedAt()), Request: inputRequest(), Settings: checks.DefaultSettings()}
	return checks.Run(context.Background(), checks.All(), input)
}

// ordinary leaves out of a bundle what the kit does not collect by itself.
func ordinary(bundle *clustertest.Bundle) {
	collected := []string{
		"default", "kube-system", "cattle-system", "cattle-dashboards", "cattle-fleet-local-system", "cattle-fleet-system", "cattle-fleet-clusters-system",
		"cattle-monitoring-system", "fleet-local", "harvester-system", "local", "longhorn-system", "cattle-logging-system", "cattle-provisioning-capi-system",
	}
	for _, object := range bundle.Objects {
		if namespace := (&unstructured.Unstructured{Object: object}).GetNamespace(); namespace != "" && !slices.Contains(collected, namespace) {
			bundle.LeftOut = append(bundle.LeftOut, namespace)
		}
	}
}

func named(results []checks.Result, outcome checks.Outcome) []string {
	var names []string
	for _, result := range results {
		if result.Outcome == outcome {
			names = append(names, result.Check.Name)
		}
	}
	slices.Sort(names)
	return names
}

// The page on support bundles names, below a heading of its own each, the checks that no bundle can judge, and those that an ordinary one cannot.
func TestThePageOnSupportBundlesNamesTheChecksThatOneCannotJudge(t *testing.T) {
	page, err := os.ReadFile("../docs/support-bundles.md")
	if err != nil {
		t.Fatal(err)
	}
	whole := named(ofBundle(t, "healthy", func(b *clustertest.Bundle) { b.Extra = []string{"kube-node-lease"} }), checks.Unknown)
	never, lacking := listedBelow(string(page), "## What no bundle holds"), listedBelow(string(page), "## What an ordinary bundle lacks")
	if diff := cmp.Diff(whole, never); diff != "" {
		t.Errorf("checks that no bundle can judge (-judged +page):\n%s", diff)
	}
	poor := slices.DeleteFunc(named(ofBundle(t, "healthy", ordinary), checks.Unknown), func(name string) bool { return slices.Contains(whole, name) })
	if diff := cmp.Diff(poor, lacking); diff != "" {
		t.Errorf("checks that a bundle without the namespaces of users cannot judge (-judged +page):\n%s", diff)
	}
}

// listedBelow returns the names of checks in the table below a heading, sorted.
func listedBelow(page, heading string) []string {
	_, section, _ := strings.Cut(page, heading)
	section, _, _ = strings.Cut(section, "\n## ")
	var names []string
	for row := range strings.SplitSeq(section, "\n") {
		if !strings.HasPrefix(row, "|") {
			continue
		}
		for _, link := range regexp.MustCompile(`\[([a-z-]+)\]\(checks\.md#([a-z-]+)\)`).FindAllStringSubmatch(row, -1) {
			if link[1] == link[2] {
				names = append(names, link[1])
			}
		}
	}
	slices.Sort(names)
	return names
}

func TestWhatABundleWithoutTheNamespacesOfUsersTells(t *testing.T) {
	const volume = "pvc-73cb2d0e-be16-4102-a210-2c4c64a866d2"
	var migrating unstructured.Unstructured
	thirdEngine := func(bundle *clustertest.Bundle) {
		for _, object := range bundle.Objects {
			if engine := (unstructured.Unstructured{Object: object}); engine.GetKind() == "Engine" && engine.GetName() == volume+"-e-1" {
				migrating = *engine.DeepCopy()
				migrating.SetName(volume + "-e-2")
			}
		}
		bundle.Objects = append(bundle.Objects, migrating.Object)
	}
	for name, test := range map[string]struct {
		example, check string
		change         func(*clustertest.Bundle)
		outcome        checks.Outcome
		says           string
	}{
		"a volume between two nodes is told, and that a migration may explain it": {"storage", "multi-engine-volumes", ordinary, checks.Unknown,
			volume + "-e-0 on node-1 (active) and " + volume + "-e-1 on node-3; has 2 Kubernetes attachments, to node-1 and node-3; has 2 csi attachment tickets, for node-1 and node-3; " +
				`is marked as migrating to node-3 (spec.migrationNodeID "node-3", status.currentMigrationNodeID "node-3", volume attached); ` +
				"whether a migration runs is not known, for the VMs of namespace archive were not collected"},
		"three engines are no migration": {"storage", "multi-engine-volumes", func(b *clustertest.Bundle) { thirdEngine(b); ordinary(b) }, checks.Failed,
			"has 3 engines, " + volume + "-e-0 on node-1 (active) and " + volume + "-e-1 on node-3 and " + volume + "-e-2 on node-3, which no migration explains"},
		"a webhook whose service is not there": {"platform", "dead-webhooks", ordinary, checks.Unknown,
			"ValidatingWebhookConfiguration image-policy: service image-policy/image-policy behind its webhook images.policy.shop.example is in a namespace that was not collected"},
		"volumes of which nothing is out of the way pass": {"healthy", "multi-engine-volumes", ordinary, checks.Passed, ""},
		"so do attachments":                  {"healthy", "stale-attachments", ordinary, checks.Passed, ""},
		"and engines where they are to run":  {"healthy", "orphaned-engines", ordinary, checks.Passed, ""},
		"and webhooks of the platform alone": {"healthy", "dead-webhooks", ordinary, checks.Passed, ""},
		"and the pods of KubeVirt":           {"healthy", "kubevirt-unready", ordinary, checks.Passed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, result := range ofBundle(t, test.example, test.change) {
				if result.Check.Name != test.check {
					continue
				}
				said := result.Because
				for _, f := range result.Findings {
					said += f.Message
				}
				if result.Outcome != test.outcome || !strings.Contains(said, test.says) {
					t.Errorf("got %s: %s\nwant %s: %s", result.Outcome, said, test.outcome, test.says)
				}
			}
		})
	}
}
