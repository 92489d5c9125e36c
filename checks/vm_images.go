package checks

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Conditions of a VirtualMachineImage (harvester/harvester, pkg/apis/harvesterhci.io/v1beta1/image.go).
const (
	vmImageInitialized = "Initialized"
	vmImageGivenUp     = "RetryLimitExceeded"
	vmImageUnbacked    = "BackingImageMissing"
)

// reportVMImages warns of VM images that no disk can be made from. Those whose backing image was reported, by NAMESPACE/NAME, are
// left out: one repair makes both well.
func reportVMImages(p *Pass, reported map[string]bool) {
	for _, image := range p.Images() {
		name := image.Namespace + "/" + image.Name
		if p.Excluded(image) || image.DeletionTimestamp != nil || reported[name] || name == p.Request.Image || image.Labels[cluster.LabelUpgrade] != "" {
			continue
		}
		fact, importing := imageFact(p, image)
		if fact == "" {
			continue
		}
		f := Finding{
			Object: ObjectOf(image), Severity: Warn,
			Message: fmt.Sprintf("image %s%s %s", name, inParentheses(image.Spec.DisplayName), fact),
			Remedy:  fmt.Sprintf("import it again, or delete it where no VM needs it: kubectl -n %s delete virtualmachineimages.harvesterhci.io %s.", image.Namespace, image.Name),
		}
		if importing {
			f.Transient, f.Settles = true, backingImageSettles
			f.Since = timeOf(cluster.Condition(image.Status.Conditions, imageImported).LastUpdateTime)
			f.Remedy = "wait until it is imported. If that does not go on, " + f.Remedy
		}
		p.Report(f)
	}
}

// imageFact says what is wrong with an image; empty where nothing is. importing tells that it is only on its way.
func imageFact(p *Pass, image *cluster.VirtualMachineImage) (fact string, importing bool) {
	conditions := image.Status.Conditions
	if isConditionTrue(conditions, vmImageUnbacked) {
		return "reports that its backing image is missing" + explained(cluster.Condition(conditions, vmImageUnbacked)), false
	}
	if isConditionTrue(conditions, vmImageGivenUp) {
		return fmt.Sprintf("could not be imported, after %d attempts%s", image.Status.Failed, explained(cluster.Condition(conditions, vmImageGivenUp))), false
	}
	imported := cluster.Condition(conditions, imageImported)
	if imported == nil {
		if made := cluster.Condition(conditions, vmImageInitialized); made != nil && made.Status == string(corev1.ConditionFalse) {
			return "could not be set up" + explained(made), false
		}
		p.Unknownf(image, "it reports no condition %s", imageImported)
		return "", false
	}
	switch imported.Status {
	case string(corev1.ConditionTrue):
		return "", false
	case string(corev1.ConditionFalse):
		return "could not be imported" + explained(imported), false
	case string(corev1.ConditionUnknown):
		return fmt.Sprintf("is still being imported, %d%%", image.Status.Progress), true
	}
	p.Unknownf(image, "its condition %s is %q", imageImported, imported.Status)
	return "", false
}

func isConditionTrue(conditions []cluster.StatusCondition, conditionType string) bool {
	condition := cluster.Condition(conditions, conditionType)
	return condition != nil && condition.Status == string(corev1.ConditionTrue)
}

func explained(condition *cluster.StatusCondition) string {
	return inParentheses(explain(condition.Reason, condition.Message))
}
