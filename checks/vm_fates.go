package checks

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
	releaseMovesCDROMs       = "v1.8.0" // Before, a CD-ROM or container disk had the VM shut down.
	releaseStopsFailedMoving = "v1.7.0" // Before, a VM whose migration failed was waited for without end.
)

// drainRules decide what the drain of its node does to a running VM: first Harvester's detector shuts some down, then KubeVirt
// moves some, and the rest is waited for without a time limit.
type drainRules struct {
	*Pass
	// nodes are those that can run VMs: all but witnesses.
	nodes []*corev1.Node
	// target is the version to upgrade to; nil where it is not known.
	target *version.Version
	// stopsMedia is true where a CD-ROM or container disk has a VM shut down.
	stopsMedia bool
}

// fate is what the drain of its node does to a running VM. Where all is empty, KubeVirt moves it.
type fate struct {
	// stops are the reasons for which Harvester shuts the VM down.
	stops []string
	// stays are the reasons for which KubeVirt does not move it.
	stays []string
	// waiting is true where it stays only because KubeVirt has not yet said whether it can be moved.
	waiting bool
	// unusable are the only other nodes that match its required node affinity, where each is cordoned or not ready.
	unusable []*corev1.Node
	// unknown says why nothing of it could be told.
	unknown string
}

func newDrainRules(p *Pass) drainRules {
	rules := drainRules{Pass: p, target: p.Target()}
	rules.stopsMedia = before(rules.target, releaseMovesCDROMs)
	for _, node := range p.Nodes() {
		if !cluster.IsWitness(node) {
			rules.nodes = append(rules.nodes, node)
		}
	}
	return rules
}

// onlyNode tells whether there is no node to move anything to. Harvester then shuts all VMs down.
func (r drainRules) onlyNode() bool { return len(r.nodes) == 1 }

func (r drainRules) fateOf(vmi *kubevirtv1.VirtualMachineInstance) fate {
	var f fate
	switch {
	case r.Node(vmi.Status.NodeName) == nil:
		f.unknown = fmt.Sprintf("it runs on %q, which is no node of the cluster", vmi.Status.NodeName)
		return f
	case r.onlyNode():
		f.stops = []string{"there is no other node"}
		return f
	}
	if f.stops = r.reasonsToStop(vmi); len(f.stops) > 0 {
		return f
	}
	usable, unusable, err := r.othersFor(vmi)
	switch {
	case err != nil:
		f.unknown = err.Error()
		return f
	case !usable && len(unusable) == 0:
		f.stops = []string{"no other node matches its required node affinity"}
		return f
	}
	r.judgeEvacuation(vmi, &f)
	f.unusable = unusable
	return f
}

// reasonsToStop are those of Harvester's vm-live-migrate-detector that need no look at other nodes. It does not look at whether
// KubeVirt can migrate the VM, nor at whether another node satisfies a node selector.
func (r drainRules) reasonsToStop(vmi *kubevirtv1.VirtualMachineInstance) []string {
	var reasons []string
	if selector := r.lastingSelector(vmi); len(selector) > 0 {
		reasons = append(reasons, "it has the node selector "+abridge(selector))
	}
	if devices := vmi.Spec.Domain.Devices.HostDevices; len(devices) > 0 {
		var names []string
		for _, device := range devices {
			names = append(names, device.Name)
		}
		reasons = append(reasons, "it has the host device "+abridge(names))
	}
	if r.stopsMedia {
		if media := fixedMedia(vmi); len(media) > 0 {
			reasons = append(reasons, "it has the "+abridge(media))
		}
	}
	return reasons
}

// lastingSelector returns the node selector of a VMI as KEY=VALUE, sorted. Harvester before v1.7 steers a migration by adding to
// it, so that while one runs only what the VM's template asks for counts.
func (r drainRules) lastingSelector(vmi *kubevirtv1.VirtualMachineInstance) []string {
	var lasting []string
	foreign := r.foreignSelector(vmi)
	migrating := len(foreign) > 0 && r.ActiveMigrationOf(vmi) != nil
	for _, key := range slices.Sorted(maps.Keys(vmi.Spec.NodeSelector)) {
		if migrating && slices.Contains(foreign, key) {
			continue
		}
		lasting = append(lasting, key+"="+vmi.Spec.NodeSelector[key])
	}
	return lasting
}

