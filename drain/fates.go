package drain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// The first releases whose upgrade script treats VMs as it does now. A node is drained by the target's script.
const (
	// ReleaseMovesCDROMs is the first that does not shut a VM down for a CD-ROM or container disk.
	ReleaseMovesCDROMs = "v1.8.0"
	// ReleaseStopsFailedMoves is the first that shuts a VM down whose migration failed; before, it was waited for without end.
	ReleaseStopsFailedMoves = "v1.7.0"
)

// Fates tells what the drain of its node does to a running VM: first Harvester's detector shuts some down, then KubeVirt moves some,
// and the rest is waited for without a time limit.
type Fates struct {
	*cluster.Snapshot
	// Target is the version to upgrade to; nil where it is not known, which means the newest rules.
	Target *version.Version

	nodes      []*corev1.Node // those that can run VMs: all but witnesses
	stopsMedia bool
}

// Fate is what the drain of its node does to a running VM. Where all is empty, KubeVirt moves it, if another node has room.
type Fate struct {
	// Stops are the reasons for which Harvester shuts the VM down.
	Stops []string
	// Stays are the reasons for which KubeVirt does not move it.
	Stays []string
	// Waiting is true where it stays only because KubeVirt has not yet said whether it can be moved.
	Waiting bool
	// Unusable are the only other nodes that match its required node affinity, where each is not ready.
	Unusable []*corev1.Node
	// Unknown says why nothing of it could be told.
	Unknown string
}

// NewFates returns the rules of a target version for a cluster.
func NewFates(s *cluster.Snapshot, target *version.Version) Fates {
	f := Fates{Snapshot: s, Target: target, stopsMedia: cluster.Before(target, ReleaseMovesCDROMs)}
	for _, node := range s.Nodes() {
		if !cluster.IsWitness(node) {
			f.nodes = append(f.nodes, node)
		}
	}
	return f
}

// OnlyNode tells whether there is no node to move anything to. Harvester then shuts all VMs down.
func (r Fates) OnlyNode() bool { return len(r.nodes) == 1 }

// Of returns the fate of a running VM when a node is drained: the one that its status names, or the one that it will have been moved to
// by then.
func (r Fates) Of(vmi *kubevirtv1.VirtualMachineInstance, node string) Fate {
	var f Fate
	switch {
	case r.Node(node) == nil:
		f.Unknown = fmt.Sprintf("it runs on %q, which is no node of the cluster", node)
		return f
	case r.OnlyNode():
		f.Stops = []string{"there is no other node"}
		return f
	}
	if f.Stops = r.reasonsToStop(vmi); len(f.Stops) > 0 {
		return f
	}
	usable, unusable, err := r.othersFor(vmi, node)
	switch {
	case err != nil:
		f.Unknown = err.Error()
		return f
	case !usable && len(unusable) == 0:
		f.Stops = []string{"every other node is cordoned"}
		if requiredAffinity(vmi) != nil {
			f.Stops = []string{"no other node that is not cordoned matches its required node affinity"}
		}
		return f
	}
	r.judgeEvacuation(vmi, &f)
	f.Unusable = unusable
	return f
}

// reasonsToStop are those of Harvester's vm-live-migrate-detector that need no look at other nodes. It does not look at whether
// KubeVirt can migrate the VM, nor at whether another node satisfies a node selector.
func (r Fates) reasonsToStop(vmi *kubevirtv1.VirtualMachineInstance) []string {
	var reasons []string
	if selector := r.lastingSelector(vmi); len(selector) > 0 {
		reasons = append(reasons, "it has the node selector "+Abridge(selector))
	}
	if devices := vmi.Spec.Domain.Devices.HostDevices; len(devices) > 0 {
		var names []string
		for _, device := range devices {
			names = append(names, device.Name)
		}
		reasons = append(reasons, "it has the host device "+Abridge(names))
	}
	if r.stopsMedia {
		if media := FixedMedia(vmi); len(media) > 0 {
			reasons = append(reasons, "it has the "+Abridge(media))
		}
	}
	return reasons
}

// lastingSelector returns the node selector of a VMI as KEY=VALUE, sorted. Harvester before v1.7 steers a migration by adding to it,
// so that while one runs only what the VM's template asks for counts.
func (r Fates) lastingSelector(vmi *kubevirtv1.VirtualMachineInstance) []string {
	if len(vmi.Spec.NodeSelector) == 0 {
		return nil
	}
	var lasting []string
	foreign := r.ForeignSelector(vmi)
	migrating := len(foreign) > 0 && r.ActiveMigrationOf(vmi) != nil
	for _, key := range slices.Sorted(maps.Keys(vmi.Spec.NodeSelector)) {
		if migrating && slices.Contains(foreign, key) {
			continue
		}
		lasting = append(lasting, key+"="+vmi.Spec.NodeSelector[key])
	}
	return lasting
}

// ForeignSelector returns the keys of a VMI's node selector that only a migration puts there: its VM's template has them not.
func (r Fates) ForeignSelector(vmi *kubevirtv1.VirtualMachineInstance) []string {
	vm := r.VirtualMachineOf(vmi)
	if len(vmi.Spec.NodeSelector) == 0 || vm == nil || vm.Spec.Template == nil {
		return nil
	}
	var foreign []string
	for _, key := range slices.Sorted(maps.Keys(vmi.Spec.NodeSelector)) {
		if _, wanted := vm.Spec.Template.Spec.NodeSelector[key]; !wanted && isMigrationSelector(key) {
			foreign = append(foreign, key)
		}
	}
	return foreign
}

