package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// backingImageSettles is how long a copy of an image may take; harvester/harvester#2053 had one at 29 % for three days.
	backingImageSettles = 30 * time.Minute
	// minCopiesSince is the release of Longhorn since which a backing image says how many copies it must have.
	minCopiesSince = "v1.7.0"
)

// backingImagesUnready finds images without which volumes cannot be rebuilt or attached on another node.
func backingImagesUnready() Check {
	return Check{
		Name:  "backing-images-unready",
		Title: "Backing images are not ready or have too few copies",
		Why: "A replica of a volume made from an image starts only where its disk has a ready copy of the backing image. Where the copy fails, or its only source is on the node " +
			"that is down, the replica waits, the volume stays degraded, and the next node stays in Pre-draining for ever.",
		Finds: "Backing images with copies that are failed, in an unknown state, or on their way for more than 30 minutes, and with fewer ready copies than they must have: blocking where " +
			"a volume waits for the image, where a volume uses it and no copy is ready, or where all ready copies are on one node although volumes have replicas on several; volumes " +
			"that wait for a backing image; a minimum of no copies; and VM images that are not imported, failed, or report that their backing image is missing.",
		Beyond: "Copies that a disk no longer has although Longhorn believes them ready.",
		Remedy: "see which copy is not ready: kubectl -n longhorn-system get backingimages.longhorn.io NAME -o yaml; restart the backing-image-manager pod of that disk: " +
			"kubectl -n longhorn-system get pods -l longhorn.io/component=backing-image-manager -o wide.",
		Severity: Block,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.BackingImages, cluster.VirtualMachineImages, cluster.Volumes, cluster.LonghornNodes, cluster.Nodes, cluster.LonghornSettings},
		Sources: []string{
			"harvester/harvester#2053", "harvester/harvester#7958", "longhorn/longhorn#10644", "harvester/harvester#3158", "harvester/harvester#3070",
			"harvester/harvester#3940", "harvester/harvester#4246", "harvester/harvester#8657", "longhorn/longhorn#4236",
			"longhorn/longhorn-manager ReconcileEngineReplicaState, replenishBackingImageCopies, BackingImageDiskFileCleanup",
		},
		Elsewhere: Peers{Script: "a minimum of copies that is too small"},
		Run:       runBackingImagesUnready,
	}
}

// imageUse is what depends on a backing image.
type imageUse struct {
	// volumes is how many are made from the image, spread is how many of them have replicas on several nodes.
	volumes, spread int
	// waiting are the volumes that wait for it, since when the first of them.
	waiting []string
	since   time.Time
}

func runBackingImagesUnready(p *Pass) error {
	uses := usesOfImages(p)
	nodeOfDisk := map[string]string{}
	for _, node := range p.LonghornNodes() {
		for _, disk := range node.Status.DiskStatus {
			if disk != nil {
				nodeOfDisk[disk.DiskUUID] = node.Name
			}
		}
	}
	reported := map[string]bool{}
	for _, image := range p.BackingImages() {
		if image.DeletionTimestamp == nil && reportBackingImage(p, image, uses[image.Name], nodeOfDisk) {
			reported[image.Annotations[cluster.AnnotationImageID]] = true
		}
	}
	reportVMImages(p, reported)
	return nil
}

// usesOfImages says, by backing image, which volumes need it. A volume that waits for one that does not exist is reported itself.
func usesOfImages(p *Pass) map[string]imageUse {
	uses := map[string]imageUse{}
	for _, volume := range p.Volumes() {
		name := cluster.Text(volume.Spec.BackingImage)
		if name == "" || volume.DeletionTimestamp != nil {
			continue
		}
		use := uses[name]
		use.volumes++
		if volume.Spec.NumberOfReplicas > 1 {
			use.spread++
		}
		wait := cluster.LonghornCondition(volume.Status.Conditions, lhv1.VolumeConditionTypeWaitForBackingImage)
		switch {
		case p.BackingImage(name) == nil:
			p.Report(Finding{
				Object: ObjectOf(volume), Message: fmt.Sprintf("%s is made from backing image %s, which does not exist", describeVolume(p, volume), name),
				Remedy: fmt.Sprintf("restore the backing image from a backup under its old name, or move the volume's data to a new one and delete it; until then leave its VM running: kubectl -n %s get backingimages.longhorn.io lists those that exist.", volume.Namespace),
			})
		case wait == nil || wait.Status == lhv1.ConditionStatusFalse: // An older Longhorn does not write the condition.
		case wait.Status == lhv1.ConditionStatusTrue:
			use.waiting = append(use.waiting, volume.Name)
			if at := timeOf(wait.LastTransitionTime); use.since.IsZero() || !at.IsZero() && at.Before(use.since) {
				use.since = at
			}
		default:
			p.Unknownf(volume, "its condition %s is %q", wait.Type, wait.Status)
		}
		uses[name] = use
	}
	return uses
}

