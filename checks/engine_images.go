package checks

import (
	"fmt"
	"strconv"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	settingEngineImage   = "default-engine-image"
	settingEngineUpgrade = "concurrent-automatic-engine-upgrade-per-node-limit"
)

// volumesByImage counts the volumes that are to use each engine image or still do.
func volumesByImage(p *Pass) map[string]int {
	uses := map[string]int{}
	for _, volume := range p.Volumes() {
		wanted, current := cluster.Text(volume.Spec.Image), cluster.Text(volume.Status.CurrentImage)
		if wanted != "" {
			uses[wanted]++
		}
		if current != "" && current != wanted {
			uses[current]++
		}
	}
	return uses
}

// reportEngineImages reports the engine images in use that some storage node lacks: a volume can neither be attached nor rebuilt
// there.
func reportEngineImages(p *Pass, storage storageNodes) {
	uses := volumesByImage(p)
	standard, _ := p.LonghornSetting(settingEngineImage)
	for _, image := range p.EngineImages() {
		name := image.Spec.Image
		if uses[name] == 0 && name != standard || image.DeletionTimestamp != nil {
			continue // Left by an earlier upgrade; Longhorn removes it.
		}
		if !reportUndeployed(p, image, storage) && name != standard {
			reportOlderImage(p, image, uses[name], standard)
		}
	}
}

func reportUndeployed(p *Pass, image *lhv1.EngineImage, storage storageNodes) bool {
	f := Finding{
		Object: ObjectOf(image), Transient: true, Settles: longhornSettles,
		Remedy: fmt.Sprintf("wait until it is deployed; else see why its pods do not start: kubectl -n %s get pods -o wide -l longhorn.io/component=engine-image.", cluster.LonghornNamespace),
	}
	state := cluster.Text(image.Status.State)
	missing := nodesWithout(image, storage.ready)
	switch {
	case image.Status.Incompatible:
		f.Transient, f.Settles = false, 0
		f.Message = "is not compatible with the running Longhorn"
		f.Remedy = fmt.Sprintf("upgrade the engines of its volumes: kubectl -n %s get volumes.longhorn.io lists them with their images.", cluster.LonghornNamespace)
	case state == "":
		p.Unknownf(image, "it reports no state")
	case state != lhv1.EngineImageStateDeployed && state != lhv1.EngineImageStateDeploying:
		p.Unknownf(image, "its state is %q, a word that is not known", state)
	case image.Status.NodeDeploymentMap == nil:
		p.Unknownf(image, "it does not report on which nodes it is deployed")
	case len(missing) > 0:
		f.Message = fmt.Sprintf("is not deployed on %s", abridge(missing))
	case state == lhv1.EngineImageStateDeploying && len(nodesWithout(image, storage.away)) == 0:
		f.Message = "is still being deployed"
	}
	if f.Message == "" {
		return false
	}
	f.Message = fmt.Sprintf("engine image %s (%s) %s", image.Name, image.Spec.Image, f.Message)
	p.Report(f)
	return true
}

// nodesWithout lists those of some nodes on which an engine image is not deployed.
func nodesWithout(image *lhv1.EngineImage, nodes []string) []string {
	var missing []string
	for _, node := range nodes {
		if !image.Status.NodeDeploymentMap[node] {
			missing = append(missing, node)
		}
	}
	return missing
}

// reportOlderImage warns of volumes that Longhorn should have upgraded to its default engine image by itself.
func reportOlderImage(p *Pass, image *lhv1.EngineImage, volumes int, standard string) {
	text, _ := p.LonghornSetting(settingEngineUpgrade)
	value, _ := valueForV1(text)
	if limit, err := strconv.Atoi(value); err != nil || limit == 0 || standard == "" {
		return // Switched off: somebody upgrades engines by hand.
	}
	p.Report(Finding{
		Object: ObjectOf(image), Severity: Warn,
		Message: fmt.Sprintf("engine image %s (%s) still serves %s, although Longhorn upgrades engines to %s by itself", image.Name, image.Spec.Image, countedVolumes(volumes), standard),
		Remedy:  fmt.Sprintf("make its volumes healthy, or upgrade their engines in Longhorn's page: kubectl -n %s get volumes.longhorn.io lists them with their images.", cluster.LonghornNamespace),
	})
}

// reportVolumesBetweenImages reports volumes whose engine is being upgraded: until that is done they cannot migrate
// (processMigration).
func reportVolumesBetweenImages(p *Pass) {
	for _, volume := range p.Volumes() {
		wanted, current := cluster.Text(volume.Spec.Image), cluster.Text(volume.Status.CurrentImage)
		if wanted == "" || wanted == current || volume.DeletionTimestamp != nil {
			continue // Up to Longhorn 1.4 spec.image has another name.
		}
		if current == "" {
			if cluster.Text(volume.Status.State) != lhv1.VolumeStateCreating {
				p.Unknownf(volume, "it does not report which engine image it uses")
			}
			continue
		}
		p.Report(Finding{
			Object: ObjectOf(volume), Transient: true, Settles: longhornSettles,
			Message: fmt.Sprintf("%s is between engine images, from %s to %s, and cannot migrate until its engine is upgraded", describeVolume(p, volume), current, wanted),
			Remedy:  fmt.Sprintf("wait until its engine is upgraded, a minute or so; else make the volume healthy, or upgrade the engine while it is detached, which is at once: %s.", stopVM(p, volume)),
		})
	}
}