// foreignSelector returns the keys of a VMI's node selector that only a migration puts there: its VM's template has them not.
func (r drainRules) foreignSelector(vmi *kubevirtv1.VirtualMachineInstance) []string {
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

// fixedMedia returns the CD-ROMs and container disks of a VMI.
func fixedMedia(vmi *kubevirtv1.VirtualMachineInstance) []string {
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

// othersFor looks for a node other than its own that matches a VMI's required node affinity. It stops at the first that could take
// the VM; where there is none, it returns those that match but are cordoned or not ready. Without such an affinity every node
// matches, and what is wrong with them is the business of nodes-unready.
func (r drainRules) othersFor(vmi *kubevirtv1.VirtualMachineInstance) (usable bool, unusable []*corev1.Node, err error) {
	affinity := requiredAffinity(vmi)
	if affinity == nil {
		return true, nil, nil
	}
	for _, node := range r.nodes {
		if node.Name == vmi.Status.NodeName {
			continue
		}
		matches, err := cluster.MatchesNodeSelector(node, affinity)
		switch {
		case err != nil:
			return false, nil, err
		case matches && takesVMs(node):
			return true, nil, nil
		case matches:
			unusable = append(unusable, node)
		}
	}
	return false, unusable, nil
}

func takesVMs(node *corev1.Node) bool {
	ready := cluster.NodeCondition(node, corev1.NodeReady)
	return !node.Spec.Unschedulable && ready != nil && ready.Status == corev1.ConditionTrue
}

// judgeEvacuation applies the rules of KubeVirt's evacuation controller: the strategy must be one that migrates, and the
// condition LiveMigratable must be True; without the condition nothing is moved.
func (r drainRules) judgeEvacuation(vmi *kubevirtv1.VirtualMachineInstance, f *fate) {
	strategy, origin, ok := r.evictionStrategy(vmi)
	switch {
	case !ok:
		f.unknown = "it has no eviction strategy of its own, and there is no KubeVirt object that sets one for all"
		return
	case strategy == kubevirtv1.EvictionStrategyLiveMigrate, strategy == kubevirtv1.EvictionStrategyLiveMigrateIfPossible:
	case strategy == kubevirtv1.EvictionStrategyNone, strategy == kubevirtv1.EvictionStrategyExternal:
		f.stays = append(f.stays, "its eviction strategy is "+string(strategy)+origin)
	case strategy == "":
		f.stays = append(f.stays, "it has no eviction strategy")
	default:
		f.unknown = fmt.Sprintf("its eviction strategy is %q%s", strategy, origin)
		return
	}
	condition := cluster.VMICondition(vmi, kubevirtv1.VirtualMachineInstanceIsMigratable)
	switch {
	case len(vmi.Status.Conditions) == 0:
		f.unknown = "it reports no conditions"
	case condition == nil:
		f.waiting = len(f.stays) == 0
		f.stays = append(f.stays, "KubeVirt has not said whether it can be migrated")
	case condition.Status == corev1.ConditionFalse:
		f.stays = append(f.stays, "KubeVirt cannot migrate it"+inParentheses(explain(condition.Reason, condition.Message)))
	case condition.Status != corev1.ConditionTrue:
		f.unknown = fmt.Sprintf("its condition LiveMigratable is %q", condition.Status)
	}
}

// evictionStrategy returns the strategy that applies to a VMI, and " for all VMs" where it is KubeVirt's own; false where it
// would be KubeVirt's, and there is none.
func (r drainRules) evictionStrategy(vmi *kubevirtv1.VirtualMachineInstance) (strategy kubevirtv1.EvictionStrategy, origin string, ok bool) {
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

// isKnownPhase tells whether KubeVirt has such a phase of a VMI.
func isKnownPhase(phase kubevirtv1.VirtualMachineInstancePhase) bool {
	switch phase {
	case kubevirtv1.Pending, kubevirtv1.Scheduling, kubevirtv1.Scheduled, kubevirtv1.Running, kubevirtv1.Succeeded, kubevirtv1.Failed,
		kubevirtv1.Unknown, kubevirtv1.WaitingForSync:
		return true
	}
	return false
}
