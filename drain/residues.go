package drain

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// eventLife is how long the API server keeps events.
	eventLife = time.Hour
	// evacuationPrefix begins the names of the migrations that a drain asks for.
	evacuationPrefix = "kubevirt-evacuation"
)

// awaitDeletedVMI looks at a VMI that is being deleted: it goes by itself, and is counted until then. One that has had its time stays
// (kubevirt/kubevirt, pkg/virt-controller/watch/drain/evacuation skips it).
func (m *model) awaitDeletedVMI(vmi *kubevirtv1.VirtualMachineInstance) {
	if !m.Lasted(vmi.DeletionTimestamp.Time, cluster.PatienceWithDeletion(vmi)+1) {
		return
	}
	over := m.RoundedAge(vmi.DeletionTimestamp.Time, time.Minute)
	m.stop(Stop{State: PreDraining, Confidence: Certain, Object: vmi, Check: residueCheck(vmi),
		Because:  fmt.Sprintf("%s has been being deleted for %s, and the upgrade waits until it is gone", vmName(vmi), over),
		Evidence: []string{"VirtualMachineInstance metadata.deletionTimestamp"}})
}

// awaitPhase looks at a VMI that does not run: the upgrade counts it until it has succeeded or is gone (upgrade_node.sh,
// get_running_vm_count), and nothing moves it.
func (m *model) awaitPhase(vmi *kubevirtv1.VirtualMachineInstance) {
	s := Stop{State: PreDraining, Object: vmi, Check: residueCheck(vmi), Evidence: []string{"VirtualMachineInstance status.phase"},
		Because: fmt.Sprintf("%s is %s, and the upgrade waits until it is gone", vmName(vmi), vmi.Status.Phase)}
	began := cluster.PhaseBegan(vmi)
	if began.IsZero() {
		began = vmi.CreationTimestamp.Time
	}
	young := !m.Lasted(began, cluster.PatienceWithVMIs+1)
	switch vmi.Status.Phase {
	case kubevirtv1.Failed, kubevirtv1.Unknown:
		s.Confidence, s.Transient = Certain, young
	case kubevirtv1.Pending, kubevirtv1.Scheduling, kubevirtv1.Scheduled, kubevirtv1.WaitingForSync:
		s.Confidence = Likely
		if young {
			s.Confidence, s.Transient = Possible, true // It is starting.
		}
	default:
		m.cannotTell(vmi, fmt.Sprintf("its phase is %q", vmi.Status.Phase))
		return
	}
	m.stop(s)
}

// residueCheck names the check that reports a VMI that stays: that of an upgrade is left to upgrade-leftovers.
func residueCheck(vmi *kubevirtv1.VirtualMachineInstance) string {
	if _, upgrades := vmi.Labels[cluster.LabelUpgrade]; upgrades {
		return "upgrade-leftovers"
	}
	return "residual-vmis"
}

// isBetweenNodes reports a VM that KubeVirt does not move because it is being moved, or has more than one launcher
// (kubevirt/kubevirt, evacuation controller, VMIActivePodsCount).
func (m *model) isBetweenNodes(vmi *kubevirtv1.VirtualMachineInstance) bool {
	s := Stop{State: PreDraining, Confidence: Likely, Object: vmi, Check: "in-flight-migrations", Transient: true}
	if migration := m.ActiveMigrationOf(vmi); migration != nil {
		s.Because = fmt.Sprintf("%s is being migrated by %s, and is not moved again before that ends", vmName(vmi), migration.Name)
		s.Evidence = []string{"VirtualMachineInstanceMigration status.phase"}
		m.stop(s)
		return true
	}
	launchers := 0
	for _, pod := range m.LauncherPodsOf(vmi) {
		if !cluster.IsEnded(pod) {
			launchers++
		}
	}
	if launchers < 2 {
		return false
	}
	s.Because = fmt.Sprintf("%s has %d launcher pods, and is not moved before one of them is gone", vmName(vmi), launchers)
	s.Evidence = []string{"Pod metadata.labels kubevirt.io/created-by, status.phase"}
	m.stop(s)
	return true
}

// isPausedByError reports a VM that is paused because its disk or its last migration failed, which no migration is sure to get over. One
// that was paused by hand is moved as it is.
func (m *model) isPausedByError(vmi *kubevirtv1.VirtualMachineInstance) bool {
	paused := cluster.VMICondition(vmi, kubevirtv1.VirtualMachineInstancePaused)
	if paused == nil || paused.Status != corev1.ConditionTrue || paused.Reason == "PausedByUser" {
		return false
	}
	m.stop(Stop{State: PreDraining, Confidence: Likely, Object: vmi, Check: "paused-vms",
		Because:  fmt.Sprintf("%s is paused (%s), and its migration would fail", vmName(vmi), paused.Reason),
		Evidence: []string{"VirtualMachineInstance status.conditions[Paused]"}})
	return true
}

// noteFailedEvacuation warns of an evacuation of the VM that failed less than an hour ago: while its event is there, the pre-drain job takes it
// for its own and shuts the VM down, although it would move (upgrade_node.sh, check_migrations_phase, since v1.7.0).
func (m *model) noteFailedEvacuation(vmi *kubevirtv1.VirtualMachineInstance) {
	if cluster.Before(m.target, ReleaseStopsFailedMoves) || m.VirtualMachineOf(vmi) == nil {
		return
	}
	for _, migration := range m.MigrationsOf(vmi) {
		if migration.Status.Phase != kubevirtv1.MigrationFailed || !strings.HasPrefix(migration.Name, evacuationPrefix) {
			continue
		}
		if failed := failedAt(migration); failed.IsZero() || m.Lasted(failed, eventLife+1) {
			continue
		}
		if m.told[objectKey(migration)] {
			return // It was warned of when the VM left the node before.
		}
		m.told[objectKey(migration)] = true
		m.plan.ShutDowns = append(m.plan.ShutDowns, ShutDown{Namespace: vmi.Namespace, Name: vmi.Name, Confidence: Possible, Object: vmi,
			Because: fmt.Sprintf("its evacuation %s failed less than an hour ago, and the upgrade takes that for its own", migration.Name)})
		return
	}
}

// failedAt returns when a migration failed: by its phases, or else by its state; for one that says neither, when it was made.
func failedAt(migration *kubevirtv1.VirtualMachineInstanceMigration) time.Time {
	for _, transition := range migration.Status.PhaseTransitionTimestamps {
		if transition.Phase == kubevirtv1.MigrationFailed {
			return transition.PhaseTransitionTimestamp.Time
		}
	}
	if state := migration.Status.MigrationState; state != nil && state.EndTimestamp != nil {
		return state.EndTimestamp.Time
	}
	return migration.CreationTimestamp.Time
}
