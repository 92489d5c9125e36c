package report

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// smallCluster is what the pages of the samples draw: two nodes, two VMs, and a volume with two engines and a replica on each node.
const smallCluster = `
apiVersion: v1
kind: Node
metadata: {name: node-1, labels: {harvesterhci.io/managed: "true", node-role.kubernetes.io/etcd: "true", node-role.kubernetes.io/control-plane: "true"}}
status: {conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: Node
metadata: {name: node-2, labels: {harvesterhci.io/managed: "true"}}
spec: {unschedulable: true}
status: {conditions: [{type: Ready, status: "True"}]}
---
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata: {name: web-2, namespace: shop}
spec: {domain: {devices: {}}, volumes: [{name: root, persistentVolumeClaim: {claimName: disk}}]}
status: {nodeName: node-2, phase: Running}
---
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata: {name: db-1, namespace: shop}
spec: {domain: {devices: {}}}
status: {nodeName: node-1, phase: Running}
---
apiVersion: longhorn.io/v1beta2
kind: Volume
metadata: {name: pvc-1, namespace: longhorn-system}
status: {state: attached, robustness: degraded, currentNodeID: node-2, kubernetesStatus: {namespace: shop, pvcName: disk}}
---
apiVersion: longhorn.io/v1beta2
kind: Engine
metadata: {name: pvc-1-e-0, namespace: longhorn-system, labels: {longhornvolume: pvc-1}}
spec: {active: true, nodeID: node-2}
---
apiVersion: longhorn.io/v1beta2
kind: Engine
metadata: {name: pvc-1-e-1, namespace: longhorn-system, labels: {longhornvolume: pvc-1}}
spec: {nodeID: node-1}
---
apiVersion: longhorn.io/v1beta2
kind: Replica
metadata: {name: pvc-1-r-1, namespace: longhorn-system, labels: {longhornvolume: pvc-1}}
spec: {nodeID: node-1}
status: {currentState: running}
---
apiVersion: longhorn.io/v1beta2
kind: Replica
metadata: {name: pvc-1-r-2, namespace: longhorn-system, labels: {longhornvolume: pvc-1}}
spec: {nodeID: node-2}
status: {currentState: error}
`

func snapshotOf(t testing.TB, objects string, options cluster.FolderOptions) *cluster.Snapshot {
	t.Helper()
	folder, err := cluster.ReadFS(fstest.MapFS{"cluster.yaml": {Data: []byte(objects)}}, "a sample", options)
	if err != nil {
		t.Fatal(err)
	}
	return cluster.Load(context.Background(), folder, now)
}

func volumeFinding(message, remedy string) checks.Finding {
	return checks.Finding{
		Object:  checks.Object{APIVersion: "longhorn.io/v1beta2", Kind: "Volume", Namespace: "longhorn-system", Name: "pvc-1"},
		Message: message, Remedy: remedy,
	}
}

// documented is a check with everything that a page shows of one.
func documented(name string) checks.Check {
	c := check(name, true)
	c.Why, c.Finds, c.Beyond = "The node stays in Pre-draining for ever.", "What is wrong with VMs", "What no API shows"
	c.Needs, c.Uses = []cluster.Kind{cluster.VMIs, cluster.Nodes}, []cluster.Kind{cluster.Secrets}
	c.Sources = []string{"harvester/harvester#7679", "kubevirt pkg/virt-handler"}
	return c
}

// stuckPage is a page that says something of every kind that a page can.
func stuckPage(t testing.TB) Input {
	t.Helper()
	results := []checks.Result{
		failed(documented("paused-vms"), pausedVM("web-2"), pausedVM("web-3")),
		failed(check("multi-engine-volumes", false), volumeFinding("volume pvc-1 of VM shop/web-2 has 2 engines, pvc-1-e-0 on node-2 and pvc-1-e-1 on node-1",
			"stop its VM: virtctl stop web-2 -n shop; delete what is not on the volume's node: kubectl -n longhorn-system delete engines.longhorn.io pvc-1-e-1; see paused-vms.")),
		failed(check("faulted-replicas", true), volumeFinding("volume pvc-1 of VM shop/web-2 has 1 broken replica: pvc-1-r-2 on node-2", "wait until it is healthy.")),
		leavingOut(failed(check("disk-space", true), checks.Finding{Object: node("node-2"), Rule: "image-gc-threshold", Severity: checks.Block,
			Message: "node node-2 would be 92.7% full", Remedy: "remove unused images: crictl rmi --prune on the node."}), "the COS_STATE partition of node-2"),
		{Check: documented("nodes-unready"), Outcome: checks.Unknown, Because: "nodes could not be read: no answer before the deadline"},
		{Check: check("in-flight-migrations", false), Outcome: checks.Unknown, Because: "VirtualMachineInstance shop/web-2: it reports no conditions",
			Gaps: []checks.Gap{{Object: vmi("web-2"), Because: "it reports no conditions"}}},
		{Check: check("upgrade-in-progress", false), Outcome: checks.Skipped, Because: "the upgrade manager add-on is not installed"},
		passed("orphaned-engines"),
	}
	annotations := map[string]string{"harvesterhci.io/skipGarbageCollectionThresholdCheck": "true"}
	return Input{Snapshot: snapshotOf(t, smallCluster, cluster.FolderOptions{AssumeComplete: true}), Request: checks.Request{Version: "v1.4.2"},
		Decision: policy.Default().Decide(results, annotations)}
}

