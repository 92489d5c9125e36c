package drain_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// guest returns a VM that KubeVirt migrates, on a node, with its launcher of so many GiB.
func guest(name, node string, gibibytes int) []client.Object {
	strategy, running := kubevirtv1.EvictionStrategyLiveMigrate, kubevirtv1.RunStrategyRerunOnFailure
	controls := true
	vm := &kubevirtv1.VirtualMachine{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name}, Spec: kubevirtv1.VirtualMachineSpec{RunStrategy: &running}}
	vmi := &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{
		Namespace: "team-a", Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{kubevirtv1.NodeNameLabel: node},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "kubevirt.io/v1", Kind: "VirtualMachine", Name: name, Controller: &controls}},
	}}
	vmi.Spec.EvictionStrategy = &strategy
	vmi.Status.NodeName, vmi.Status.Phase = node, kubevirtv1.Running
	vmi.Status.Conditions = []kubevirtv1.VirtualMachineInstanceCondition{{Type: kubevirtv1.VirtualMachineInstanceIsMigratable, Status: corev1.ConditionTrue}}
	launcher := newPod("virt-launcher-"+name, on(node), phase(corev1.PodRunning), memory(gibibytes),
		label(kubevirtv1.AppLabel, "virt-launcher"), label(kubevirtv1.CreatedByLabel, "uid-"+name))
	return []client.Object{vm, vmi, launcher}
}

func etcdNodes(names ...string) []client.Object {
	var objects []client.Object
	for _, name := range names {
		objects = append(objects, harvesterNode(name), storageNode(name), machine("m-"+name, name, "etcd"))
	}
	return objects
}

func stopsOf(plan drain.Plan) []drain.Stop {
	var stops []drain.Stop
	for _, node := range plan.Nodes {
		stops = append(stops, node.Stops...)
	}
	return stops
}

func TestWhatHappensInEveryOrderIsAsSureAsItWas(t *testing.T) {
	objects := append(etcdNodes("a", "b", "c"), guest("large", "a", 40)...)
	plan := drain.Simulate(snapshotOfObjects(t, objects...), "v1.6.0")
	stops := stopsOf(plan)
	if plan.Orders != 3 || len(stops) != 1 || stops[0].OrderDependent || stops[0].Confidence != drain.Certain {
		t.Errorf("%d orders, stops %+v", plan.Orders, stops)
	}
}

// rivals are two nodes, each with a VM for which the other has no room until its own has been shut down: the VM of the node that comes first
// finds none.
func rivals() []client.Object {
	return append(append(etcdNodes("a", "b"), guest("left", "a", 20)...), guest("right", "b", 20)...)
}

func TestWhatHappensInOneOrderOnlyIsLikelyAtMost(t *testing.T) {
	stops := stopsOf(drain.Simulate(snapshotOfObjects(t, rivals()...), "v1.6.0"))
	if len(stops) != 2 {
		t.Fatalf("stops %+v", stops)
	}
	for _, stop := range stops {
		if !stop.OrderDependent || stop.Confidence != drain.Likely {
			t.Errorf("%s: depends on the order %t, %s", stop.Because, stop.OrderDependent, stop.Confidence)
		}
	}
}

func TestAVMThatIsShutDownInOneOrderOnlyIsPossiblyShutDown(t *testing.T) {
	plan := drain.Simulate(snapshotOfObjects(t, rivals()...), "v1.8.0")
	downs := append(plan.Nodes[0].ShutDowns, plan.Nodes[1].ShutDowns...)
	if len(downs) != 2 || downs[0].Confidence != drain.Possible || downs[1].Confidence != drain.Possible {
		t.Errorf("shut down %+v", downs)
	}
}

func TestAVMThatMovedIsMovedAgain(t *testing.T) {
	objects := append(etcdNodes("a", "b"), guest("web", "a", 4)...)
	plan := drain.Simulate(snapshotOfObjects(t, objects...), "v1.6.0")
	a, b := plan.Nodes[0], plan.Nodes[1]
	if len(a.Moves) != 1 || a.Moves[0].To != "b" || len(b.Moves) != 1 || b.Moves[0].To != "a" {
		t.Errorf("moves %+v, then %+v", a.Moves, b.Moves)
	}
}

func TestANodeTakesLongerTheMoreItHasToMove(t *testing.T) {
	for name, c := range map[string]struct {
		guests int
		want   drain.Range
	}{
		"nothing to move: the drain, the system and the reboot": {0, drain.Range{Low: 10 * time.Minute, High: 40 * time.Minute}},
		// Two at once: three times 20 s, and 1 s or 150 s for each of three GiB.
		"six VMs of 1 GiB": {6, drain.Range{Low: 11 * time.Minute, High: 49 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			objects := etcdNodes("a", "b")
			for i := range c.guests {
				objects = append(objects, guest(string(rune('p'+i)), "a", 1)...)
			}
			got := drain.Simulate(snapshotOfObjects(t, objects...), "v1.6.0").Nodes[0].Time
			if diff := cmp.Diff(got, c.want); diff != "" {
				t.Errorf("time (-got +want):\n%s", diff)
			}
		})
	}
}