func isMigrationSelector(key string) bool {
	return key == corev1.LabelHostname || strings.HasPrefix(key, kubevirtv1.CPUFeatureLabel) ||
		strings.HasPrefix(key, kubevirtv1.SupportedHostModelMigrationCPU) || strings.HasPrefix(key, kubevirtv1.SupportedMachineTypeLabel)
}

// FixedMedia returns the CD-ROMs and container disks of a VMI, "CD-ROM cdrom-1".
func FixedMedia(vmi *kubevirtv1.VirtualMachineInstance) []string {
	var media []string
	for _, disk := range vmi.Spec.Domain.Devices.Disks {
		if disk.CDRom != nil {
			media = append(media, "CD-ROM "+disk.Name)
		}
	}
	for _, volume := range vmi.Spec.Volumes {
		if volume.ContainerDisk != nil {
			media = append(media, "container disk "+volume.Name)
		}
	}
	return media
}

func requiredAffinity(vmi *kubevirtv1.VirtualMachineInstance) *corev1.NodeSelector {
	if vmi.Spec.Affinity == nil || vmi.Spec.Affinity.NodeAffinity == nil {
		return nil
	}
	return vmi.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

// othersFor looks for a node other than the VMI's that is not cordoned and matches its required node affinity, as the detector does
// (harvester/harvester, pkg/util/virtualmachineinstance, migratableByNodeAffinity). It stops at the first that could take the VM; where
// there is none, it returns those that match but are not ready, at which the detector does not look.
func (r Fates) othersFor(vmi *kubevirtv1.VirtualMachineInstance, on string) (usable bool, unusable []*corev1.Node, err error) {
	affinity := requiredAffinity(vmi)
	for _, node := range r.nodes {
		if node.Name == on || node.Spec.Unschedulable {
			continue
		}
		matches := affinity == nil
		if affinity != nil {
			if matches, err = cluster.MatchesNodeSelector(node, affinity); err != nil {
				return false, nil, err
			}
		}
		switch {
		case matches && isNodeReady(node):
			return true, nil, nil
		case matches:
			unusable = append(unusable, node)
		}
	}
	return false, unusable, nil
}

func isNodeReady(node *corev1.Node) bool {
	ready := cluster.NodeCondition(node, corev1.NodeReady)
	return ready != nil && ready.Status == corev1.ConditionTrue
}

// judgeEvacuation applies the rules of KubeVirt's evacuation controller: the strategy must be one that migrates, and the condition
// LiveMigratable must be True; without the condition nothing is moved.
func (r Fates) judgeEvacuation(vmi *kubevirtv1.VirtualMachineInstance, f *Fate) {
	strategy, origin, ok := r.evictionStrategy(vmi)
	switch {
	case !ok:
		f.Unknown = "it has no eviction strategy of its own, and there is no KubeVirt object that sets one for all"
		return
	case strategy == kubevirtv1.EvictionStrategyLiveMigrate, strategy == kubevirtv1.EvictionStrategyLiveMigrateIfPossible:
	case strategy == kubevirtv1.EvictionStrategyNone, strategy == kubevirtv1.EvictionStrategyExternal:
		f.Stays = append(f.Stays, "its eviction strategy is "+string(strategy)+origin)
	case strategy == "":
		f.Stays = append(f.Stays, "it has no eviction strategy")
	default:
		f.Unknown = fmt.Sprintf("its eviction strategy is %q%s", strategy, origin)
		return
	}
	condition := cluster.VMICondition(vmi, kubevirtv1.VirtualMachineInstanceIsMigratable)
	switch {
	case len(vmi.Status.Conditions) == 0:
		f.Unknown = "it reports no conditions"
	case condition == nil:
		f.Waiting = len(f.Stays) == 0
		f.Stays = append(f.Stays, "KubeVirt has not said whether it can be migrated")
	case condition.Status == corev1.ConditionFalse:
		f.Stays = append(f.Stays, "KubeVirt cannot migrate it"+explanation(condition))
	case condition.Status != corev1.ConditionTrue:
		f.Unknown = fmt.Sprintf("its condition LiveMigratable is %q", condition.Status)
	}
}

// evictionStrategy returns the strategy that applies to a VMI, and ", KubeVirt's for all VMs" where it is KubeVirt's own; false where it
// would be KubeVirt's, and there is none.
func (r Fates) evictionStrategy(vmi *kubevirtv1.VirtualMachineInstance) (strategy kubevirtv1.EvictionStrategy, origin string, ok bool) {
	if vmi.Spec.EvictionStrategy != nil && cluster.Text(string(*vmi.Spec.EvictionStrategy)) != "" {
		return *vmi.Spec.EvictionStrategy, "", true
	}
	for _, kubevirt := range r.KubeVirts() {
		if common := kubevirt.Spec.Configuration.EvictionStrategy; common != nil {
			return kubevirtv1.EvictionStrategy(cluster.Text(string(*common))), ", KubeVirt's for all VMs", true
		}
	}
	return "", "", len(r.KubeVirts()) > 0
}

// explanation returns a condition's reason and message on one line, in parentheses; empty where it has none.
func explanation(condition *kubevirtv1.VirtualMachineInstanceCondition) string {
	reason, message := cluster.Text(condition.Reason), strings.Join(strings.Fields(cluster.Text(condition.Message)), " ")
	switch {
	case reason != "" && message != "":
		return " (" + reason + ": " + message + ")"
	case reason+message != "":
		return " (" + reason + message + ")"
	}
	return ""
}

// Abridge joins words, of many only the first three and how many more there are.
func Abridge(words []string) string {
	const shown = 3
	if len(words) <= shown+1 {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:shown], ", "), len(words)-shown)
}
