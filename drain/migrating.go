package drain

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
)

// MigrationTarget returns the launcher that KubeVirt would start on another node to migrate a VM there: the running launcher, with
// its node selector, affinity, tolerations and requests, kept away from its own node (RenderMigrationManifest and
// handleTargetPodCreation in virt-controller). The source is the node that it runs on; nil where that is not known.
//
// Labels of the running launcher's selector are kept as they are, and none is added that only a newer KubeVirt uses: with dedicated
// CPUs, KubeVirt 1.8 asks for kubevirt.io/cpumanager instead of cpumanager, but nodes get that label only once they run 1.8 too.
func MigrationTarget(vmi *kubevirtv1.VirtualMachineInstance, launcher *corev1.Pod, source *corev1.Node) *corev1.Pod {
	target := &corev1.Pod{Spec: launcher.Spec}
	target.Namespace, target.Name = launcher.Namespace, launcher.Name
	target.Labels, target.Annotations, target.OwnerReferences = launcher.Labels, launcher.Annotations, launcher.OwnerReferences
	target.Spec.NodeName, target.Spec.Hostname = "", ""
	target.Spec.NodeSelector = maps.Clone(launcher.Spec.NodeSelector)
	if source != nil && isHostModel(vmi) && !selectsHostModel(launcher) {
		if target.Spec.NodeSelector == nil {
			target.Spec.NodeSelector = map[string]string{}
		}
		addHostModel(target.Spec.NodeSelector, source)
	}
	target.Spec.Affinity = awayFromItself(vmi, launcher)
	return target
}

// isHostModel tells whether a VM's CPU is that of its first host, which is KubeVirt's default.
func isHostModel(vmi *kubevirtv1.VirtualMachineInstance) bool {
	cpu := vmi.Spec.Domain.CPU
	return cpu == nil || cpu.Model == "" || cpu.Model == kubevirtv1.CPUModeHostModel
}

// selectsHostModel tells whether a launcher already asks for a CPU like that of the VM's first host, because the VM was migrated
// before. KubeVirt then reuses these labels (prepareNodeSelectorForHostCpuModel).
func selectsHostModel(launcher *corev1.Pod) bool {
	for key := range launcher.Spec.NodeSelector {
		if strings.Contains(key, kubevirtv1.CPUFeatureLabel) || strings.Contains(key, kubevirtv1.SupportedHostModelMigrationCPU) {
			return true
		}
	}
	return false
}

// describesCPU tells whether a node is labelled with what a guest that was started on it needs elsewhere.
func describesCPU(node *corev1.Node) bool {
	for key := range node.Labels {
		if strings.HasPrefix(key, kubevirtv1.HostModelCPULabel) || strings.HasPrefix(key, kubevirtv1.CPUModelVendorLabel) {
			return true
		}
	}
	return false
}

// addHostModel asks for nodes that can run a guest with the CPU of the source node.
func addHostModel(selector map[string]string, source *corev1.Node) {
	for key := range source.Labels {
		if model, ok := strings.CutPrefix(key, kubevirtv1.HostModelCPULabel); ok {
			selector[kubevirtv1.SupportedHostModelMigrationCPU+model] = "true"
		}
		if feature, ok := strings.CutPrefix(key, kubevirtv1.HostModelRequiredFeaturesLabel); ok {
			selector[kubevirtv1.CPUFeatureLabel+feature] = "true"
		}
		if strings.HasPrefix(key, kubevirtv1.CPUModelVendorLabel) {
			selector[key] = "true"
		}
	}
}

// awayFromItself returns a launcher's affinity with the term that keeps the target away from the node of the running launcher. A
// launcher that was itself the target of a migration has the term already.
func awayFromItself(vmi *kubevirtv1.VirtualMachineInstance, launcher *corev1.Pod) *corev1.Affinity {
	affinity := &corev1.Affinity{}
	if launcher.Spec.Affinity != nil {
		*affinity = *launcher.Spec.Affinity
	}
	anti := &corev1.PodAntiAffinity{}
	if affinity.PodAntiAffinity != nil {
		*anti = *affinity.PodAntiAffinity
	}
	affinity.PodAntiAffinity = anti
	creator := launcher.Labels[kubevirtv1.CreatedByLabel]
	if creator == "" {
		creator = string(vmi.UID)
	}
	required := anti.RequiredDuringSchedulingIgnoredDuringExecution
	if !slices.ContainsFunc(required, func(term corev1.PodAffinityTerm) bool { return isAwayFrom(&term, creator) }) {
		anti.RequiredDuringSchedulingIgnoredDuringExecution = append(slices.Clip(required), corev1.PodAffinityTerm{
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{kubevirtv1.CreatedByLabel: creator}},
			TopologyKey:   corev1.LabelHostname,
		})
	}
	return affinity
}

func isAwayFrom(term *corev1.PodAffinityTerm, creator string) bool {
	return term.TopologyKey == corev1.LabelHostname && term.LabelSelector != nil && len(term.LabelSelector.MatchExpressions) == 0 &&
		len(term.LabelSelector.MatchLabels) == 1 && term.LabelSelector.MatchLabels[kubevirtv1.CreatedByLabel] == creator
}
