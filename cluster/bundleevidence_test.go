package cluster_test

import (
	"slices"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

func TestWhatABundleIsEvidenceOf(t *testing.T) {
	const noLog = "the bundle has no bundleGenerationError.log, so that it cannot be told whether there were none"
	userNamespaces := []string{"shop", "billing"}
	objects := sparse(t)
	pods := "yamls/namespaced/kube-system/v1/pods.yaml"
	for name, test := range map[string]struct {
		bundle  clustertest.Bundle
		changed map[string]string
		without []string
		kind    cluster.Kind
		state   cluster.ReadState
		because string
	}{
		"namespaces that were not collected leave a kind of any namespace partial": {
			bundle: clustertest.Bundle{LeftOut: userNamespaces}, kind: cluster.VMIs, state: cluster.Partial,
			because: "the bundle did not collect the namespaces billing and shop, of 21"},
		"a kind that lives in one namespace needs no other": {
			bundle: clustertest.Bundle{LeftOut: userNamespaces}, kind: cluster.Volumes, state: cluster.Read},
		"a kind whose only namespace was not collected is unread": {
			bundle: clustertest.Bundle{LeftOut: []string{"longhorn-system"}}, kind: cluster.Volumes, state: cluster.Unread,
			because: "the bundle did not collect the namespace longhorn-system, where they live"},
		"so is one of which only one namespace is read": {
			kind: cluster.NodeLeases, state: cluster.Unread, because: "the bundle did not collect the namespace kube-node-lease, where they live"},
		"a namespace that holds nothing but machine plans was not collected": {
			bundle:  clustertest.Bundle{LeftOut: []string{"fleet-local"}},
			changed: map[string]string{"yamls/namespaced/fleet-local/v1/secrets.yaml": "apiVersion: v1\nitems: []\nkind: List\n"},
			kind:    cluster.Machines, state: cluster.Unread, because: "the bundle did not collect the namespace fleet-local, where they live"},
		"of many namespaces those of users are named, and the platform's counted": {
			bundle: clustertest.Bundle{LeftOut: []string{"shop", "billing", "cattle-system", "cattle-monitoring-system"}}, kind: cluster.VMIs, state: cluster.Partial,
			because: "the bundle did not collect the namespaces billing, shop and 2 more, of 21"},
		"a single one of the platform's is named after those of users": {
			bundle: clustertest.Bundle{LeftOut: []string{"shop", "cattle-system"}}, kind: cluster.VMIs, state: cluster.Partial,
			because: "the bundle did not collect the namespaces shop and cattle-system, of 21"},
		"where none is a user's, the platform's are named": {
			bundle: clustertest.Bundle{LeftOut: []string{"cattle-system", "cattle-fleet-system", "cattle-monitoring-system", "kube-system", "longhorn-system"}}, kind: cluster.VMIs, state: cluster.Partial,
			because: "the bundle did not collect the namespaces cattle-fleet-system, cattle-monitoring-system, cattle-system and 2 more, of 21"},
		"without a list of namespaces nobody can tell": {
			without: []string{"yamls/cluster/v1/namespaces.yaml"}, kind: cluster.VMIs, state: cluster.Partial,
			because: "which namespaces were not collected is not known: the bundle holds no list of namespaces"},
		"a home was collected even if namespaces are not listed": {
			without: []string{"yamls/cluster/v1/namespaces.yaml"}, kind: cluster.Volumes, state: cluster.Read},

		"a list that failed leaves the kind partial": {
			bundle: clustertest.Bundle{Errors: "Failed to get /api/v1/namespaces/kube-system/pods: the server is busy\n"}, kind: cluster.Pods, state: cluster.Partial,
			because: "in namespace kube-system the kit could not list them: the server is busy"},
		"or unread where it is the only one": {
			bundle: clustertest.Bundle{Errors: "Failed to get /apis/longhorn.io/v1beta2/namespaces/longhorn-system/volumes: etcdserver: request timed out\n"}, kind: cluster.Volumes, state: cluster.Unread,
			because: "in namespace longhorn-system the kit could not list them: etcdserver: request timed out"},
		"a list of the cluster that failed is unread": {
			bundle: clustertest.Bundle{Errors: "Failed to get /api/v1/nodes: forbidden\n"}, kind: cluster.Nodes, state: cluster.Unread, because: "the kit could not list them: forbidden"},
		"a file that could not be written is not trusted": {
			bundle: clustertest.Bundle{Errors: "Support Bundle: failed to generate /tmp/support-bundle-kit/bundle/yamls/cluster/storage.k8s.io/v1/volumeattachments.yaml: no space left on device\n"},
			kind:   cluster.VolumeAttachments, state: cluster.Unread, because: "the kit could not list them: its file could not be written: no space left on device"},
		"a list of another kind that failed does not matter": {
			bundle: clustertest.Bundle{Errors: "Failed to get /api/v1/namespaces/longhorn-system/pods: no\nSupport bundle: cannot get log for pod x\n"}, kind: cluster.Volumes, state: cluster.Read},
		"without discovery a kind without a file is unread": {
			bundle: clustertest.Bundle{Errors: "Unable to fetch namespaced resources: metrics.k8s.io/v1beta1: stale\n"}, kind: cluster.VMRestores, state: cluster.Unread,
			because: "the kit could not find out which kinds there are: metrics.k8s.io/v1beta1: stale"},
		"and so it is in the cluster's scope": {
			bundle: clustertest.Bundle{Errors: "Unable to fetch cluster resources: stale\n"}, kind: cluster.MutatingWebhooks, state: cluster.Read},
		"without a log a kind without a file is unread": {
			without: []string{"bundleGenerationError.log", "yamls/cluster/storage.k8s.io/v1/volumeattachments.yaml"}, kind: cluster.VolumeAttachments, state: cluster.Unread, because: noLog},
		"without a log a kind of one namespace with a file is read": {without: []string{"bundleGenerationError.log"}, kind: cluster.Volumes, state: cluster.Read},

		"a kind without a file that its definition knows is empty": {kind: cluster.VMRestores, state: cluster.Read},
		"a kind of Kubernetes without a file is empty": {
			without: []string{"yamls/cluster/storage.k8s.io/v1/volumeattachments.yaml"}, kind: cluster.VolumeAttachments, state: cluster.Read},
		"a kind without a definition is missing": {
			changed: map[string]string{"yamls/cluster/apiextensions.k8s.io/v1/customresourcedefinitions.yaml": list("apiextensions.k8s.io/v1", "CustomResourceDefinition", "a.example.com")},
			kind:    cluster.VMRestores, state: cluster.Unread, because: "its CRD is missing"},
		"an optional kind without a definition is not installed": {
			changed: map[string]string{"yamls/cluster/apiextensions.k8s.io/v1/customresourcedefinitions.yaml": list("apiextensions.k8s.io/v1", "CustomResourceDefinition", "a.example.com")},
			kind:    cluster.UpgradePlans, state: cluster.NotInstalled, because: "the upgrade manager add-on is not installed"},
		"without definitions nobody can tell whether a kind is there": {
			without: []string{"yamls/cluster/apiextensions.k8s.io/v1/customresourcedefinitions.yaml"}, kind: cluster.UpgradePlans, state: cluster.Unread,
			because: "the bundle holds none, and whether the kind is installed is not known: the bundle holds no list of definitions"},
		"no cluster is without nodes": {
			without: []string{"yamls/cluster/v1/nodes.yaml"}, kind: cluster.Nodes, state: cluster.Unread, because: "the bundle holds none, and every cluster has some"},

		"a file that is no list is told with its line": {
			changed: map[string]string{pods: "apiVersion: v1\nitems:\n- metadata:\n    name: a\n    namespace: kube-system\n- metadata:\n    name: [\nkind: List\n"}, kind: cluster.Pods, state: cluster.Partial,
			because: "in namespace kube-system " + pods + ": line 6: yaml: line 2: did not find expected node content"},
		"a list that breaks off": {
			changed: map[string]string{"yamls/cluster/v1/nodes.yaml": "apiVersion: v1\nitems:\n- metadata:\n    name: a\n"}, kind: cluster.Nodes, state: cluster.Unread,
			because: "yamls/cluster/v1/nodes.yaml: line 5: the list breaks off: its kind is missing"},
		"an object of another namespace": {
			changed: map[string]string{"yamls/cluster/v1/nodes.yaml": list("v1", "Pod", "a")}, kind: cluster.Nodes, state: cluster.Unread,
			because: `yamls/cluster/v1/nodes.yaml: line 3: a Pod, and the list is one of nodes`},
		"a field of another type": {
			changed: map[string]string{"yamls/cluster/v1/nodes.yaml": "apiVersion: v1\nitems:\n- metadata:\n    name: a\n  spec:\n    unschedulable: maybe\nkind: List\n"}, kind: cluster.Nodes, state: cluster.Unread,
			because: `yamls/cluster/v1/nodes.yaml: line 3: decode the Node: json: cannot unmarshal string into Go struct field NodeSpec.spec.unschedulable of type bool`},
	} {
		t.Run(name, func(t *testing.T) {
			test.bundle.Objects = objects
			snapshot := loadBundle(t, pack(test.bundle, test.changed, test.without...))
			got := snapshot.Evidence(test.kind)
			if got.State != test.state || got.Because != test.because {
				t.Errorf("%s is %s, want %s; because\n%s\nwant\n%s", test.kind, got.State, test.state, got.Because, test.because)
			}
		})
	}
}

func TestOfAKindThatABundleHoldsInPartItIsKnownWhere(t *testing.T) {
	objects := sparse(t)
	for name, test := range map[string]struct {
		bundle  clustertest.Bundle
		without []string
		kind    cluster.Kind
		unknown []string
	}{
		"of a kind that was read every namespace": {kind: cluster.VMIs},
		"not of those that were not collected, nor of the reserved ones, but of one that does not exist": {
			bundle: clustertest.Bundle{LeftOut: []string{"shop"}}, kind: cluster.VMIs, unknown: []string{"shop", "kube-node-lease", "kube-public"}},
		"not of one where the list failed": {
			bundle: clustertest.Bundle{Errors: "Failed to get /api/v1/namespaces/billing/pods: the server is busy\n"}, kind: cluster.Pods,
			unknown: []string{"billing", "kube-node-lease", "kube-public"}},
		"of none where they were not listed": {
			without: []string{"yamls/cluster/v1/namespaces.yaml"}, kind: cluster.VMIs,
			unknown: []string{"billing", "default", "gone", "kube-node-lease", "kube-public", "shop"}},
		"of none of a kind that is unread": {
			bundle: clustertest.Bundle{LeftOut: []string{"longhorn-system"}}, kind: cluster.Volumes,
			unknown: []string{"billing", "default", "gone", "kube-node-lease", "kube-public", "shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.bundle.Objects = objects
			snapshot := loadBundle(t, pack(test.bundle, nil, test.without...))
			for _, namespace := range []string{"billing", "default", "gone", "kube-node-lease", "kube-public", "shop"} {
				if want := !slices.Contains(test.unknown, namespace); snapshot.Knows(test.kind, namespace) != want {
					t.Errorf("that %s of %s are known is %t, want %t", test.kind, namespace, !want, want)
				}
			}
		})
	}
}

// list is a list of objects that have nothing but names.
func list(apiVersion, kind string, names ...string) string {
	text := "apiVersion: v1\nitems:\n"
	for _, name := range names {
		text += "- apiVersion: " + apiVersion + "\n  kind: " + kind + "\n  metadata:\n    name: " + name + "\n"
	}
	return text + "kind: List\n"
}
