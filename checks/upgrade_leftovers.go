package checks

import (
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// cattleSystemNamespace is where the system-upgrade-controller runs its plans.
const cattleSystemNamespace = "cattle-system"

// upgradeLeftovers finds what earlier upgrades have left behind and the next one stumbles over.
func upgradeLeftovers() Check {
	return Check{
		Name:  "upgrade-leftovers",
		Title: "An earlier upgrade has left something behind",
		Why: "Jobs and plans of an earlier upgrade go on changing nodes under the new one, or have the names that it needs; with drain options left on, the change that the new upgrade makes to " +
			"Rancher drains nodes before anybody answers the hooks; and a machine with the hooks of an old drain counts as unavailable, so that no other one is upgraded.",
		Finds: "Without an upgrade that they belong to: jobs that have not ended, plans that are still running, drain options that are switched on, drain hooks on machine plans that were not all answered, managed charts and add-ons that are not ready, and an " +
			"upgrade-repo VM that cannot be moved away; and, as a warning, plans, managed charts, add-ons, deployments and VMs that are merely still there.",
		Remedy:   "delete what is left of the earlier upgrade, or its Upgrade, with which most of it goes: kubectl get upgrades.harvesterhci.io -n harvester-system.",
		Severity: Block,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{
			cluster.Upgrades, cluster.Jobs, cluster.NodePlans, cluster.ManagedCharts, cluster.Addons, cluster.Deployments, cluster.VirtualMachines, cluster.VMIs,
			cluster.ProvisioningClusters,
		},
		Uses: []cluster.Kind{cluster.Secrets, cluster.UpgradePlans},
		Sources: []string{
			"harvester/harvester#2972", "harvester/harvester#4698", "harvester/harvester#3021", "harvester/harvester#9293", "harvester/harvester#7560",
			"harvester/harvester#9599", "harvester/harvester#5206", "harvester/harvester#9062", "harvester/harvester#7514", "harvester/harvester#8224",
			"harvester/harvester#6212", "harvester/harvester#9880", "harvester/harvester pkg/controller/master/upgrade cleanup, checkPendingHookJobs",
		},
		Elsewhere: Peers{
			Webhook: "the labels of Upgrades, and managed charts and add-ons that are not ready, whoever made them; nothing else",
		},
		Run: runUpgradeLeftovers,
	}
}

func runUpgradeLeftovers(p *Pass) error {
	past := pastUpgradesOf(p)
	for _, job := range p.Jobs() {
		if of := past.of(job); of != "" && !hasEnded(job) {
			p.Report(Finding{Object: ObjectOf(job), Since: job.CreationTimestamp.Time,
				Message: fmt.Sprintf("job %s/%s %s has not ended%s", job.Namespace, job.Name, of, ageOf(p, job.CreationTimestamp.Time)),
				Remedy:  fmt.Sprintf("make sure that no node is being changed by it, then kubectl -n %s delete job %s.", job.Namespace, job.Name)})
		}
	}
	for _, plan := range p.NodePlans() {
		if of := past.of(plan); of != "" && plan.Namespace == cattleSystemNamespace {
			reportPlan(p, plan, of)
		}
	}
	for _, chart := range p.ManagedCharts() {
		if of := past.of(chart); of != "" {
			ready := cluster.Condition(chart.Status.Conditions, "Ready")
			reportLeftover(p, chart, "managed chart", of, ready != nil && ready.Status == string(corev1.ConditionTrue))
		}
	}
	for _, addon := range p.Addons() {
		if of := past.of(addon); of != "" {
			reportLeftover(p, addon, "add-on", of, isSettled(addon))
		}
	}
	for _, deployment := range p.Deployments() {
		// The downloader serves an upgrade's log for as long as there is its Upgrade.
		if of := past.of(deployment); of != "" && !(past.exists(deployment) && strings.HasSuffix(deployment.Name, "-downloader")) {
			reportLeftover(p, deployment, "deployment", of, true)
		}
	}
	reportRepoVMs(p, past)
	reportDrainOptions(p, past)
	reportDrainHooks(p, past)
	return nil
}

func reportPlan(p *Pass, plan *cluster.NodePlan, of string) {
	f := Finding{Object: ObjectOf(plan), Severity: Warn, Message: fmt.Sprintf("plan %s/%s %s is still there", plan.Namespace, plan.Name, of)}
	if len(plan.Status.Applying) > 0 {
		f.Severity = Block
		f.Message = fmt.Sprintf("plan %s/%s %s is still running on %s", plan.Namespace, plan.Name, of, strings.Join(slices.Sorted(slices.Values(plan.Status.Applying)), ", "))
	}
	f.Remedy = fmt.Sprintf("delete it: kubectl -n %[1]s delete plans.upgrade.cattle.io %[2]s, then kubectl -n %[1]s rollout restart deployment/system-upgrade-controller.", plan.Namespace, plan.Name)
	p.Report(f)
}

// reportLeftover warns of what is merely still there. One that is not settled blocks, for Harvester's own webhook refuses because of it, and the
// upgrade waits for it.
func reportLeftover(p *Pass, object client.Object, kind, of string, settled bool) {
	f := Finding{Object: ObjectOf(object), Severity: Warn, Message: fmt.Sprintf("%s %s/%s %s is still there", kind, object.GetNamespace(), object.GetName(), of)}
	if !settled {
		f.Severity = Block
		f.Message += " and not ready"
	}
	f.Remedy = fmt.Sprintf("delete it: kubectl -n %s delete %s %s.", object.GetNamespace(), resourceOf(object), object.GetName())
	p.Report(f)
}

// resourceOf returns the name by which kubectl knows an object's kind, "addons.harvesterhci.io".
func resourceOf(object client.Object) string {
	gvk := cluster.GVKOf(object)
	name := strings.ToLower(gvk.Kind)
	if gvk.Group == "" {
		return name
	}
	return name + "." + gvk.Group
}

// reportRepoVMs reports the VMs that held an upgrade's images. The pre-drain job counts every VMI of its node that has not succeeded, and such a
// VM cannot be migrated: it is shut down, unless it does not run.
func reportRepoVMs(p *Pass, past pastUpgrades) {
	for _, vm := range p.VirtualMachines() {
		if of := past.ofLabel(vm); of != "" && p.VMI(vm.Namespace, vm.Name) == nil {
			reportLeftover(p, vm, "VM", of, true)
		}
	}
	for _, vmi := range p.VMIs() {
		of := past.ofLabel(vmi)
		if of == "" {
			continue
		}
		f := Finding{Object: ObjectOf(vmi), Severity: Warn, Remedy: deleteRepoVM(p, vmi)}
		f.Message = fmt.Sprintf("VM %s/%s%s %s is still there, in phase %s", vmi.Namespace, vmi.Name, route(vmi), of, phaseInWords(string(vmi.Status.Phase)))
		switch vmi.Status.Phase {
		case kubevirtv1.Running, kubevirtv1.Succeeded:
		default:
			f.Severity = Block
		}
		p.Report(f)
	}
}

func deleteRepoVM(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) string {
	kind := "vm"
	if p.VirtualMachine(vmi.Namespace, vmi.Name) == nil {
		kind = "vmi"
	}
	return fmt.Sprintf("delete it: kubectl -n %s delete %s %s.", vmi.Namespace, kind, vmi.Name)
}

// reportDrainOptions reports that nodes are still drained whenever their plan changes. Harvester resets the options when an upgrade has ended.
func reportDrainOptions(p *Pass, past pastUpgrades) {
	local := localProvisioningCluster(p)
	if local == nil || local.Spec.RKEConfig == nil || past.anyUnfinished() {
		return
	}
	var on, patch []string
	strategy := local.Spec.RKEConfig.UpgradeStrategy
	for _, options := range [...]struct {
		name string
		cluster.DrainOptions
	}{{"controlPlaneDrainOptions", strategy.ControlPlaneDrainOptions}, {"workerDrainOptions", strategy.WorkerDrainOptions}} {
		if options.Enabled {
			on = append(on, options.name)
			patch = append(patch, fmt.Sprintf("%q:{\"enabled\":false}", options.name))
		}
	}
	if len(on) > 0 {
		p.Report(Finding{Object: ObjectOf(local),
			Message: fmt.Sprintf("cluster %s/%s has %s enabled, which only an upgrade does, and none is running", local.Namespace, local.Name, strings.Join(on, " and ")),
			Remedy: fmt.Sprintf("switch it off: kubectl -n %s patch clusters.provisioning.cattle.io %s --type merge -p '{\"spec\":{\"rkeConfig\":{\"upgradeStrategy\":{%s}}}}'.",
				local.Namespace, local.Name, strings.Join(patch, ","))})
	}
}

// hasEnded tells whether a job is complete or has failed for good.
func hasEnded(job *batchv1.Job) bool {
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}
