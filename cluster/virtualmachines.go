package cluster

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kubevirtv1 "kubevirt.io/api/core/v1"
)

// Annotations that Harvester puts on a VMI while it migrates (harvester/harvester, pkg/util/constants.go).
const (
	AnnotationMigrationUID   = "harvesterhci.io/migrationUID"
	AnnotationMigrationState = "harvesterhci.io/migrationState"
)

const (
	// AnnotationInstallStrategy holds the version of KubeVirt that a pod of KubeVirt belongs to.
	AnnotationInstallStrategy = "kubevirt.io/install-strategy-version"
	// AnnotationVMIDomain names the VMI of a virt-launcher pod.
	AnnotationVMIDomain = "kubevirt.io/domain"
)

// PatienceWithVMIs is how long a VMI may be on its way into or out of life before it counts as one that stays.
const PatienceWithVMIs = 10 * time.Minute

// VirtualMachines returns every VirtualMachine, running or not.
func (s *Snapshot) VirtualMachines() []*kubevirtv1.VirtualMachine { return s.virtualMachines.items }

// VirtualMachine returns the VirtualMachine of that name, or nil. A VMI has the name of its VirtualMachine.
func (s *Snapshot) VirtualMachine(namespace, name string) *kubevirtv1.VirtualMachine {
	return s.virtualMachines.get(namespace, name)
}

// KubeVirts returns the installations of KubeVirt, of which a Harvester cluster has one.
func (s *Snapshot) KubeVirts() []*kubevirtv1.KubeVirt { return s.kubevirts }

// CDIs returns the installations of CDI, KubeVirt's image importer, of which a Harvester cluster has one or none.
func (s *Snapshot) CDIs() []*CDI { return s.cdis }

// VMIs returns every VirtualMachineInstance.
func (s *Snapshot) VMIs() []*kubevirtv1.VirtualMachineInstance { return s.vmis.items }

// VMI returns the VirtualMachineInstance of that name, or nil.
func (s *Snapshot) VMI(namespace, name string) *kubevirtv1.VirtualMachineInstance {
	return s.vmis.get(namespace, name)
}

// VirtualMachineOf returns the VirtualMachine that a VMI belongs to, or nil where the VMI names none as its controller or that
// one does not exist.
func (s *Snapshot) VirtualMachineOf(vmi *kubevirtv1.VirtualMachineInstance) *kubevirtv1.VirtualMachine {
	owner := metav1.GetControllerOfNoCopy(vmi)
	if owner == nil || owner.Kind != kubevirtv1.VirtualMachineGroupVersionKind.Kind {
		return nil
	}
	return s.VirtualMachine(vmi.Namespace, owner.Name)
}

// VMIsOn returns the VMIs whose status names the node.
func (s *Snapshot) VMIsOn(node string) []*kubevirtv1.VirtualMachineInstance {
	return s.vmisOnNode.of(node)
}

// VMIsUsing returns the VMIs that mount a persistent volume claim, directly or through a DataVolume of the same name.
func (s *Snapshot) VMIsUsing(namespace, claim string) []*kubevirtv1.VirtualMachineInstance {
	return s.vmisOfClaim[types.NamespacedName{Namespace: namespace, Name: claim}]
}

// Migrations returns every VirtualMachineInstanceMigration.
func (s *Snapshot) Migrations() []*kubevirtv1.VirtualMachineInstanceMigration { return s.migrations }

// MigrationsOf returns the migrations of a VMI, finished ones included.
func (s *Snapshot) MigrationsOf(vmi *kubevirtv1.VirtualMachineInstance) []*kubevirtv1.VirtualMachineInstanceMigration {
	return s.migrationsOfVMI.of(NameOf(vmi))
}

// ActiveMigrationOf returns the migration of a VMI that is not finished, or nil. Of several it is the oldest by name.
func (s *Snapshot) ActiveMigrationOf(vmi *kubevirtv1.VirtualMachineInstance) *kubevirtv1.VirtualMachineInstanceMigration {
	for _, migration := range s.migrationsOfVMI.of(NameOf(vmi)) {
		if IsActive(migration) {
			return migration
		}
	}
	return nil
}

