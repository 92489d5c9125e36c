package checks

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Rules of disk-space, so that a waiver for one does not hide the others. Harvester's annotation
// skipGarbageCollectionThresholdCheck concerns only the first.
const (
	ruleImageGCThreshold = "image-gc-threshold"
	ruleMinimumFree      = "minimum-free"
	ruleDiskPressure     = "disk-pressure"
	ruleLonghornCapacity = "longhorn-capacity"
)

// defaultImageGCThreshold is the kubelet's own default of imageGCHighThresholdPercent.
const defaultImageGCThreshold = 85

// nodesPrepared is the condition of an Upgrade that is True once the new images are on every node.
const nodesPrepared = "NodesPrepared"

// diskSpace finds nodes that cannot hold the new release's images, and a Longhorn that cannot hold the upgrade's own volumes.
func diskSpace() Check {
	return Check{
		Name:  "disk-space",
		Title: "Nodes or Longhorn have too little disk space for the upgrade",
		Why: "The upgrade first loads the new release's images onto every node. Where that fills the disk beyond the kubelet's threshold, " +
			"the kubelet deletes images that the upgrade needs a moment later; where there is no room at all it stops half way.",
		Finds: "Nodes whose file systems would be fuller than the kubelet's image GC threshold once the new images are there, or have too little free " +
			"space (by default 30 GiB); nodes that report DiskPressure; and a Longhorn that has no room for the upgrade's own volume of 10 GiB.",
		Beyond: "The partition COS_STATE, of which an upgrade to v1.8 needs 15 GiB: it is only on each node's disk.",
		Remedy: "remove unused images and old files below /usr/local, or enlarge the disk: crictl rmi --prune on the node, " +
			"or Harvester's harv-purge-images.sh; df -h /usr/local shows what that gave.",
		Severity: Block,
		Waivable: true,
		Needs:    []cluster.Kind{cluster.Nodes, cluster.KubeletStats, cluster.LonghornNodes, cluster.LonghornSettings},
		Uses:     []cluster.Kind{cluster.KubeletConfig, cluster.Upgrades},
		Sources: []string{
			"harvester/harvester#2668", "harvester/harvester#4611", "harvester/harvester#6155", "harvester/harvester#7518",
			"harvester/harvester pkg/webhook/resources/upgrade checkDiskSpace",
			"longhorn/longhorn-manager scheduler IsSchedulableToDisk",
		},
		Elsewhere: Peers{
			Webhook: "nodes that would be fuller than 85% with the new images, whatever threshold their kubelet has",
			Script:  "too little free space on the nodes' disks, and on COS_STATE",
		},
		Run: runDiskSpace,
	}
}

func runDiskSpace(p *Pass) error {
	for _, node := range p.Nodes() {
		judgeNodeDisks(p, node)
	}
	reportLonghornCapacity(p)
	return nil
}

// diskFacts gathers what is wrong with one node's file systems.
type diskFacts struct {
	underMinimum, pressure bool
	texts                  []string
}

func judgeNodeDisks(p *Pass, node *corev1.Node) {
	var facts diskFacts
	pressure := cluster.NodeCondition(node, corev1.NodeDiskPressure)
	if pressure != nil && pressure.Status == corev1.ConditionTrue {
		facts.pressure = true
		facts.texts = append(facts.texts, "reports DiskPressure"+inParentheses(pressure.Reason))
	}
	kubelet, asked := p.Kubelet(node.Name)
	switch {
	case !asked:
		p.Unknownf(node, "its kubelet was not asked for its file systems")
	case kubelet.Stats == nil:
		p.Unknownf(node, "its kubelet did not tell its file systems: %s", kubelet.StatsError)
	default:
		judgeFileSystems(p, node, kubelet, &facts)
	}
	switch {
	case len(node.Status.Conditions) == 0:
		p.Unknownf(node, "it reports no conditions, so whether it is under disk pressure is not known")
	case pressure != nil && pressure.Status != corev1.ConditionTrue && pressure.Status != corev1.ConditionFalse:
		p.Unknownf(node, "its condition DiskPressure is %q", pressure.Status)
	}
	reportDiskFacts(p, node, facts)
}

