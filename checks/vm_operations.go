package checks

import (
	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// vmOperations is what Longhorn does for backups and restores of VMs that are reported themselves.
type vmOperations struct {
	// backups are Longhorn's backups by name, beginning the volumes of which no name is known yet.
	backups, beginning map[string]bool
	// claims are those that are being restored.
	claims map[types.NamespacedName]bool
}

func newVMOperations() vmOperations {
	return vmOperations{backups: map[string]bool{}, beginning: map[string]bool{}, claims: map[types.NamespacedName]bool{}}
}

func (o vmOperations) addBackup(backup *cluster.VirtualMachineBackup) {
	if backup.Status == nil {
		return
	}
	for _, volume := range backup.Status.VolumeBackups {
		if name := cluster.Text(volume.LonghornBackupName); name != "" {
			o.backups[name] = true
		} else {
			o.beginning[volume.VolumeName] = true
		}
	}
}

func (o vmOperations) addRestore(restore *cluster.VirtualMachineRestore) {
	if restore.Status == nil {
		return
	}
	for _, volume := range restore.Status.VolumeRestores {
		claim := volume.PersistentVolumeClaim.Metadata
		o.claims[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = true
	}
}

// includeBackup tells whether a backup of Longhorn is part of one of a VM.
func (o vmOperations) includeBackup(backup *lhv1.Backup) bool {
	volume := cluster.Text(backup.Status.VolumeName)
	return o.backups[backup.Name] || volume != "" && o.beginning[volume]
}

// includeRestoreOf tells whether a volume gets its data from a restore of a VM. A standby volume never does.
func (o vmOperations) includeRestoreOf(volume *cluster.Volume) bool {
	claim := volume.Status.KubernetesStatus
	return o.claims[types.NamespacedName{Namespace: cluster.Text(claim.Namespace), Name: cluster.Text(claim.PVCName)}] && !volume.Status.IsStandby
}
