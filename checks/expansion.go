package checks

import (
	"fmt"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// reportExpansion finds volumes whose size is being changed, or whose engine is larger than the volume itself
// (longhorn/longhorn#5709): such a volume is neither migrated nor rebuilt.
func reportExpansion(p *Pass, volume *cluster.Volume, engines []*cluster.Engine) {
	for _, engine := range judgedEngines(engines) {
		if cluster.Text(engine.Status.LastExpansionError) != "" || engine.Status.CurrentSize > volume.Spec.Size || engine.Status.IsExpanding {
			reportEngineExpansion(p, volume, engine)
			return
		}
	}
	if volume.Status.ExpansionRequired {
		p.Report(Finding{
			Object: ObjectOf(volume), Rule: ruleExpansion, Transient: true,
			Message: fmt.Sprintf("%s is to be expanded to %s, which has not happened yet", describeVolume(p, volume), gib(volume.Spec.Size)),
			Remedy:  "wait until the expansion is done, and try again: kubectl -n longhorn-system get volumes.longhorn.io " + volume.Name + " -w.",
		})
	}
}

func reportEngineExpansion(p *Pass, volume *cluster.Volume, engine *cluster.Engine) {
	f := Finding{Object: ObjectOf(volume), Rule: ruleExpansion}
	switch {
	case cluster.Text(engine.Status.LastExpansionError) != "":
		f.Message = fmt.Sprintf("%s could not be expanded to %s: %s", describeVolume(p, volume), gib(volume.Spec.Size), engine.Status.LastExpansionError)
		f.Remedy = "remove the cause (mostly no space on a replica's disk) and let Longhorn try again, or cancel the expansion in Longhorn's UI."
	case engine.Status.CurrentSize > volume.Spec.Size:
		f.Message = fmt.Sprintf("%s has a size of %s, but its engine %s has %s: it was expanded by mistake",
			describeVolume(p, volume), gib(volume.Spec.Size), engine.Name, gib(engine.Status.CurrentSize))
		f.Remedy = fmt.Sprintf("%s, and follow Longhorn's knowledge base article on unexpected expansion before the upgrade.", stopVM(p, volume))
	default:
		f.Transient = true
		f.Message = fmt.Sprintf("%s is being expanded from %s to %s", describeVolume(p, volume), gib(engine.Status.CurrentSize), gib(volume.Spec.Size))
		f.Remedy = "wait until the expansion is done, and try again: kubectl -n longhorn-system get volumes.longhorn.io " + volume.Name + " -w."
	}
	p.Report(f)
}