func judgeFileSystems(p *Pass, node *corev1.Node, kubelet cluster.Kubelet, facts *diskFacts) {
	main := kubelet.Stats.FileSystem
	if main == nil || main.AvailableBytes == nil || main.CapacityBytes == nil || main.UsedBytes == nil || *main.CapacityBytes == 0 {
		p.Unknownf(node, "its kubelet does not know the size of its file system")
		return
	}
	judgeFileSystem(p, "", *main.UsedBytes, main, kubelet, facts)
	images := kubelet.Stats.Runtime.ImageFileSystem
	if images == nil || images.CapacityBytes != nil && *images.CapacityBytes == *main.CapacityBytes {
		return // The images are on the same file system.
	}
	if images.CapacityBytes == nil || images.AvailableBytes == nil || *images.CapacityBytes == 0 {
		p.Unknownf(node, "its kubelet does not know the size of the file system of its images")
		return
	}
	// Of this one the kubelet reports as used only what the images take, so count everything that is not free.
	used := *images.CapacityBytes - min(*images.AvailableBytes, *images.CapacityBytes)
	judgeFileSystem(p, " of the images' file system", used, images, kubelet, facts)
}

// judgeFileSystem compares one file system with both thresholds. Its sizes are known. The first rule is that of
// checkDiskSpace in Harvester's webhook.
func judgeFileSystem(p *Pass, of string, used uint64, fs *cluster.FileSystem, kubelet cluster.Kubelet, facts *diskFacts) {
	if *fs.AvailableBytes < p.Settings.DiskMinimumFreeBytes {
		facts.underMinimum = true
		facts.texts = append(facts.texts, fmt.Sprintf("has %s%s free, less than %s", gib(*fs.AvailableBytes), of, gib(p.Settings.DiskMinimumFreeBytes)))
	}
	threshold, known := imageGCThreshold(kubelet)
	percent := (float64(used) + float64(p.Settings.DiskHeadroomBytes)) / float64(*fs.CapacityBytes) * 100
	if percent > float64(threshold) {
		note := ""
		if !known {
			note = fmt.Sprintf(" (the default; its kubelet's own could not be read: %s)", kubelet.ConfigError)
		}
		facts.texts = append(facts.texts, fmt.Sprintf("would be %.1f%% full with %s of new images (%s of %s%s are used), above its image GC threshold of %d%%%s",
			percent, gib(p.Settings.DiskHeadroomBytes), gib(used), gib(*fs.CapacityBytes), of, threshold, note))
	}
}

// imageGCThreshold returns the fullness in percent at which the kubelet deletes images; false where it could not be read and
// the kubelet's default stands in.
func imageGCThreshold(kubelet cluster.Kubelet) (percent int32, known bool) {
	if kubelet.Config == nil {
		return defaultImageGCThreshold, false
	}
	if set := kubelet.Config.ImageGCHighThresholdPercent; set != nil && *set > 0 && *set <= 100 {
		return *set, true
	}
	return defaultImageGCThreshold, true
}

func reportDiskFacts(p *Pass, node *corev1.Node, facts diskFacts) {
	if len(facts.texts) == 0 {
		return
	}
	f := Finding{Object: ObjectOf(node), Message: fmt.Sprintf("node %s %s", node.Name, strings.Join(facts.texts, ", and "))}
	switch {
	case facts.pressure:
		f.Rule = ruleDiskPressure
	case facts.underMinimum:
		f.Rule = ruleMinimumFree
	default:
		f.Rule = ruleImageGCThreshold
		if earlier := preloadedBy(p); earlier != "" {
			f.Severity = Warn
			f.Message += fmt.Sprintf("; but upgrade %s to the same version has already loaded these images, whose room is then counted twice", earlier)
		}
	}
	p.Report(f)
}

// preloadedBy returns the name of an earlier upgrade to the same version that got as far as loading its images on every node.
func preloadedBy(p *Pass) string {
	for _, upgrade := range p.Upgrades() {
		if p.Request.Version == "" || upgrade.Spec.Version != p.Request.Version || upgrade.Labels[cluster.LabelUpgradeState] != upgradeFailed {
			continue
		}
		if c := cluster.Condition(upgrade.Status.Conditions, nodesPrepared); c != nil && c.Status == string(corev1.ConditionTrue) {
			return upgrade.Name
		}
	}
	return ""
}

// gib writes a size as "12.3 GiB".
func gib[N uint64 | int64](bytes N) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }
