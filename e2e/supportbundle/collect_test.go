package supportbundle_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/e2e/load"
	"github.com/upgrade-gate/upgrade-gate/e2e/supportbundle"
)

// small is a cluster with one object for every rule of what a bundle holds.
const small = `
{apiVersion: v1, kind: Namespace, metadata: {name: harvester-system, uid: 6f1d0a52-0c4b-4f0e-9b57-2f6f8f0b6a11}}
---
{apiVersion: v1, kind: Node, metadata: {name: node-1, labels: {harvesterhci.io/managed: "true"}}, status: {conditions: [{type: Ready, status: "True"}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: node-2, labels: {harvesterhci.io/managed: "true"}}, status: {conditions: [{type: Ready, status: "Unknown"}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: node-3}, status: {conditions: [{type: Ready, status: "True"}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: etcd, namespace: kube-system}, spec: {initContainers: [{name: wait}], containers: [{name: etcd}]},
 status: {containerStatuses: [{name: etcd, restartCount: 2}]}}
---
{apiVersion: v1, kind: Secret, metadata: {name: password, namespace: default}, type: Opaque, data: {password: aHVudGVyMg==}}
---
{apiVersion: v1, kind: Secret, metadata: {name: fleet-token, namespace: fleet-local}, type: Opaque, data: {token: aHVudGVyMg==}}
---
{apiVersion: v1, kind: Secret, metadata: {name: node-1-plan, namespace: fleet-local}, type: rke.cattle.io/machine-plan, data: {plan: aHVudGVyMg==, applied-checksum: YQ==}}
---
{apiVersion: harvesterhci.io/v1beta1, kind: Setting, metadata: {name: server-version}, value: v1.4.1}
---
{apiVersion: harvesterhci.io/v1beta1, kind: Setting, metadata: {name: ssl-certificates}, value: aHVudGVyMg==}
---
{apiVersion: management.cattle.io/v3, kind: User, metadata: {name: u-1}, password: aHVudGVyMg==}
---
{apiVersion: management.cattle.io/v3, kind: ManagedChart, metadata: {name: harvester, namespace: fleet-local}}
---
{apiVersion: longhorn.io/v1beta2, kind: Volume, metadata: {name: pvc-1, namespace: longhorn-system}, spec: {size: "1073741824"}}
---
{apiVersion: cluster.x-k8s.io/v1beta1, kind: Machine, metadata: {name: node-1, namespace: fleet-local}}
---
{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: cart-1, namespace: shop}}
`

func created() time.Time { return time.Date(2026, 8, 7, 12, 11, 12, 0, time.FixedZone("CEST", 7200)) }

func collect(t *testing.T, options supportbundle.Options) *supportbundle.Bundle {
	t.Helper()
	held, err := load.Decode([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if options.Created.IsZero() {
		options.Created = created()
	}
	bundle, err := supportbundle.Collect(t.Context(), supportbundle.FromObjects("v1.30.7+rke2r1", held), options)
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

// files are the paths of a bundle's files, sorted, without those that it has for every namespace.
func files(bundle *supportbundle.Bundle) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(bundle.Files())), func(file string) bool {
		return strings.HasSuffix(file, "/v1/configmaps.yaml") || strings.HasSuffix(file, "/v1/serviceaccounts.yaml")
	})
}

// log is bundleGenerationError.log, without what every bundle says of resources that can be created but not listed.
func log(bundle *supportbundle.Bundle) []string {
	lines := strings.Split(strings.TrimSuffix(string(bundle.Files()["bundleGenerationError.log"]), "\n"), "\n")
	return slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasSuffix(line, ": the server does not allow this method on the requested resource")
	})
}

