package checks

import (
	"fmt"
	"slices"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// imageCopies are the copies of a backing image, one for each disk that has or gets one, each list in the order of its words.
type imageCopies struct {
	// ready are the places of the ready copies: the node, or the disk where its node is not known.
	ready []string
	// bad and stuck are "failed on node-1 (no space left)"; moving are on their way.
	bad, stuck, moving []string
	// since is when the first of the moving copies came into its state; zero where it does not say.
	since time.Time
	// disk is that of a copy that is not well; empty where all are.
	disk string
}

// copiesOf sorts an image's copies by their state. because says why they cannot be judged.
func copiesOf(p *Pass, image *lhv1.BackingImage, nodeOfDisk map[string]string) (copies imageCopies, because string) {
	if image.Status.DiskFileStatusMap == nil {
		return copies, "it does not report its copies"
	}
	var disks []string
	for disk := range image.Status.DiskFileStatusMap {
		disks = append(disks, disk)
	}
	slices.Sort(disks)
	for _, disk := range disks {
		file := image.Status.DiskFileStatusMap[disk]
		if file == nil {
			return copies, fmt.Sprintf("it does not report the state of its copy on disk %s", disk)
		}
		place := nodeOfDisk[disk]
		if place == "" {
			place = "disk " + disk
		}
		at := timeOf(file.LastStateTransitionTime)
		switch state := cluster.Text(file.State); state {
		case lhv1.BackingImageStateReady:
			copies.ready = append(copies.ready, place)
			continue
		case lhv1.BackingImageStateFailed, lhv1.BackingImageStateFailedAndCleanUp, lhv1.BackingImageStateUnknown:
			copies.bad = append(copies.bad, fmt.Sprintf("%s on %s%s", inBadState(state), place, inParentheses(file.Message)))
		case lhv1.BackingImageStatePending, lhv1.BackingImageStateStarting, lhv1.BackingImageStateInProgress, lhv1.BackingImageStateReadyForTransfer:
			copies.addMoving(p, fmt.Sprintf("%s on %s at %d%%", state, place, file.Progress), at)
		case "":
			return copies, fmt.Sprintf("its copy on %s reports no state", place)
		default:
			return copies, fmt.Sprintf("its copy on %s is in state %q, a word that is not known", place, state)
		}
		copies.disk = disk
	}
	return copies, ""
}

func (c *imageCopies) addMoving(p *Pass, words string, at time.Time) {
	if p.Age(at) > backingImageSettles {
		c.stuck = append(c.stuck, fmt.Sprintf("%s for %s", words, spell(p.Age(at))))
		return
	}
	c.moving = append(c.moving, words)
	if c.since.IsZero() || at.Before(c.since) {
		c.since = at
	}
}

func inBadState(state lhv1.BackingImageState) string {
	if state == lhv1.BackingImageStateUnknown {
		return "in an unknown state"
	}
	return string(state)
}

// facts says what is wrong with the copies themselves. One that has been on its way for minutes is not.
func (c imageCopies) facts() []string {
	var facts []string
	if wrong := slices.Concat(c.bad, c.stuck); len(wrong) > 0 {
		facts = append(facts, fmt.Sprintf("has %d %s that %s not ready: %s", len(wrong), counted(len(wrong), "copy", "copies"), counted(len(wrong), "is", "are"), abridge(wrong)))
	}
	return facts
}

// readyNodes lists the places with a ready copy, each once.
func (c imageCopies) readyNodes() []string {
	nodes := slices.Sorted(slices.Values(c.ready))
	return slices.Compact(nodes)
}

// remedyOfCopies names the disk of a copy that is not well.
func remedyOfCopies(image *lhv1.BackingImage, copies imageCopies) string {
	if copies.disk == "" {
		return fmt.Sprintf("see where its copies are and give it more: kubectl -n %s get backingimages.longhorn.io %s -o yaml.", image.Namespace, image.Name)
	}
	return fmt.Sprintf("restart the backing image manager of the disk, which kubectl -n %[1]s get backingimagemanagers.longhorn.io,pods -o wide -l longhorn.io/disk-uuid=%[2]s names: "+
		"kubectl -n %[1]s delete pods -l longhorn.io/component=backing-image-manager,longhorn.io/disk-uuid=%[2]s.", image.Namespace, copies.disk)
}
