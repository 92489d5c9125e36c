package drain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

func notReady(n *lhv1.Node) { n.Status.Conditions[0].Status = lhv1.ConditionStatusFalse }

func requestingCPU(milli int) func(*lhv1.Node) {
	return func(n *lhv1.Node) { n.Spec.InstanceManagerCPURequest = milli }
}

func TestWhatHoldsTheUpgradeBeforeAnyNode(t *testing.T) {
	// Of the 8 CPUs of node a, 7 are requested.
	a, busy := harvesterNode("a"), newPod("busy", on("a"), phase(corev1.PodRunning), requests(corev1.ResourceCPU, "7"))
	engines := manager("a", listingEngines("pvc-1-e-0"))
	const second = "a has 1 CPU that no pod requests, and the second instance manager, which runs beside the first until its engines have left, requests "
	for name, c := range map[string]struct {
		objects []client.Object
		want    []string
	}{
		"nothing, where Longhorn has the nodes that Kubernetes has":       {[]client.Object{a, storageNode("a")}, nil},
		"a node of Longhorn that Kubernetes does not know":                {[]client.Object{a, storageNode("a"), storageNode("gone")}, []string{"the upgrade waits for an instance manager on gone, which is no node for storage"}},
		"a node of Longhorn that is a witness":                            {[]client.Object{a, storageNode("a"), harvesterNode("w", labelled(cluster.LabelWitness, "true")), storageNode("w")}, []string{"the upgrade waits for an instance manager on w, which is no node for storage"}},
		"a node that is not ready for Longhorn":                           {[]client.Object{a, storageNode("a", notReady)}, []string{"the upgrade waits for an instance manager on a, which is not ready for Longhorn"}},
		"a managed node that Longhorn does not know":                      {[]client.Object{a}, []string{"the upgrade waits for Longhorn on a, which Longhorn does not know"}},
		"a witness that Longhorn does not know holds nothing":             {[]client.Object{a, storageNode("a"), harvesterNode("w", labelled(cluster.LabelWitness, "true"))}, nil},
		"one CPU is enough for 12 percent of eight":                       {[]client.Object{a, storageNode("a"), busy, engines}, nil},
		"one CPU is too little for 20 percent of eight":                   {[]client.Object{a, storageNode("a"), busy, engines, longhornSetting("guaranteed-instance-manager-cpu", "20")}, []string{second + "1.6"}},
		"the setting names the percentage for each data engine":           {[]client.Object{a, storageNode("a"), busy, engines, longhornSetting("guaranteed-instance-manager-cpu", `{"v1":"25","v2":"12"}`)}, []string{second + "2"}},
		"the node's own request goes before the setting":                  {[]client.Object{a, storageNode("a", requestingCPU(1500)), busy, engines}, []string{second + "1.5"}},
		"an instance manager without engines is gone when the next comes": {[]client.Object{a, storageNode("a", requestingCPU(1500)), busy, manager("a")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, stop := range drain.Simulate(snapshotOfObjects(t, append(c.objects, harvesterNode("b"), storageNode("b"))...), "v1.8.0").Before {
				if stop.State == drain.SystemServices {
					got = append(got, stop.Because)
				}
			}
			if diff := cmp.Diff(got, c.want); diff != "" {
				t.Errorf("before any node (-got +want):\n%s", diff)
			}
		})
	}
}