func TestWhatABundleHolds(t *testing.T) {
	bundle := collect(t, supportbundle.Options{})
	want := []string{
		"bundleGenerationError.log",
		"logs/kube-system/etcd/etcd.log",
		"logs/kube-system/etcd/etcd.log.1",
		"metadata.yaml",
		"nodes/node-1.zip",
		"yamls/cluster/apiextensions.k8s.io/v1/customresourcedefinitions.yaml",
		"yamls/cluster/apiregistration.k8s.io/v1/apiservices.yaml",
		"yamls/cluster/harvesterhci.io/v1beta1/settings.yaml",
		"yamls/cluster/v1/namespaces.yaml",
		"yamls/cluster/v1/nodes.yaml",
		"yamls/namespaced/fleet-local/cluster.x-k8s.io/v1beta1/machines.yaml",
		"yamls/namespaced/fleet-local/management.cattle.io/v3/managedcharts.yaml",
		"yamls/namespaced/fleet-local/v1/secrets.yaml",
		"yamls/namespaced/kube-system/v1/pods.yaml",
		"yamls/namespaced/longhorn-system/longhorn.io/v1beta2/volumes.yaml",
	}
	if diff := cmp.Diff(want, files(bundle)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for file, content := range bundle.Files() {
		if strings.Contains(string(content), "aHVudGVyMg==") {
			t.Errorf("%s holds a secret:\n%s", file, content)
		}
	}
	if want := "supportbundle_6f1d0a52-0c4b-4f0e-9b57-2f6f8f0b6a11_2026-08-07T10-11-12Z"; bundle.Name != want {
		t.Errorf("the bundle is called %s, want %s", bundle.Name, want)
	}
}

func TestTheMetadata(t *testing.T) {
	bundle := collect(t, supportbundle.Options{Description: "upgrade hangs", Label: "lab"})
	want := `bundlename: bundle-x7k2p
bundleversion: 0.1.0
kubernetesversion: v1.30.7+rke2r1
projectnamespaceuuid: 6f1d0a52-0c4b-4f0e-9b57-2f6f8f0b6a11
bundlecreatedat: "2026-08-07T10:11:12Z"
issueurl: ""
issuedescription: upgrade hangs
`
	if diff := cmp.Diff(want, string(bundle.Files()["metadata.yaml"])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "supportbundle_lab_2026-08-07T10-11-12Z"; bundle.Name != want {
		t.Errorf("the bundle is called %s, want %s", bundle.Name, want)
	}
}

// A namespace that nothing is in has a folder all the same, so that it can be told from one that was not collected.
func TestEveryNamespaceThatIsCollectedHasAFolder(t *testing.T) {
	bundle := collect(t, supportbundle.Options{})
	for _, list := range []string{"configmaps", "serviceaccounts"} {
		if file := "yamls/namespaced/harvester-system/v1/" + list + ".yaml"; bundle.Files()[file] == nil {
			t.Errorf("no %s", file)
		}
	}
}

// What goes wrong, what the log says of it, and which files are missing or there besides.
func TestWhatGoesWrong(t *testing.T) {
	const (
		charts   = "yamls/namespaced/fleet-local/management.cattle.io/v3/managedcharts.yaml"
		machines = "yamls/namespaced/fleet-local/cluster.x-k8s.io/v1beta1/machines.yaml"
		moved    = "yamls/namespaced/fleet-local/cluster.x-k8s.io/v1beta2/machines.yaml"
		nodes    = "yamls/cluster/v1/nodes.yaml"
		pods     = "yamls/namespaced/kube-system/v1/pods.yaml"
		secrets  = "yamls/namespaced/fleet-local/v1/secrets.yaml"
		settings = "yamls/cluster/harvesterhci.io/v1beta1/settings.yaml"
		spaces   = "yamls/cluster/v1/namespaces.yaml"
		volumes  = "yamls/namespaced/longhorn-system/longhorn.io/v1beta2/volumes.yaml"
		vms      = "yamls/namespaced/shop/kubevirt.io/v1/virtualmachines.yaml"
		etcd     = "logs/kube-system/etcd/etcd.log"
		crds     = "yamls/cluster/apiextensions.k8s.io/v1/customresourcedefinitions.yaml"
		services = "yamls/cluster/apiregistration.k8s.io/v1/apiservices.yaml"
	)
	lists := func(faults ...supportbundle.ListFault) supportbundle.Options {
		return supportbundle.Options{Faults: supportbundle.Faults{Lists: faults}}
	}
	discovery := func(of ...string) supportbundle.Options {
		return supportbundle.Options{Faults: supportbundle.Faults{Discovery: "no route to host", DiscoveryOf: of}}
	}
	for _, test := range []struct {
		name                 string
		options              supportbundle.Options
		log, missing, beside []string
	}{
		{"a namespace that the user asked for is there", supportbundle.Options{ExtraNamespaces: []string{"shop", "default"}}, nil, nil, []string{vms}},
		{"a namespace that is left out is not", supportbundle.Options{WithoutNamespaces: []string{"longhorn-system"}}, nil, []string{volumes}, nil},
		{"a version that has moved", supportbundle.Options{Versions: map[string]string{"cluster.x-k8s.io": "v1beta2"}}, nil, []string{machines}, []string{moved}},
		{
			"a list that fails in one namespace",
			lists(supportbundle.ListFault{Group: "longhorn.io", Resource: "volumes", Namespace: "longhorn-system"}),
			[]string{"Failed to get /apis/longhorn.io/v1beta2/namespaces/longhorn-system/volumes: the server is currently unable to handle the request"},
			[]string{volumes}, nil,
		},
		{
			"a cluster-scoped list that is forbidden",
			lists(supportbundle.ListFault{Resource: "nodes", Error: "nodes is forbidden"}),
			[]string{"Failed to get /api/v1/nodes: nodes is forbidden"}, []string{nodes}, nil,
		},
		{
			"pods that cannot be listed leave no logs",
			lists(supportbundle.ListFault{Resource: "pods", Namespace: "kube-system", Error: "timed out"}),
			[]string{"Failed to get /api/v1/namespaces/kube-system/pods: timed out", "Support bundle: cannot get pod list: timed out"},
			[]string{pods, etcd, etcd + ".1"}, nil,
		},
		{"discovery fails for the cluster", discovery(supportbundle.ClusterCollector),
			[]string{"Unable to fetch cluster resources: no route to host"}, []string{crds, services, nodes, spaces}, nil},
		{"discovery fails for one namespace", discovery("longhorn-system"),
			[]string{"Unable to fetch namespaced resources: no route to host"}, []string{volumes}, nil},
		{"discovery fails for the harvester collector", discovery(supportbundle.HarvesterCollector),
			[]string{"Unable to fetch namespaced resources: no route to host"}, []string{secrets, settings}, nil},
		{"discovery fails every time", discovery(), slices.Concat(
			[]string{"Unable to fetch namespaced resources: no route to host", "Unable to fetch cluster resources: no route to host"},
			slices.Repeat([]string{"Unable to fetch namespaced resources: no route to host"}, 14)),
			[]string{
				crds, services, settings, nodes, spaces, machines, charts, secrets, pods, volumes,
			}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			bundle, whole := collect(t, test.options), collect(t, supportbundle.Options{})
			if diff := cmp.Diff(strings.Join(test.log, "\n"), strings.Join(log(bundle), "\n")); diff != "" {
				t.Errorf("the log (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(slices.Sorted(slices.Values(test.missing)), beyond(whole, bundle), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("missing files (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(slices.Sorted(slices.Values(test.beside)), beyond(bundle, whole), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("files besides (-want +got):\n%s", diff)
			}
		})
	}
}

// beyond are the files of a bundle that another one lacks, sorted.
func beyond(bundle, other *supportbundle.Bundle) []string {
	return slices.DeleteFunc(files(bundle), func(file string) bool {
		_, both := other.Files()[file]
		return both
	})
}

// A real API server serves resources that can be created and not listed; the kit tries to, and every real bundle says so.
func TestEveryLogNamesWhatCannotBeListed(t *testing.T) {
	said := string(collect(t, supportbundle.Options{}).Files()["bundleGenerationError.log"])
	want := "Failed to get /apis/authentication.k8s.io/v1/tokenreviews: the server does not allow this method on the requested resource\n"
	if !strings.Contains(said, want) {
		t.Errorf("no %q in\n%s", want, said)
	}
}

func TestAMovedVersionStandsInTheItemsToo(t *testing.T) {
	bundle := collect(t, supportbundle.Options{Versions: map[string]string{"cluster.x-k8s.io": "v1beta2"}})
	text := string(bundle.Files()["yamls/namespaced/fleet-local/cluster.x-k8s.io/v1beta2/machines.yaml"])
	if !strings.Contains(text, "- apiVersion: cluster.x-k8s.io/v1beta2\n") {
		t.Errorf("another version in\n%s", text)
	}
}

func TestAnOptionWithoutAnEffectIsAnError(t *testing.T) {
	held, err := load.Decode([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		options supportbundle.Options
		names   string
	}{
		{"a list that nobody asks for", supportbundle.Options{Faults: supportbundle.Faults{Lists: []supportbundle.ListFault{{Resource: "volumes"}}}}, `"volumes"`},
		{"a namespace that nobody collects", supportbundle.Options{Faults: supportbundle.Faults{Lists: []supportbundle.ListFault{{Resource: "pods", Namespace: "shop"}}}}, `"shop"`},
		{"a discovery that nobody needs", supportbundle.Options{Faults: supportbundle.Faults{Discovery: "no", DiscoveryOf: []string{"shop"}}}, "shop"},
		{"a namespace that is not Harvester's", supportbundle.Options{WithoutNamespaces: []string{"shop"}}, "shop"},
		{"a group that is not served", supportbundle.Options{Versions: map[string]string{"x-k8s.io": "v1"}}, "x-k8s.io"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.options.Created = created()
			_, err := supportbundle.Collect(t.Context(), supportbundle.FromObjects("v1.30.7+rke2r1", held), test.options)
			if err == nil || !strings.Contains(err.Error(), test.names) {
				t.Errorf("got %v, want an error that names %s", err, test.names)
			}
		})
	}
}

// nobody is an API server of which nothing can be read.
type nobody struct{}

func (nobody) Resources(context.Context) ([]*metav1.APIResourceList, error) { return nil, nil }

func (nobody) Get(context.Context, string) ([]byte, error) {
	return nil, errors.New("connection refused")
}

func TestWithoutTheNamespaceOfHarvesterThereIsNoBundle(t *testing.T) {
	_, err := supportbundle.Collect(t.Context(), nobody{}, supportbundle.Options{Created: created()})
	if err == nil || !strings.Contains(err.Error(), "/api/v1/namespaces/harvester-system: connection refused") {
		t.Errorf("got %v, want an error that says what could not be read, and why", err)
	}
}

func TestTheTimeOfCreationIsDemanded(t *testing.T) {
	if _, err := supportbundle.Collect(t.Context(), nobody{}, supportbundle.Options{}); err == nil || !strings.Contains(err.Error(), "time") {
		t.Errorf("got %v, want an error for the missing time", err)
	}
}
