package checks

import (
	"fmt"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// newBackupAge is how long a backup that was just asked for may have no state.
const newBackupAge = 2 * time.Minute

// runningBackups finds backups, restores and clones that run, and what can start more of them during the upgrade.
func runningBackups() Check {
	return Check{
		Name:  "running-backups",
		Title: "Backups, restores or clones are running, or can start",
		Why: "A backup, snapshot, restore or clone holds a ticket of its own on the volume: the VM's migration cannot finish beside it, or the volume stays " +
			"attached where nothing moves it away, and the node stays in Pre-draining or Pre-drained. A schedule starts one in the middle of the upgrade.",
		Finds: "Harvester's backups, snapshots and restores of VMs that are neither complete nor failed, each with all that Longhorn does for it; schedules of VM backups " +
			"that are not suspended; other backups of Longhorn that are pending or in progress; other volumes that are being restored (standby volumes always are) or cloned, by themselves or their engines; and, as a " +
			"warning, recurring jobs of Longhorn whose schedule can fire and that a volume belongs to.",
		Beyond:   "Backup programs inside the guests, and those of others that reach volumes through snapshots of their own.",
		Remedy:   "wait until the backup is done, and suspend the schedules until the upgrade is over.",
		Severity: Block,
		Waivable: true,
		Needs: []cluster.Kind{
			cluster.VMBackups, cluster.VMRestores, cluster.Backups, cluster.RecurringJobs, cluster.Volumes, cluster.Engines, cluster.LonghornSettings,
		},
		Uses: []cluster.Kind{cluster.VMBackupSchedules, cluster.VMIs},
		Sources: []string{
			"harvester/harvester#6755", "harvester/harvester#9231", "harvester/harvester#7067", "longhorn/longhorn#9535", "longhorn/longhorn#8315",
			"harvester/harvester pkg/webhook/resources/upgrade checkVMBackups", "harvester/harvester pkg/webhook/resources/upgrade checkScheduleVMBackups",
			"harvester/harvester pkg/controller/master/backup IsBackupProgressing", "longhorn/longhorn-manager app/recurringjob filterVolumesForJob",
		},
		Elsewhere: Peers{Webhook: "running VM backups, and schedules that are not suspended; no restores, and nothing of Longhorn's"},
		Run:       runRunningBackups,
	}
}

func runRunningBackups(p *Pass) error {
	ofVMs := newVMOperations()
	for _, backup := range p.VMBackups() {
		if reportVMBackup(p, backup) {
			ofVMs.addBackup(backup)
		}
	}
	for _, restore := range p.VMRestores() {
		if reportVMRestore(p, restore) {
			ofVMs.addRestore(restore)
		}
	}
	for _, schedule := range p.VMBackupSchedules() {
		reportSchedule(p, schedule)
	}
	for _, backup := range p.Backups() {
		if !ofVMs.includeBackup(backup) {
			reportBackup(p, backup)
		}
	}
	reportRestoresAndClones(p, ofVMs)
	reportRecurringJobs(p)
	return nil
}

// reportVMBackup tells whether it reported a backup. It goes by Harvester's own rule: one runs until it is ready to use or has an error.
func reportVMBackup(p *Pass, backup *cluster.VirtualMachineBackup) bool {
	status := backup.Status
	if p.Excluded(backup) || status != nil && (status.Error != nil || status.ReadyToUse != nil && *status.ReadyToUse) {
		return false
	}
	what := cluster.Text(backup.Spec.Type)
	if what == "" {
		what = "backup"
	}
	progress := ""
	if status != nil && status.Progress > 0 {
		progress = fmt.Sprintf(", %d%% done", status.Progress)
	}
	p.Report(Finding{
		Object: ObjectOf(backup), Transient: true, Since: backup.CreationTimestamp.Time,
		Message: fmt.Sprintf("%s %s/%s of VM %s is running%s%s", what, backup.Namespace, backup.Name, backup.Spec.Source.Name, progress, lasting(p, backup.CreationTimestamp.Time)),
		Remedy: fmt.Sprintf("wait until it is done: kubectl -n %[1]s get virtualmachinebackups.harvesterhci.io %[2]s; if it makes no progress, delete it: "+
			"kubectl -n %[1]s delete virtualmachinebackups.harvesterhci.io %[2]s.", backup.Namespace, backup.Name),
	})
	return true
}

// reportVMRestore tells whether it reported a restore, as one that is neither complete nor given up: of one that failed, no condition
// says that it progresses.
func reportVMRestore(p *Pass, restore *cluster.VirtualMachineRestore) bool {
	if p.Excluded(restore) {
		return false
	}
	progress := ""
	if status := restore.Status; status != nil {
		if status.Complete != nil && *status.Complete {
			return false
		}
		progressing, ready := cluster.Condition(status.Conditions, "Progressing"), cluster.Condition(status.Conditions, "Ready")
		if progressing != nil && ready != nil && progressing.Status == string(corev1.ConditionFalse) && ready.Status == string(corev1.ConditionFalse) {
			return false
		}
		if status.Progress > 0 {
			progress = fmt.Sprintf(", %d%% done", status.Progress)
		}
	}
	p.Report(Finding{
		Object: ObjectOf(restore), Transient: true, Since: restore.CreationTimestamp.Time,
		Message: fmt.Sprintf("restore %s/%s of VM %s from %s is running%s%s", restore.Namespace, restore.Name, restore.Spec.Target.Name,
			restore.Spec.VirtualMachineBackupName, progress, lasting(p, restore.CreationTimestamp.Time)),
		Remedy: fmt.Sprintf("wait until it is complete: kubectl -n %s get virtualmachinerestores.harvesterhci.io %s.", restore.Namespace, restore.Name),
	})
	return true
}

// reportSchedule finds schedules that are not suspended, by what has come of the wish: Harvester's webhook asks the status too.
func reportSchedule(p *Pass, schedule *cluster.ScheduleVMBackup) {
	if p.Excluded(schedule) || schedule.Status.Suspended {
		return
	}
	f := Finding{
		Object: ObjectOf(schedule),
		Message: fmt.Sprintf("schedule %s/%s backs up VM %s at %q and is not suspended", schedule.Namespace, schedule.Name,
			schedule.Spec.VMBackup.Source.Name, schedule.Spec.Cron),
		Remedy: fmt.Sprintf("suspend it until the upgrade is over: kubectl -n %s patch schedulevmbackups.harvesterhci.io %s --type merge "+
			`-p '{"spec":{"suspend":true}}'.`, schedule.Namespace, schedule.Name),
	}
	if schedule.Spec.Suspend {
		f.Message += " yet, although it should be"
		f.Transient, f.Remedy = true, "wait until Harvester has suspended it, a few seconds, and retry."
	}
	p.Report(f)
}

// isUnfinishedBackup tells whether a backup of Longhorn is running or about to. One without a snapshot was found on the backup
// target, and is only read from there.
func isUnfinishedBackup(backup *lhv1.Backup) bool {
	switch cluster.Text(backup.Status.State) {
	case lhv1.BackupStatePending, lhv1.BackupStateInProgress:
		return true
	case lhv1.BackupStateNew:
		return cluster.Text(backup.Spec.SnapshotName) != "" && backup.DeletionTimestamp == nil
	}
	return false
}

func reportBackup(p *Pass, backup *lhv1.Backup) {
	state := cluster.Text(backup.Status.State)
	switch state {
	case lhv1.BackupStateCompleted, lhv1.BackupStateError, lhv1.BackupStateUnknown, lhv1.BackupStateDeleting:
		return
	case lhv1.BackupStatePending, lhv1.BackupStateInProgress, lhv1.BackupStateNew:
	default:
		p.Unknownf(backup, "its state is %q, a word that is not known", state)
		return
	}
	if !isUnfinishedBackup(backup) {
		return
	}
	if created := backup.CreationTimestamp.Time; state == lhv1.BackupStateNew && (created.IsZero() || p.Age(created) >= newBackupAge) {
		p.Unknownf(backup, "it reports no state")
		return
	}
	fact := "has just been asked for"
	switch state {
	case lhv1.BackupStatePending:
		fact = "is pending"
	case lhv1.BackupStateInProgress:
		fact = fmt.Sprintf("is in progress, %d%% done", backup.Status.Progress)
	}
	p.Report(Finding{
		Object: ObjectOf(backup), Transient: true, Since: backup.CreationTimestamp.Time,
		Message: fmt.Sprintf("backup %s%s %s%s", backup.Name, ofVolume(p, backup), fact, lasting(p, backup.CreationTimestamp.Time)),
		Remedy: fmt.Sprintf("wait until it is done: kubectl -n longhorn-system get backups.longhorn.io %[1]s; if it makes no progress, delete it: "+
			"kubectl -n longhorn-system delete backups.longhorn.io %[1]s.", backup.Name),
	})
}

// ofVolume names the volume of a backup, which is noted only once the backup has begun.
func ofVolume(p *Pass, backup *lhv1.Backup) string {
	name := cluster.Text(backup.Status.VolumeName)
	if volume := p.Volume(name); volume != nil {
		return " of " + describeVolume(p, volume)
	}
	if name != "" {
		return " of volume " + name
	}
	return ""
}
