package drain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// tiedVolume says which volume of a VM Longhorn cannot migrate, so that the VM's migration fails; nil where there is none. A migration adds
// one engine and one ticket of the CSI driver, and needs that there is one of each before (longhorn-manager, controller/
// volume_controller.go, processMigration; controller/volume_attachment_controller.go, handleVolumeMigrationStart). A volume that a share
// manager serves is not migrated, for both nodes reach it.
func (m *model) tiedVolume(vmi *kubevirtv1.VirtualMachineInstance) *Stop {
	for _, claim := range cluster.ClaimsOf(vmi) {
		object := m.Claim(vmi.Namespace, claim)
		if object == nil {
			continue
		}
		volume := m.Volume(object.Spec.VolumeName)
		if volume == nil || m.IsOrdinary(volume) || !volume.Spec.Migratable || volume.Spec.AccessMode != lhv1.AccessModeReadWriteMany {
			continue
		}
		if s := m.tie(volume); s != nil {
			return s
		}
	}
	return nil
}

func (m *model) tie(volume *cluster.Volume) *Stop {
	if engines := m.EnginesOf(volume.Name); len(engines) > 1 {
		return &Stop{Confidence: Certain, Check: "multi-engine-volumes", Evidence: []string{"Engine spec.volumeName"},
			Because: fmt.Sprintf("its volume %s has %d engines, and Longhorn migrates only a volume with one", volume.Name, len(engines))}
	}
	for _, engine := range m.EnginesOf(volume.Name) {
		for _, purge := range engine.Status.PurgeStatus {
			if purge != nil && purge.IsPurging {
				return &Stop{Confidence: Likely, Check: "snapshot-anomalies", Transient: true, Evidence: []string{"Engine status.purgeStatus"},
					Because: fmt.Sprintf("its volume %s is purging snapshots, and a migration meanwhile fails (longhorn/longhorn#10495)", volume.Name)}
			}
		}
	}
	attachment := m.AttachmentOf(volume.Name)
	if attachment == nil {
		return nil
	}
	tickets := 0
	for _, ticket := range attachment.Spec.AttachmentTickets.All() {
		if ticket != nil && ticket.Type == lhv1.AttacherTypeCSIAttacher {
			tickets++
		}
	}
	if tickets < 2 {
		return nil
	}
	return &Stop{Confidence: Certain, Check: "stale-attachments", Evidence: []string{"VolumeAttachment.longhorn.io spec.attachmentTickets"},
		Because: fmt.Sprintf("its volume %s has %d tickets of the CSI driver already, and a migration adds the second", volume.Name, tickets)}
}

// migrate finds room for all VMs that leave the node at once.
func (m *model) migrate(leaving []*kubevirtv1.VirtualMachineInstance) {
	var targets []*corev1.Pod
	var vmis []*kubevirtv1.VirtualMachineInstance
	for _, vmi := range leaving {
		launcher := m.launcherOf(vmi)
		if launcher == nil {
			m.cannotTell(vmi, "it has no launcher pod on its node, so what it needs elsewhere is not known")
			continue
		}
		m.gone[launcher] = true
		if m.blind() {
			continue
		}
		if m.describesCPUs && isHostModel(vmi) && !selectsHostModel(launcher) && !describesCPU(m.here) {
			m.cannotTell(vmi, fmt.Sprintf("%s is not labelled with its CPU, so which nodes can run its guest is not known", m.here.Name))
		}
		targets = append(targets, m.targetOf(vmi, launcher))
		vmis = append(vmis, vmi)
		m.moving += memoryGiB(vmi)
	}
	for i, placed := range m.room.PlaceAll(targets).Pods {
		m.arrive(vmis[i], placed)
	}
}

// arrive notes where a VM goes, or what becomes of one for which there is no room.
func (m *model) arrive(vmi *kubevirtv1.VirtualMachineInstance, placed Placed) {
	s := Stop{Confidence: placed.Confidence, Evidence: []string{"Pod spec of its launcher, Node status.allocatable"},
		Remedy: fmt.Sprintf("make room on another node, or stop VMs for the time of the upgrade, this one first: virtctl stop %s -n %s.", vmi.Name, vmi.Namespace)}
	if placed.Node == "" {
		s.Because = "no other node takes it: " + reasonsInWords(placed.Reasons)
		m.cannotMove(vmi, s)
		return
	}
	m.plan.Moves = append(m.plan.Moves, Move{Namespace: vmi.Namespace, Name: vmi.Name, To: placed.Node})
	m.launchers[vmi] = placed.Pod
	m.guests[placed.Node] = append(m.guests[placed.Node], vmi)
	if placed.Confidence != Possible {
		return
	}
	// There is room for all, but the scheduler knows nothing of those that come after.
	s.Because = "the other nodes have room for all VMs only if each goes to the right one"
	if cluster.Before(m.target, ReleaseStopsFailedMoves) {
		m.cannotMove(vmi, s)
		return
	}
	m.plan.ShutDowns = append(m.plan.ShutDowns, ShutDown{Namespace: vmi.Namespace, Name: vmi.Name, Because: s.Because, Confidence: Possible, Object: vmi})
}

// targetOf returns the pod for which a VM that leaves the node needs room. Its own node is cordoned, so that the launcher itself will do, unless
// the new one asks for the CPU of the host on which the VM was started.
func (m *model) targetOf(vmi *kubevirtv1.VirtualMachineInstance, launcher *corev1.Pod) *corev1.Pod {
	if m.launchers[vmi] != nil || !isHostModel(vmi) || selectsHostModel(launcher) || !describesCPU(m.here) {
		return launcher
	}
	target := MigrationTarget(vmi, launcher, m.here)
	m.room.Remove(launcher)
	return target
}

// reasonsInWords counts the nodes by what keeps a pod off them, the most frequent first, as kube-scheduler words it.
func reasonsInWords(reasons map[string]Reason) string {
	count := map[string]int{}
	for _, reason := range reasons {
		count[reason.Text]++
	}
	texts := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	for i, text := range texts {
		texts[i] = fmt.Sprintf("%d %s", count[text], text)
	}
	return strings.Join(texts, ", ")
}
