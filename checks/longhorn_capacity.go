package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// upgradeVolumeBytes is the size of the volume from which the upgrade serves the new release's files; the image of its ISO
	// is a little smaller.
	upgradeVolumeBytes = 10 << 30

	settingOverProvisioning = "storage-over-provisioning-percentage"
	settingMinimalAvailable = "storage-minimal-available-percentage"
	// defaultOverProvisioning and defaultMinimalAvailable are Longhorn's own defaults of the two settings.
	defaultOverProvisioning = 100
	defaultMinimalAvailable = 25
)

// longhornRoom is how much Longhorn would place on one node's best disk.
type longhornRoom struct {
	node  *lhv1.Node
	bytes int64
}

// reportLonghornCapacity reports when fewer nodes than the upgrade's volume has replicas have a disk with room for it.
func reportLonghornCapacity(p *Pass) {
	nodes := p.LonghornNodes()
	overProvisioning, minimalAvailable, ok := schedulingSettings(p)
	if len(nodes) == 0 || !ok {
		return
	}
	var silent []*lhv1.Node
	rooms := make([]longhornRoom, 0, len(nodes))
	enough, needed := 0, upgradeReplicas(p, len(nodes))
	for _, node := range nodes {
		if len(node.Status.Conditions) == 0 || node.Status.DiskStatus == nil && len(node.Spec.Disks) > 0 {
			silent = append(silent, node)
			continue
		}
		room := longhornRoom{node, roomOn(node, overProvisioning, minimalAvailable)}
		if room.bytes >= upgradeVolumeBytes {
			enough++
		}
		rooms = append(rooms, room)
	}
	if enough >= needed {
		return
	}
	for _, node := range silent {
		p.Unknownf(node, "it does not report its disks, and the other nodes have no room for the upgrade's volume of %s", gib(int64(upgradeVolumeBytes)))
	}
	if enough+len(silent) < needed {
		reportNoRoom(p, rooms, enough, needed)
	}
}

func reportNoRoom(p *Pass, rooms []longhornRoom, enough, needed int) {
	slices.SortStableFunc(rooms, func(a, b longhornRoom) int { return cmp.Compare(b.bytes, a.bytes) })
	best := rooms[0]
	var others []string
	for _, room := range rooms[1:min(len(rooms), 5)] {
		others = append(others, fmt.Sprintf("%s %s", room.node.Name, gib(room.bytes)))
	}
	p.Report(Finding{
		Object: ObjectOf(best.node), Rule: ruleLonghornCapacity,
		Message: fmt.Sprintf("Longhorn node %s has %s for a new volume on its best disk%s; the upgrade's volume needs %s on %s, and %s that",
			best.node.Name, gib(best.bytes), inParentheses(strings.Join(others, ", ")), gib(int64(upgradeVolumeBytes)), inNodes(needed, "1 node", "each of %d nodes"), inNodes(enough, "1 node has", "%d nodes have")),
		Remedy: "delete volumes, snapshots and images that are not used, re-enable scheduling on disks that are switched off " +
			"(kubectl -n longhorn-system get nodes.longhorn.io -o yaml shows why a disk is not schedulable), or add a disk.",
	})
}

// inNodes writes how many nodes.
func inNodes(n int, one, many string) string {
	switch n {
	case 0:
		return "no node has"
	case 1:
		return one
	}
	return fmt.Sprintf(many, n)
}

// upgradeReplicas returns on how many nodes the upgrade's volume must find room: on two since v1.7.0, which shares it
// (ReadWriteMany) instead of serving it from a VM; on one before, where there is only one, and where the target is not known.
func upgradeReplicas(p *Pass, nodes int) int {
	if !atLeast(p.Target(), "v1.7.0") {
		return 1
	}
	return min(2, nodes)
}

// roomOn returns how many bytes Longhorn would place on the best disk of a node; zero where it places nothing there. The rule
// is that of IsSchedulableToDisk in Longhorn's scheduler.
func roomOn(node *lhv1.Node, overProvisioning, minimalAvailable float64) int64 {
	if !node.Spec.AllowScheduling || !isTrue(node.Status.Conditions, lhv1.NodeConditionTypeReady) || !isTrue(node.Status.Conditions, lhv1.NodeConditionTypeSchedulable) {
		return 0
	}
	best := int64(0)
	for name, spec := range node.Spec.Disks {
		status := node.Status.DiskStatus[name]
		if status == nil || !spec.AllowScheduling || spec.EvictionRequested || spec.Type == lhv1.DiskTypeBlock {
			continue
		}
		if !isTrue(status.Conditions, lhv1.DiskConditionTypeReady) || !isTrue(status.Conditions, lhv1.DiskConditionTypeSchedulable) {
			continue
		}
		if float64(status.StorageAvailable) <= float64(status.StorageMaximum)*minimalAvailable/100 {
			continue
		}
		room := float64(status.StorageMaximum-spec.StorageReserved)*overProvisioning/100 - float64(status.StorageScheduled)
		best = max(best, int64(room))
	}
	return best
}

func isTrue(conditions []lhv1.Condition, conditionType string) bool {
	c := cluster.LonghornCondition(conditions, conditionType)
	return c != nil && c.Status == lhv1.ConditionStatusTrue
}

// schedulingSettings reads the two settings, both in percent; false where one is not a number, which is then reported as not
// judged.
func schedulingSettings(p *Pass) (overProvisioning, minimalAvailable float64, ok bool) {
	overProvisioning, first := percentSetting(p, settingOverProvisioning, defaultOverProvisioning)
	minimalAvailable, second := percentSetting(p, settingMinimalAvailable, defaultMinimalAvailable)
	return overProvisioning, minimalAvailable, first && second
}

func percentSetting(p *Pass, name string, standard float64) (float64, bool) {
	value, _ := p.LonghornSetting(name)
	if value == "" {
		return standard, true
	}
	percent, err := strconv.ParseFloat(value, 64)
	if err != nil || percent < 0 {
		setting := &lhv1.Setting{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.LonghornNamespace, Name: name}}
		p.Unknownf(setting, "its value %q is not a percentage", value)
		return 0, false
	}
	return percent, true
}
