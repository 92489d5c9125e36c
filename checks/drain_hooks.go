package checks

import (
	"fmt"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// hook is a question that Rancher asks before or after it drains a machine, and Harvester's answer, which is the same text.
type hook struct{ asked, answered string }

func drainHooks() [2]hook {
	return [...]hook{
		{asked: cluster.AnnotationPreDrain, answered: cluster.AnnotationPreHook},
		{asked: cluster.AnnotationPostDrain, answered: cluster.AnnotationPostHook},
	}
}

// reportDrainHooks reports the hooks of a drain that no upgrade is doing. Harvester answers only while an upgrade is at the nodes, and Rancher
// counts a machine with such annotations as unavailable, so that it upgrades no other one. Hooks that were all answered do no harm.
func reportDrainHooks(p *Pass, past pastUpgrades) {
	if evidence := p.Evidence(cluster.Secrets); evidence.State != cluster.Read {
		p.LeaveOut(fmt.Sprintf("the drain hooks on the machine plans in %s (%s)", cluster.FleetLocalNamespace, evidence.Because))
		return
	}
	if past.anyUnfinished() {
		return
	}
	var hooked []*cluster.Secret
	answered := true
	for _, secret := range p.Secrets() {
		if secret.Namespace == cluster.FleetLocalNamespace && strings.HasSuffix(secret.Name, cluster.MachinePlanSuffix) && len(hooksOn(secret)) > 0 {
			hooked = append(hooked, secret)
			answered = answered && isAnswered(secret)
		}
	}
	if answered {
		return
	}
	for _, secret := range hooked {
		hooks := hooksOn(secret)
		p.Report(Finding{Object: ObjectOf(secret),
			Message: fmt.Sprintf("machine plan %s/%s carries %s, and no upgrade is running", secret.Namespace, secret.Name, strings.Join(hooks, ", ")),
			Remedy: fmt.Sprintf("make sure that the machine is not being drained, then kubectl -n %s annotate secret %s %s-.",
				secret.Namespace, secret.Name, strings.Join(hooks, "- "))})
	}
}

// hooksOn names the annotations of hooks that a machine plan carries.
func hooksOn(secret *cluster.Secret) []string {
	var names []string
	for _, hook := range drainHooks() {
		for _, name := range [...]string{hook.asked, hook.answered} {
			if _, ok := secret.Annotations[name]; ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// isAnswered tells whether each question has its answer, and each answer its question.
func isAnswered(secret *cluster.Secret) bool {
	for _, hook := range drainHooks() {
		if secret.Annotations[hook.asked] != secret.Annotations[hook.answered] {
			return false
		}
	}
	return true
}
