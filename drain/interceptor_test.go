package drain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// launcher returns the launcher of VMI shop/vm-1 on node-1.
func launcher(changes ...func(*corev1.Pod)) *corev1.Pod {
	return webPod("launcher", append([]func(*corev1.Pod){func(p *corev1.Pod) {
		p.Labels = map[string]string{kubevirtv1.AppLabel: "virt-launcher"}
		p.Annotations = map[string]string{cluster.AnnotationVMIDomain: "vm-1"}
		p.OwnerReferences = []metav1.OwnerReference{ownedBy("kubevirt.io/v1", "VirtualMachineInstance", "vm-1")}
	}}, changes...)...)
}

// hotplug returns the pod for the hot-plugged volumes of the launcher, on node-1.
func hotplug(changes ...func(*corev1.Pod)) *corev1.Pod {
	return webPod("hp-volume", append([]func(*corev1.Pod){func(p *corev1.Pod) {
		p.Labels = map[string]string{kubevirtv1.AppLabel: "hotplug-disk"}
		p.OwnerReferences = []metav1.OwnerReference{ownedBy("v1", "Pod", "launcher")}
	}}, changes...)...)
}

// vmi returns the VMI shop/vm-1 on node-1, which can migrate and says how it is evicted.
func vmi(strategy kubevirtv1.EvictionStrategy, changes ...func(*kubevirtv1.VirtualMachineInstance)) *kubevirtv1.VirtualMachineInstance {
	v := &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "vm-1", ResourceVersion: "1"}}
	if strategy != "" {
		v.Spec.EvictionStrategy = &strategy
	}
	v.Status.NodeName, v.Status.Phase = "node-1", kubevirtv1.Running
	v.Status.Conditions = []kubevirtv1.VirtualMachineInstanceCondition{{Type: kubevirtv1.VirtualMachineInstanceIsMigratable, Status: corev1.ConditionTrue}}
	return changed(v, changes)
}

func cannotMigrate(v *kubevirtv1.VirtualMachineInstance) {
	v.Status.Conditions[0].Status = corev1.ConditionFalse
}

func commonStrategy(strategy kubevirtv1.EvictionStrategy) *kubevirtv1.KubeVirt {
	k := &kubevirtv1.KubeVirt{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.HarvesterNamespace, Name: "kubevirt", ResourceVersion: "1"}}
	k.Spec.Configuration.EvictionStrategy = &strategy
	return k
}

// saidOf is what a test says of a denial: "passes", or why, and whether that ends by itself.
func saidOf(d *drain.Denial) string {
	switch {
	case d == nil:
		return "passes"
	case d.Passing:
		return "for now: " + d.Because
	}
	return "for ever: " + d.Because
}