func readyPage(t testing.TB) Input {
	t.Helper()
	return Input{Snapshot: snapshot(t), Request: checks.Request{Version: "v1.4.2"}, Decision: policy.Default().Decide([]checks.Result{passed("paused-vms")}, nil)}
}

// unreadPage is of a cluster of which nothing could be read.
func unreadPage(t testing.TB) Input {
	t.Helper()
	results := []checks.Result{{Check: documented("paused-vms"), Outcome: checks.Unknown, Because: "virtual machines could not be read: forbidden"}}
	return Input{Snapshot: snapshotOf(t, "apiVersion: harvesterhci.io/v1beta1\nkind: Setting\nmetadata: {name: server-version}\nvalue: v1.4.1\n", cluster.FolderOptions{}),
		Request: checks.Request{Image: "harvester-system/iso"}, Decision: policy.Default().Decide(results, nil)}
}

// examplePage is of one of the example clusters, judged by every check.
func examplePage(t testing.TB, name string) Input {
	t.Helper()
	folder, err := cluster.ReadFolder("../examples/clusters/"+name, cluster.FolderOptions{AssumeComplete: true})
	if err != nil {
		t.Fatal(err)
	}
	s, rules := cluster.Load(context.Background(), folder, now), policy.Default()
	request := checks.Request{Version: "v1.4.2"}
	results := checks.Run(context.Background(), checks.All(), checks.Input{Snapshot: s, Request: request, Settings: rules.Settings(nil)})
	return Input{Snapshot: s, Request: request, Decision: rules.Decide(results, nil)}
}

// attacks are what people would write into names and reasons to reach whoever reads the page.
func attacks() []string {
	return []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'</style></title></svg><script>`, "javascript:alert(1)", "]]>--><!--",
		"\u202Etxt.exe\u202C\u200F\u2066", "\x1b[31m\x00\u2028", strings.Repeat("very-long-name-", 34), "名前" + strings.Repeat("長", 100), "{{.Style}}", "x; rm -rf ~", "$(curl evil)",
	}
}

// hostilePage is of a cluster that holds the attacks wherever a text can stand.
func hostilePage(t testing.TB) Input {
	t.Helper()
	var objects strings.Builder
	var findings []checks.Finding
	for i, bad := range attacks() {
		fmt.Fprintf(&objects, "---\napiVersion: v1\nkind: Node\nmetadata: {name: %q}\n", fmt.Sprint(i, bad))
		fmt.Fprintf(&objects, "---\napiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\nmetadata: {name: %[1]q, namespace: %[1]q}\nstatus: {nodeName: %[2]q, phase: %[1]q}\n", bad, fmt.Sprint(i, bad))
		fmt.Fprintf(&objects, "---\napiVersion: longhorn.io/v1beta2\nkind: Replica\nmetadata: {name: %q, namespace: longhorn-system, labels: {longhornvolume: %q}}\nspec: {nodeID: %q}\n", bad, bad, fmt.Sprint(i, bad))
		for _, object := range []checks.Object{
			{APIVersion: "kubevirt.io/v1", Kind: "VirtualMachineInstance", Namespace: bad, Name: bad}, {APIVersion: "longhorn.io/v1beta2", Kind: "Volume", Name: bad},
			{APIVersion: "v1", Kind: "Node", Name: fmt.Sprint(i, bad)}, {APIVersion: bad, Kind: bad, Namespace: bad, Name: bad},
		} {
			findings = append(findings, checks.Finding{Object: object, Message: "VM " + bad + " is paused", Remedy: "stop it: virtctl stop " + bad + " -n " + bad + "; then retry."})
		}
	}
	results := []checks.Result{
		failed(documented("paused-vms"), findings...),
		{Check: check("nodes-unready", true), Outcome: checks.Unknown, Because: strings.Join(attacks(), " "), Gaps: []checks.Gap{{Object: vmi(attacks()[0]), Because: attacks()[1]}}},
		{Check: check("disk-space", true), Outcome: checks.Skipped, Because: attacks()[0]},
	}
	annotations := map[string]string{"harvesterhci.io/skipGarbageCollectionThresholdCheck": attacks()[0]}
	return Input{Snapshot: snapshotOf(t, objects.String(), cluster.FolderOptions{AssumeComplete: true}), Request: checks.Request{Version: attacks()[0]},
		Decision: policy.Default().Decide(results, annotations)}
}

// pageOf writes the page of an input.
func pageOf(t testing.TB, input Input) string {
	t.Helper()
	var out strings.Builder
	origin := Origin{Program: "v1.2.3", Check: "upgrade-gate check --from " + os.DevNull, Plan: "upgrade-gate plan --from " + os.DevNull}
	if err := WriteHTML(&out, NewPage(input, origin)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
