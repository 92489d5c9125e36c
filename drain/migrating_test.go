package drain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

func newVMI(model string) *kubevirtv1.VirtualMachineInstance {
	vmi := &kubevirtv1.VirtualMachineInstance{}
	vmi.Name, vmi.Namespace, vmi.UID = "vm", "team-a", "uid-1"
	if model != "" {
		vmi.Spec.Domain.CPU = &kubevirtv1.CPU{Model: model}
	}
	return vmi
}

func newLauncher(selector map[string]string, changes ...func(*corev1.Pod)) *corev1.Pod {
	launcher := newPod("virt-launcher-vm", on("a"), memory(4), label(kubevirtv1.AppLabel, "virt-launcher"), label(kubevirtv1.CreatedByLabel, "uid-1"))
	launcher.Spec.NodeSelector = selector
	for _, change := range changes {
		change(launcher)
	}
	return launcher
}

func TestMigrationTargetSelectsNodes(t *testing.T) {
	source := newNode("a", labelled("host-model-cpu.node.kubevirt.io/Skylake", "true"), labelled("host-model-required-features.node.kubevirt.io/pcid", "true"),
		labelled("cpu-vendor.node.kubevirt.io/Intel", "true"), labelled("cpu-model.node.kubevirt.io/Skylake", "true"), labelled("kubevirt.io/cpumanager", "true"))
	hostModel := map[string]string{
		"kubevirt.io/schedulable": "true", "cpu-model-migration.node.kubevirt.io/Skylake": "true",
		"cpu-feature.node.kubevirt.io/pcid": "true", "cpu-vendor.node.kubevirt.io/Intel": "true",
	}
	migrated := map[string]string{"kubevirt.io/schedulable": "true", "cpu-model-migration.node.kubevirt.io/Haswell": "true"}
	for _, c := range []struct {
		name     string
		model    string
		source   *corev1.Node
		launcher map[string]string
		want     map[string]string
	}{
		{"a VM without a CPU model gets the source's", "", source, map[string]string{"kubevirt.io/schedulable": "true"}, hostModel},
		{"a VM of host-model gets the source's", "host-model", source, map[string]string{"kubevirt.io/schedulable": "true"}, hostModel},
		{"a VM that was migrated before keeps its first host's", "host-model", source, migrated, migrated},
		{"a VM of a named model has it in its launcher", "Haswell", source, map[string]string{"cpu-model.node.kubevirt.io/Haswell": "true"}, map[string]string{"cpu-model.node.kubevirt.io/Haswell": "true"}},
		{"a VM of host-passthrough asks for nothing", "host-passthrough", source, nil, nil},
		{"a source that is not known adds nothing", "", nil, map[string]string{"a": "b"}, map[string]string{"a": "b"}},
		{"dedicated CPUs keep the label of the running KubeVirt", "host-passthrough", source, map[string]string{"cpumanager": "true"}, map[string]string{"cpumanager": "true"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			launcher := newLauncher(c.launcher)
			before := launcher.DeepCopy()
			target := drain.MigrationTarget(newVMI(c.model), launcher, c.source)
			if diff := cmp.Diff(c.want, target.Spec.NodeSelector); diff != "" {
				t.Errorf("node selector (-want +got):\n%s", diff)
			}
			if target.Spec.NodeName != "" {
				t.Errorf("the target is bound to %s", target.Spec.NodeName)
			}
			if diff := cmp.Diff(before, launcher); diff != "" {
				t.Errorf("the launcher changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestMigrationTargetKeepsAwayFromItsOwnNodeAlone(t *testing.T) {
	other := newLauncher(nil, label(kubevirtv1.CreatedByLabel, "uid-2"), on("b"))
	again := term("")
	again.LabelSelector.MatchLabels = map[string]string{kubevirtv1.CreatedByLabel: "uid-1"}
	for _, c := range []struct {
		name     string
		launcher *corev1.Pod
		terms    int
	}{
		{"a launcher without affinity gets the term", newLauncher(nil), 1},
		{"a launcher that was migrated before has it", newLauncher(nil, awayFrom(again)), 1},
		{"a launcher with other terms keeps them", newLauncher(nil, awayFrom(term("db"))), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.launcher.DeepCopy()
			room := drain.NewRoom(nodes(newNode("a"), newNode("b")), pods(c.launcher, other))
			target := drain.MigrationTarget(newVMI(""), c.launcher, newNode("a"))
			want := drain.Feasibility{Nodes: []string{"b"}, Reasons: notOn("a", drain.PodAntiAffinity, tooNear)}
			if diff := cmp.Diff(want, room.Feasible(target)); diff != "" {
				t.Errorf("feasible (-want +got):\n%s", diff)
			}
			if got := len(target.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution); got != c.terms {
				t.Errorf("%d terms of anti-affinity", got)
			}
			if diff := cmp.Diff(before, c.launcher); diff != "" {
				t.Errorf("the launcher changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestMigrationTargetOfATerminatingLauncherIsNot(t *testing.T) {
	target := drain.MigrationTarget(newVMI(""), newLauncher(nil, terminating, phase(corev1.PodRunning)), nil)
	if target.DeletionTimestamp != nil || target.Status.Phase != "" {
		t.Errorf("the target is %s since %v", target.Status.Phase, target.DeletionTimestamp)
	}
}