func TestIntercepted(t *testing.T) {
	const (
		liveMigrate = kubevirtv1.EvictionStrategyLiveMigrate
		ifPossible  = kubevirtv1.EvictionStrategyLiveMigrateIfPossible
		external    = kubevirtv1.EvictionStrategyExternal
	)
	elsewhere := func(p *corev1.Pod) { p.Spec.NodeName = "node-2" }
	cases := map[string]struct {
		pod     *corev1.Pod
		objects []client.Object
		want    string
	}{
		"a pod that is no launcher passes":                        {webPod("a"), nil, "passes"},
		"a launcher whose VM migrates waits for it":               {launcher(), []client.Object{vmi(liveMigrate)}, "for now: VMI shop/vm-1 must leave the node first (LiveMigrate)"},
		"a launcher that has ended passes":                        {launcher(inPhase(corev1.PodSucceeded)), []client.Object{vmi(liveMigrate)}, "passes"},
		"a launcher that names no VMI passes":                     {launcher(func(p *corev1.Pod) { p.Annotations = nil }), nil, "passes"},
		"a launcher whose VMI is gone is never let go":            {launcher(), nil, "for ever: it is the launcher of VMI shop/vm-1, which does not exist, and KubeVirt denies the eviction of such"},
		"a launcher whose VMI is gone passes when it has ended":   {launcher(inPhase(corev1.PodFailed)), nil, "passes"},
		"a VMI without a strategy is killed":                      {launcher(), []client.Object{vmi("")}, "passes"},
		"a VMI with the strategy None is killed":                  {launcher(), []client.Object{vmi(kubevirtv1.EvictionStrategyNone)}, "passes"},
		"a VMI without a strategy has the cluster's":              {launcher(), []client.Object{vmi(""), commonStrategy(liveMigrate)}, "for now: VMI shop/vm-1 must leave the node first (LiveMigrate)"},
		"a VMI's own None counts before the cluster's strategy":   {launcher(), []client.Object{vmi(kubevirtv1.EvictionStrategyNone), commonStrategy(liveMigrate)}, "passes"},
		"a VMI that must migrate and cannot is never let go":      {launcher(), []client.Object{vmi(liveMigrate, cannotMigrate)}, "for ever: VMI shop/vm-1 must migrate (LiveMigrate) and cannot"},
		"a VMI that says nothing of migrating cannot":             {launcher(), []client.Object{vmi(liveMigrate, func(v *kubevirtv1.VirtualMachineInstance) { v.Status.Conditions = nil })}, "for ever: VMI shop/vm-1 must migrate (LiveMigrate) and cannot"},
		"a VMI that migrates if it can waits where it can":        {launcher(), []client.Object{vmi(ifPossible)}, "for now: VMI shop/vm-1 must leave the node first (LiveMigrateIfPossible)"},
		"a VMI that migrates if it can is killed where it cannot": {launcher(), []client.Object{vmi(ifPossible, cannotMigrate)}, "passes"},
		"a VMI that others move waits for them":                   {launcher(), []client.Object{vmi(external, cannotMigrate)}, "for now: VMI shop/vm-1 must leave the node first (External)"},
		"the target of a migration waits for its end":             {launcher(elsewhere), []client.Object{vmi(liveMigrate)}, "for now: it is the target of a migration of VMI shop/vm-1, which runs on node-1"},
		"the target of a VMI that is killed passes":               {launcher(elsewhere), []client.Object{vmi("")}, "passes"},
		"a hotplug pod waits for its launcher":                    {hotplug(), []client.Object{launcher(), vmi(liveMigrate)}, "for now: it brings hot-plugged volumes to VMI shop/vm-1, whose launcher launcher is still there"},
		"a hotplug pod waits although its VM would be killed":     {hotplug(), []client.Object{launcher(), vmi("")}, "for now: it brings hot-plugged volumes to VMI shop/vm-1, whose launcher launcher is still there"},
		"a hotplug pod passes when its launcher is gone":          {hotplug(), []client.Object{vmi(liveMigrate)}, "passes"},
		"a hotplug pod passes when its launcher has ended":        {hotplug(), []client.Object{launcher(inPhase(corev1.PodSucceeded)), vmi(liveMigrate)}, "passes"},
		"a hotplug pod passes when its VMI is gone":               {hotplug(), []client.Object{launcher()}, "passes"},
		"a hotplug pod of something else passes":                  {hotplug(), []client.Object{webPod("launcher"), vmi(liveMigrate)}, "passes"},
		"a hotplug pod of two owners passes": {hotplug(func(p *corev1.Pod) {
			p.OwnerReferences = append(p.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: "other", UID: "2"})
		}), []client.Object{launcher(), vmi(liveMigrate)}, "passes"},
		"a hotplug pod without an owner passes": {hotplug(func(p *corev1.Pod) { p.OwnerReferences = nil }), []client.Object{launcher(), vmi(liveMigrate)}, "passes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := snapshotOfObjects(t, append([]client.Object{c.pod}, c.objects...)...)
			if diff := cmp.Diff(saidOf(drain.Intercepted(s, s.Pod("shop", c.pod.Name))), c.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVMIsThatCouldNotBeReadAreNotGone(t *testing.T) {
	s := snapshotWithout(t, cluster.VMIs, launcher())
	want := "for ever: it is the launcher of VMI shop/vm-1, and VMIs could not be read (forbidden)"
	if diff := cmp.Diff(saidOf(drain.Intercepted(s, s.Pod("shop", "launcher"))), want); diff != "" {
		t.Error(diff)
	}
}

func TestLeavesWithVM(t *testing.T) {
	elsewhere := func(p *corev1.Pod) { p.Spec.NodeName = "node-2" }
	cases := map[string]struct {
		pod     *corev1.Pod
		objects []client.Object
		want    bool
	}{
		"a launcher leaves with its VM":                 {launcher(), []client.Object{vmi("")}, true},
		"the target of a migration does not":            {launcher(elsewhere), []client.Object{vmi("")}, false},
		"a launcher without a VMI does not":             {launcher(), nil, false},
		"a hotplug pod leaves with its launcher's VM":   {hotplug(), []client.Object{launcher(), vmi("")}, true},
		"a hotplug pod of a migration target does not":  {hotplug(elsewhere), []client.Object{launcher(elsewhere), vmi("")}, false},
		"a hotplug pod without its launcher does not":   {hotplug(), []client.Object{vmi("")}, false},
		"a pod that has nothing to do with VMs neither": {webPod("a"), []client.Object{vmi("")}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := snapshotOfObjects(t, append([]client.Object{c.pod}, c.objects...)...)
			if diff := cmp.Diff(drain.LeavesWithVM(s, s.Pod("shop", c.pod.Name)), c.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}