// reportBackingImage reports an image with everything that is wrong with it, and tells whether there was anything.
func reportBackingImage(p *Pass, image *lhv1.BackingImage, use imageUse, nodeOfDisk map[string]string) bool {
	copies, because := copiesOf(p, image, nodeOfDisk)
	if because != "" && len(use.waiting) == 0 {
		p.Unknownf(image, "%s", because)
		return false
	}
	f := Finding{Object: ObjectOf(image), Severity: Warn, Remedy: remedyOfCopies(image, copies)}
	var facts []string
	if because == "" {
		facts = append(copies.facts(), tooFewCopies(p, image, copies)...)
		if image.Spec.MinNumberOfCopies == 0 && len(facts) == 1 && len(copies.bad)+len(copies.stuck) == 0 {
			f.Remedy = fmt.Sprintf(`ask for three copies: kubectl -n %s patch backingimages.longhorn.io %s --type merge -p '{"spec":{"minNumberOfCopies":3}}'.`, image.Namespace, image.Name)
		}
	}
	if blocking := use.facts(p, copies, because == ""); len(blocking) > 0 {
		facts = append(facts, blocking...)
		f.Severity = Block
	}
	if len(facts) == 0 {
		return false
	}
	if len(copies.bad)+len(copies.stuck) == 0 && (len(copies.moving) > 0 || len(use.waiting) > 0) {
		f.Transient, f.Settles, f.Since = true, backingImageSettles, copies.since
		if f.Since.IsZero() {
			f.Since = use.since
		}
		f.Remedy = "wait until its copies are ready. Else " + f.Remedy
	}
	f.Message = fmt.Sprintf("backing image %s%s %s", image.Name, inParentheses(image.Annotations[cluster.AnnotationImageID]), strings.Join(facts, ", and "))
	p.Report(f)
	return true
}

// tooFewCopies says that an image has fewer ready copies than it must have, or need have none.
func tooFewCopies(p *Pass, image *lhv1.BackingImage, copies imageCopies) []string {
	needed := copyTarget(p, image)
	switch {
	case needed == 0 && !before(p.Longhorn(), minCopiesSince):
		return []string{"must have 0 copies, so that Longhorn removes it from every disk that does not need it now"}
	case len(copies.ready) < needed:
		return []string{fmt.Sprintf("has %d of %d copies ready", len(copies.ready), needed)}
	}
	return nil
}

// facts says why an upgrade would hang on an image, by what depends on it. known is false where its copies are not.
func (u imageUse) facts(p *Pass, copies imageCopies, known bool) []string {
	var facts []string
	if nodes := copies.readyNodes(); known && len(nodes) == 1 && u.spread > 0 && len(p.ManagedNodes()) > 1 {
		facts = append(facts, fmt.Sprintf("has ready copies on %s alone, and %s on several nodes",
			nodes[0], counted(u.spread, "1 volume made from it has replicas", fmt.Sprintf("%d volumes made from it have replicas", u.spread))))
	}
	if known && len(copies.ready) == 0 && u.volumes > 0 {
		facts = append(facts, fmt.Sprintf("has no ready copy for %s made from it", countedVolumes(u.volumes)))
	}
	if len(u.waiting) > 0 {
		waiting := slices.Sorted(slices.Values(u.waiting))
		facts = append(facts, fmt.Sprintf("is waited for by %s (%s)%s", countedVolumes(len(waiting)), abridge(waiting), lasting(p, u.since)))
	}
	return facts
}

// copyTarget is how many copies an image must have, as far as there are Longhorn nodes to have them; Harvester asks for three
// on a cluster of any size.
func copyTarget(p *Pass, image *lhv1.BackingImage) int {
	return min(image.Spec.MinNumberOfCopies, max(len(p.LonghornNodes()), 1))
}
