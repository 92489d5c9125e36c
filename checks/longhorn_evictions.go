package checks

import (
	"fmt"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// longhornEvictions finds replicas and images that Longhorn has been told to move away.
func longhornEvictions() Check {
	return Check{
		Name:  "longhorn-evictions",
		Title: "Longhorn has been asked to evict a node, a disk, a replica or a backing image",
		Why: "While Longhorn moves replicas off a disk, their volumes have one more to build and engines that must not go away, which holds a node in Pre-drained, or in " +
			"Pre-draining where no other disk has room; and the longhorn-manager of Longhorn 1.7, which an upgrade to Harvester v1.4 brings, crashes when it evicts a backing image.",
		Finds: "Longhorn nodes and disks whose eviction is requested, with what is still to be moved, and as a warning those that are empty already; replicas and copies of backing " +
			"images whose eviction is requested although neither their node nor their disk is to be evicted.",
		Remedy:   "wait until the eviction is done and then clear it, or cancel it: kubectl -n longhorn-system edit nodes.longhorn.io NAME and set evictionRequested to false.",
		Severity: Block,
		Waivable: true,
		Needs:    []cluster.Kind{cluster.LonghornNodes, cluster.Nodes, cluster.Replicas, cluster.BackingImages},
		Sources: []string{
			"harvester/harvester#7717", "longhorn/longhorn#10464", "harvester/harvester#4134",
			"longhorn/longhorn-manager syncReplicaEvictionRequested, syncBackingImageEvictionRequested, cleanupEvictionRequestedReplicas",
		},
		Elsewhere: Peers{Script: "nodes and disks, for upgrades from v1.4 only, and it ends there"},
		Run:       runLonghornEvictions,
	}
}

// evictions is what has been asked for, and what of it is still to be done.
type evictions struct {
	// nodes holds, by the name of a node that is to be emptied in part or whole, what is left there.
	nodes map[string]*leftToEvict
	// nodeOfDisk names the node of each disk, by the disk's UUID.
	nodeOfDisk map[string]string
}

// leftToEvict counts what still lies on a node.
type leftToEvict struct{ replicas, images int }

func runLonghornEvictions(p *Pass) error {
	all := requestedEvictions(p)
	for _, replica := range p.Replicas() {
		if replica.Spec.EvictionRequested && replica.DeletionTimestamp == nil {
			reportEvictedReplica(p, replica, all.nodes[replica.Spec.NodeID])
		}
	}
	for _, image := range p.BackingImages() {
		reportEvictedImage(p, image, all)
	}
	for _, node := range p.LonghornNodes() {
		if left := all.nodes[node.Name]; left != nil {
			reportEvictedNode(p, node, left)
		}
	}
	return nil
}

// requestedEvictions leaves out Longhorn nodes whose Kubernetes node is gone: Longhorn evicts nothing there, and
// longhorn-unsettled reports them.
func requestedEvictions(p *Pass) evictions {
	all := evictions{nodes: map[string]*leftToEvict{}, nodeOfDisk: map[string]string{}}
	for _, node := range p.LonghornNodes() {
		for _, disk := range node.Status.DiskStatus {
			if disk != nil && cluster.Text(disk.DiskUUID) != "" {
				all.nodeOfDisk[disk.DiskUUID] = node.Name
			}
		}
		if p.Node(node.Name) != nil && (node.Spec.EvictionRequested || len(evictedDisks(node)) > 0) {
			all.nodes[node.Name] = &leftToEvict{}
		}
	}
	return all
}

func evictedDisks(node *lhv1.Node) []string {
	var disks []string
	for name, disk := range node.Spec.Disks {
		if disk.EvictionRequested {
			disks = append(disks, name)
		}
	}
	slices.Sort(disks)
	return disks
}

// reportEvictedReplica counts a replica to the eviction of its node or disk. One that belongs to none was marked by hand, or because its
// node is cordoned under a policy that evicts.
func reportEvictedReplica(p *Pass, replica *cluster.Replica, node *leftToEvict) {
	if node != nil {
		node.replicas++
		return
	}
	p.Report(Finding{
		Object: ObjectOf(replica),
		Message: fmt.Sprintf("replica %s%s of volume %s is being evicted, although neither its node nor its disk is",
			replica.Name, onNode(replica), cluster.VolumeOf(replica.Spec.VolumeName, replica.Labels)),
		Remedy: rebuildFirst(p, fmt.Sprintf("wait until its volume has a replica elsewhere; if nothing moves, kubectl -n %s patch replicas.longhorn.io %s --type merge -p '{\"spec\":{\"evictionRequested\":false}}'.",
			replica.Namespace, replica.Name)),
	})
}

// reportEvictedImage does the same for the copies of a backing image.
func reportEvictedImage(p *Pass, image *lhv1.BackingImage, all evictions) {
	var disks []string
	for disk, copied := range image.Spec.DiskFileSpecMap {
		switch {
		case copied == nil:
			p.Unknownf(image, "it does not say whether its copy on disk %s is to be evicted", disk)
		case !copied.EvictionRequested:
		case all.nodes[all.nodeOfDisk[disk]] != nil:
			all.nodes[all.nodeOfDisk[disk]].images++
		default:
			disks = append(disks, diskInWords(disk, all.nodeOfDisk[disk]))
		}
	}
	if len(disks) == 0 {
		return
	}
	slices.Sort(disks)
	p.Report(Finding{
		Object: ObjectOf(image),
		Message: fmt.Sprintf("backing image %s is being evicted from %s, although neither the node nor the disk is",
			image.Name, abridge(disks)),
		Remedy: fmt.Sprintf("wait until it has a copy elsewhere; if nothing moves, kubectl -n %s edit backingimages.longhorn.io %s and set evictionRequested to false in spec.diskFileSpecMap.",
			image.Namespace, image.Name),
	})
}

func diskInWords(disk, node string) string {
	if node == "" {
		return "disk " + disk
	}
	return fmt.Sprintf("disk %s on %s", disk, node)
}

func reportEvictedNode(p *Pass, node *lhv1.Node, left *leftToEvict) {
	f := Finding{Object: ObjectOf(node), Message: evictedInWords(node)}
	wait := "wait until Longhorn has moved everything, and then clear it, or cancel it now"
	switch {
	case left.replicas+left.images > 0:
		f.Message += fmt.Sprintf(", where %d %s and %d %s of backing images are left to be moved",
			left.replicas, counted(left.replicas, "replica", "replicas"), left.images, counted(left.images, "copy", "copies"))
	case isEvicted(node):
		f.Message += ", where nothing is left"
		wait = "clear it, or remove the node or disk, before the upgrade"
		if !crashesOnEviction(p) {
			f.Severity = Warn
		}
	}
	f.Remedy = fmt.Sprintf("%s: kubectl -n %s patch nodes.longhorn.io %s --type merge -p '{\"spec\":{%s}}'.", wait, node.Namespace, node.Name, clearedEvictions(node))
	if left.replicas > 0 {
		f.Remedy = rebuildFirst(p, f.Remedy)
	}
	p.Report(f)
}

// evictedInWords says what of a node is to be evicted.
func evictedInWords(node *lhv1.Node) string {
	disks := evictedDisks(node)
	words := counted(len(disks), "disk ", "disks ") + abridge(disks)
	switch {
	case !node.Spec.EvictionRequested:
		return fmt.Sprintf("Longhorn node %s is to be evicted from %s", node.Name, words)
	case len(disks) > 0:
		return fmt.Sprintf("Longhorn node %s is to be evicted, and its %s as well", node.Name, words)
	}
	return fmt.Sprintf("Longhorn node %s is to be evicted", node.Name)
}

// clearedEvictions returns the fields of a node's spec that cancel what was asked for, as JSON.
func clearedEvictions(node *lhv1.Node) string {
	var fields, disks []string
	if node.Spec.EvictionRequested {
		fields = append(fields, `"evictionRequested":false`)
	}
	for _, disk := range evictedDisks(node) {
		disks = append(disks, fmt.Sprintf(`%q:{"evictionRequested":false}`, disk))
	}
	if len(disks) > 0 {
		fields = append(fields, fmt.Sprintf(`"disks":{%s}`, strings.Join(disks, ",")))
	}
	return strings.Join(fields, ",")
}

// isEvicted tells whether the disks that are to be evicted are known to hold nothing.
func isEvicted(node *lhv1.Node) bool {
	for name, disk := range node.Spec.Disks {
		if !disk.EvictionRequested && !node.Spec.EvictionRequested {
			continue
		}
		if status := node.Status.DiskStatus[name]; status == nil || len(status.Conditions) == 0 || status.StorageScheduled != 0 {
			return false
		}
	}
	return len(node.Spec.Disks) > 0
}

// crashesOnEviction tells whether the upgrade brings a Longhorn whose manager crashes as long as an eviction is requested: 1.7, in
// every release of Harvester v1.4 (longhorn/longhorn#10464).
func crashesOnEviction(p *Pass) bool {
	return atLeast(p.Target(), "v1.4.0") && before(p.Target(), "v1.5.0")
}