// IsActive tells whether a migration is not finished. A phase that is not known counts as unfinished.
func IsActive(migration *kubevirtv1.VirtualMachineInstanceMigration) bool {
	return migration.Status.Phase != kubevirtv1.MigrationSucceeded && migration.Status.Phase != kubevirtv1.MigrationFailed
}

// LauncherPodsOf returns the virt-launcher pods of a VMI, finished ones included.
func (s *Snapshot) LauncherPodsOf(vmi *kubevirtv1.VirtualMachineInstance) []*corev1.Pod {
	return s.launchersOfVMI.of(vmi.UID)
}

// IOErrorsOf returns the events with reason IOerror about a VMI. The API server forgets events after an hour.
func (s *Snapshot) IOErrorsOf(vmi *kubevirtv1.VirtualMachineInstance) []*corev1.Event {
	return s.ioErrorsOfVMI.of(NameOf(vmi))
}

// VMICondition returns a VMI's condition of that type, or nil where the VMI does not report it.
func VMICondition(vmi *kubevirtv1.VirtualMachineInstance, conditionType kubevirtv1.VirtualMachineInstanceConditionType) *kubevirtv1.VirtualMachineInstanceCondition {
	for i := range vmi.Status.Conditions {
		if vmi.Status.Conditions[i].Type == conditionType {
			return &vmi.Status.Conditions[i]
		}
	}
	return nil
}

// PhaseBegan returns when a VMI entered its phase; zero where it does not say.
func PhaseBegan(vmi *kubevirtv1.VirtualMachineInstance) time.Time {
	var began time.Time
	for _, transition := range vmi.Status.PhaseTransitionTimestamps {
		if at := transition.PhaseTransitionTimestamp.Time; transition.Phase == vmi.Status.Phase && at.After(began) {
			began = at
		}
	}
	return began
}

// PatienceWithDeletion returns how long a VMI that is being deleted may take before it counts as one that does not go: its guest has its
// whole grace period to shut down.
func PatienceWithDeletion(vmi *kubevirtv1.VirtualMachineInstance) time.Duration {
	if grace := vmi.Spec.TerminationGracePeriodSeconds; grace != nil {
		return max(PatienceWithVMIs, time.Duration(*grace)*time.Second)
	}
	return PatienceWithVMIs
}

// ClaimsOf returns the names of the persistent volume claims that a VMI mounts, in the order of its volumes.
func ClaimsOf(vmi *kubevirtv1.VirtualMachineInstance) []string {
	var claims []string
	for _, volume := range vmi.Spec.Volumes {
		if claim := claimOf(volume); claim != "" {
			claims = append(claims, claim)
		}
	}
	return claims
}

func claimOf(volume kubevirtv1.Volume) string {
	switch {
	case volume.PersistentVolumeClaim != nil:
		return volume.PersistentVolumeClaim.ClaimName
	case volume.DataVolume != nil:
		return volume.DataVolume.Name
	}
	return ""
}

func (s *Snapshot) indexVMIs() {
	s.vmisOfClaim = make(map[types.NamespacedName][]*kubevirtv1.VirtualMachineInstance, len(s.vmis.items))
	for _, vmi := range s.vmis.items {
		for _, claim := range ClaimsOf(vmi) {
			key := types.NamespacedName{Namespace: vmi.Namespace, Name: claim}
			s.vmisOfClaim[key] = append(s.vmisOfClaim[key], vmi)
		}
	}
	s.vmisOnNode = groupBy(s.vmis.items, func(vmi *kubevirtv1.VirtualMachineInstance) (string, bool) {
		return vmi.Status.NodeName, vmi.Status.NodeName != ""
	})
}

func (s *Snapshot) indexMigrations() {
	sortByName(s.migrations)
	s.migrationsOfVMI = groupBy(s.migrations, func(m *kubevirtv1.VirtualMachineInstanceMigration) (types.NamespacedName, bool) {
		return types.NamespacedName{Namespace: m.Namespace, Name: m.Spec.VMIName}, true
	})
}

func (s *Snapshot) indexIOErrors() {
	s.ioErrorsOfVMI = groupBy(s.ioErrors, func(event *corev1.Event) (types.NamespacedName, bool) {
		about := event.InvolvedObject
		return types.NamespacedName{Namespace: about.Namespace, Name: about.Name}, about.Kind == "VirtualMachineInstance"
	})
}
