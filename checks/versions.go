package checks

import (
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// settingLonghornVersion is the Longhorn setting in which its manager writes the version that runs.
const settingLonghornVersion = "current-longhorn-version"

// Target returns the version to upgrade to. It is nil where that is not known: an upgrade from an image, for which Harvester
// does not look at the version; no version at all; or one that is no release number, such as "v1.8-head".
func (p *Pass) Target() *version.Version { return p.Request.target() }

// Running returns Harvester's version before the upgrade, from the setting server-version; nil where it is not known or is no
// release number.
func (p *Pass) Running() *version.Version { return semantic(p.RunningVersion()) }

// Longhorn returns Longhorn's version before the upgrade, from its setting current-longhorn-version; nil where it is not
// known or is no release number.
func (p *Pass) Longhorn() *version.Version {
	text, _ := p.LonghornSetting(settingLonghornVersion)
	return semantic(text)
}

// target is what Pass.Target returns.
func (r Request) target() *version.Version {
	if r.Image != "" {
		return nil
	}
	return semantic(r.Version)
}

// targetName is the name of the version to upgrade to; empty for an upgrade from an image, for which Harvester does not look at it.
func (r Request) targetName() string {
	if r.Image != "" {
		return ""
	}
	return r.Version
}

// semantic reads a version of three numbers, "v1.8.0-rc2"; nil where the text is none.
func semantic(text string) *version.Version { return cluster.ParseVersion(text) }

// atLeast and before compare a version with a release; see cluster.AtLeast.
func atLeast(v *version.Version, bound string) bool { return cluster.AtLeast(v, bound) }

func before(v *version.Version, bound string) bool { return cluster.Before(v, bound) }
