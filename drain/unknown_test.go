package drain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func TestWhatIsUnknownIsToldOnceForEachObject(t *testing.T) {
	volume := &cluster.Volume{Identity: cluster.Identity{Name: "pvc-1"}}
	engine := &cluster.Engine{Identity: cluster.Identity{Name: "pvc-1-e-0"}}
	vmi := &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1"}}
	first := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}
	second := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-2"}}
	all := sortedUnknown([]Unknown{
		{volume, "runs and reports no robustness"}, {second, "is silent"}, {nil, "the rest is dark"}, {first, "is silent"}, {vmi, "it reports no conditions"},
		{engine, "is in no state"}, {first, "is silent"}, {volume, "runs and reports no robustness"}, {nil, "the rest is dark"},
	})
	want := []string{"VM shop/web-1: it reports no conditions", "a node is silent", "a node is silent", "engine pvc-1-e-0 is in no state", "the rest is dark", "volume pvc-1 runs and reports no robustness"}
	var got []string
	var objects []client.Object
	for _, u := range all {
		got, objects = append(got, u.String()), append(objects, u.Object)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]client.Object{vmi, first, second, engine, nil, volume}, objects); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}
