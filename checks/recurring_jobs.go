package checks

import (
	"fmt"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// recurringJobLabel and recurringGroupLabel begin the labels with which a volume belongs to a recurring job or to a group of
	// them; the name follows.
	recurringJobLabel   = "recurring-job.longhorn.io/"
	recurringGroupLabel = "recurring-job-group.longhorn.io/"
	// settingJobsWhileDetached lets recurring jobs attach volumes that are not attached.
	settingJobsWhileDetached = "allow-recurring-job-while-volume-detached"
)

// reportRecurringJobs warns of recurring jobs that can start during the upgrade.
func reportRecurringJobs(p *Pass) {
	if len(p.RecurringJobs()) == 0 {
		return
	}
	members := jobMembers(p)
	for _, job := range p.RecurringJobs() {
		if job.DeletionTimestamp != nil {
			continue
		}
		volumes := slices.Clone(members[recurringJobLabel+jobName(job)])
		for _, group := range job.Spec.Groups {
			volumes = append(volumes, members[recurringGroupLabel+group]...)
		}
		slices.Sort(volumes)
		volumes = slices.Compact(volumes)
		if len(volumes) == 0 && job.Spec.Task != lhv1.RecurringJobTypeSystemBackup {
			continue
		}
		reportRecurringJob(p, job, volumes)
	}
}

func reportRecurringJob(p *Pass, job *lhv1.RecurringJob, volumes []string) {
	schedule := cluster.Text(job.Spec.Cron)
	fires, err := canFire(schedule, p.Now())
	if err != nil {
		p.Unknownf(job, "its schedule %q cannot be read: %v", schedule, err)
		return
	}
	if !fires {
		return
	}
	on := "the whole system"
	if job.Spec.Task != lhv1.RecurringJobTypeSystemBackup {
		on = fmt.Sprintf("%d %s (%s)", len(volumes), counted(len(volumes), "volume", "volumes"), abridge(volumes))
	}
	p.Report(Finding{
		Object: ObjectOf(job), Severity: Warn,
		Message: fmt.Sprintf("recurring job %s (%s at %q) can start during the upgrade on %s", job.Name, job.Spec.Task, schedule, on),
		Remedy: fmt.Sprintf("let it rest until the upgrade is over, on a day that never comes: kubectl -n longhorn-system patch recurringjobs.longhorn.io %s --type merge "+
			`-p '{"spec":{"cron":"0 0 31 2 *"}}', and set %q again afterwards.`, job.Name, schedule),
	})
}

func jobName(job *lhv1.RecurringJob) string {
	if name := cluster.Text(job.Spec.Name); name != "" {
		return name
	}
	return job.Name
}

// jobMembers lists, by label, the volumes that a recurring job would work on now. A volume without any such label belongs to the
// default group: Longhorn gives it that label by itself.
func jobMembers(p *Pass) map[string][]string {
	value, _ := p.LonghornSetting(settingJobsWhileDetached)
	members := map[string][]string{}
	for _, volume := range p.Volumes() {
		status := volume.Status
		if status.RestoreRequired || status.Robustness == lhv1.VolumeRobustnessFaulted || status.State == lhv1.VolumeStateDetached && value != "true" {
			continue
		}
		labelled := false
		for label, value := range volume.Labels {
			if strings.HasPrefix(label, recurringJobLabel) || strings.HasPrefix(label, recurringGroupLabel) {
				labelled = true
				if value == "enabled" {
					members[label] = append(members[label], volume.Name)
				}
			}
		}
		if !labelled {
			members[recurringGroupLabel+lhv1.RecurringJobGroupDefault] = append(members[recurringGroupLabel+lhv1.RecurringJobGroupDefault], volume.Name)
		}
	}
	return members
}
