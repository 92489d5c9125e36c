package drain

import (
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Rule is one that a release of Harvester changed. A node is drained by the target's scripts and controllers.
type Rule struct {
	// Since is the first release with it.
	Since string
	// Says is what has been so since then.
	Says string
}

// Rules are the rules that releases changed, the oldest first. A target that is not known has all of them.
func Rules() []Rule {
	return []Rule{
		{Since: "v1.4.0", Says: "the upgrade changes Longhorn's node-drain-policy and detach-manually-attached-volumes-when-cordoned where they are at their defaults"},
		{Since: ReleaseStopsFailedMoves, Says: "a VM whose migration failed is shut down; before, it was waited for without end"},
		{Since: ReleaseServesFromPod, Says: "the upgrade's files are served by a Deployment on a volume of Longhorn; before, by a VM"},
		{Since: ReleaseMovesCDROMs, Says: "a VM with a CD-ROM or a container disk is moved; before, it was shut down"},
	}
}

// rulesOfRelease names the last release up to a target that changed a rule; of a target that is not known, the last of all.
func rulesOfRelease(target *version.Version) string {
	last := ""
	for _, rule := range Rules() {
		if !cluster.Before(target, rule.Since) {
			last = rule.Since
		}
	}
	return last
}
