package checks

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// ruleVersionOrder marks findings about the order of versions, which Harvester's own annotation skip-version-check lets pass.
	ruleVersionOrder = "version-order"
	// imageImported is the condition of a VirtualMachineImage that is True once its content is there.
	imageImported = "Imported"
)

// unsupportedUpgradePath finds upgrades that Harvester accepts and then fails: it looks at the versions only once the ISO is
// unpacked.
func unsupportedUpgradePath() Check {
	return Check{
		Name:  "unsupported-upgrade-path",
		Title: "The upgrade leads nowhere: target missing, too far, or backwards",
		Why: "Harvester compares the versions only after it has accepted the Upgrade and unpacked the ISO; the Upgrade then ends as Failed, " +
			"or, where the comparison is skipped, runs a migration that nobody has tested.",
		Finds: "Upgrades that name neither a version nor an image, a version that is not offered, an image that is missing, malformed or not imported, and a " +
			"target that is older than the running version, too far ahead of it by its own minimum or by more than one minor release, or out of a pre-release's reach.",
		Beyond:   "The version of an uploaded ISO, which is known only once the upgrade has unpacked it.",
		Remedy:   "choose a target that the upgrade support matrix of Harvester's documentation lists for the running version; kubectl -n harvester-system get versions.harvesterhci.io shows those offered.",
		Severity: Block,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.Versions, cluster.HarvesterSettings},
		Uses:  []cluster.Kind{cluster.VirtualMachineImages},
		Sources: []string{
			"harvester/harvester pkg/webhook/resources/upgrade Create", "harvester/harvester pkg/controller/master/upgrade/versionguard Check",
			"harvester/go-common version CheckUpgradeEligibility",
		},
		Elsewhere: Peers{
			Webhook: "an Upgrade that names neither a version nor an image, and a version that is not offered",
		},
		Run: runUnsupportedUpgradePath,
	}
}

func runUnsupportedUpgradePath(p *Pass) error {
	switch {
	case p.Request.Unspecified:
		p.Skip("no upgrade was named, so there is no target to judge")
	case p.Request.Image != "":
		judgeImage(p) // Harvester then does not look at spec.version; the image's version is known only once it is unpacked.
	case p.Request.Version == "":
		p.Report(Finding{
			Object: p.Request.Object, Message: "the upgrade names neither a version nor an image",
			Remedy: "set spec.version to the name of a Version object, or spec.image to an imported ISO.",
		})
	default:
		judgeVersion(p)
	}
	return nil
}

// versionNamespace is where the target's Version is looked up.
func versionNamespace(p *Pass) string {
	if namespace := p.Request.Object.Namespace; namespace != "" {
		return namespace
	}
	return cluster.HarvesterNamespace
}

// judgeVersion judges an upgrade to a Version object, which Harvester looks up in the Upgrade's own namespace.
func judgeVersion(p *Pass) {
	namespace := versionNamespace(p)
	target := p.Version(namespace, p.Request.Version)
	if target == nil {
		p.Report(Finding{Object: upgradeOr(p, "Version", namespace, p.Request.Version),
			Message: fmt.Sprintf("version %s is not offered: there is no Version %s/%s", p.Request.Version, namespace, p.Request.Version)})
		return
	}
	running := p.RunningVersion()
	if running == "" {
		p.Unknownf(target, "the running version is not known: the setting server-version is missing or empty")
		return
	}
	judgeOrder(p, target, running)
}

// upgradeOr returns the Upgrade, which is at fault for naming what does not exist; where a check was asked for without an
// Upgrade, it returns what does not exist.
func upgradeOr(p *Pass, kind, namespace, name string) Object {
	if p.Request.Object.Name != "" {
		return p.Request.Object
	}
	return Object{APIVersion: cluster.HarvesterGV().String(), Kind: kind, Namespace: namespace, Name: name}
}

// judgeOrder compares versions as Harvester will, in its order: a target that is no release is never refused, the same version
// again is a repair, and a minimum that is not written is none.
func judgeOrder(p *Pass, target *cluster.Version, running string) {
	to := p.Target()
	if to == nil {
		reportOrder(p, target, Warn, "version %s is not a release number, so it cannot be compared with the running %s", target.Name, running)
		return
	}
	from := p.Running()
	if from == nil {
		reportOrder(p, target, Warn, "the running version %s is not a release number, so it cannot be compared with %s; "+
			"Harvester refuses to go from such a build to a release", running, target.Name)
		return
	}
	if from.EqualTo(to) {
		return
	}
	if to.LessThan(from) {
		reportOrder(p, target, Block, "version %s is older than the running %s; Harvester cannot be downgraded", target.Name, running)
		return
	}
	if refused := judgeLowest(p, target, from, to); refused {
		return
	}
	if from.PreRelease() != "" && !sameRelease(from, to) {
		reportOrder(p, target, Block, "version %s cannot be reached from the pre-release %s: Harvester upgrades a pre-release only within its own release", target.Name, running)
	}
}

// judgeLowest compares the running version with the lowest that the target accepts, and tells whether that is too low. Where the
// Version does not say, the ISO will; up to now every release has accepted at most the minor release before its own.
func judgeLowest(p *Pass, target *cluster.Version, from, to *version.Version) (refused bool) {
	lowest := cluster.Text(target.Spec.MinUpgradableVersion)
	bound := semantic(lowest)
	switch {
	case bound != nil && from.LessThan(bound):
		reportOrder(p, target, Block, "version %s can be reached from %s or later, but v%s is running", target.Name, lowest, from)
		return true
	case bound != nil:
	case from.Major() != to.Major() || to.Minor() > from.Minor()+1:
		reportOrder(p, target, Warn, "version %s does not say from which version it can be reached, and v%s is more than one minor release behind it", target.Name, from)
	case lowest != "":
		reportOrder(p, target, Warn, "version %s asks for at least %q, which cannot be compared with the running v%s", target.Name, lowest, from)
	}
	return false
}

func sameRelease(a, b *version.Version) bool {
	return a.Major() == b.Major() && a.Minor() == b.Minor() && a.Patch() == b.Patch()
}

func reportOrder(p *Pass, target *cluster.Version, severity Severity, format string, args ...any) {
	p.Report(Finding{Object: ObjectOf(target), Rule: ruleVersionOrder, Severity: severity, Message: fmt.Sprintf(format, args...)})
}

// judgeImage judges an upgrade from an uploaded ISO. An UpgradePlan, which has no namespace, names an image in Harvester's.
func judgeImage(p *Pass) {
	namespace, name, qualified := strings.Cut(p.Request.Image, "/")
	if !qualified && p.Request.Object.Kind == cluster.UpgradePlanGVK().Kind {
		namespace, name, qualified = cluster.HarvesterNamespace, p.Request.Image, true
	}
	if !qualified || namespace == "" || name == "" {
		p.Report(Finding{
			Object: p.Request.Object, Message: fmt.Sprintf("the upgrade's image %q is not of the form NAMESPACE/NAME", p.Request.Image),
			Remedy: "write spec.image as harvester-system/NAME; kubectl -n harvester-system get virtualmachineimages.harvesterhci.io shows the names.",
		})
		return
	}
	image := p.Image(namespace, name)
	if image == nil {
		p.Report(Finding{Object: upgradeOr(p, "VirtualMachineImage", namespace, name), Message: fmt.Sprintf("the upgrade's image %s does not exist", p.Request.Image),
			Remedy: "upload the ISO again; kubectl -n harvester-system get virtualmachineimages.harvesterhci.io shows the images that there are."})
		return
	}
	judgeImport(p, image)
}

func judgeImport(p *Pass, image *cluster.VirtualMachineImage) {
	imported := cluster.Condition(image.Status.Conditions, imageImported)
	switch {
	case imported != nil && imported.Status == string(corev1.ConditionTrue):
	case imported != nil && imported.Status == string(corev1.ConditionFalse):
		p.Report(Finding{Object: ObjectOf(image),
			Message: fmt.Sprintf("image %s/%s could not be imported%s", image.Namespace, image.Name, inParentheses(imported.Message)),
			Remedy:  "delete the image and upload the ISO again."})
	default:
		p.Report(Finding{Object: ObjectOf(image), Transient: true, Since: image.CreationTimestamp.Time,
			Message: fmt.Sprintf("image %s/%s is not imported yet, %d%% are done", image.Namespace, image.Name, image.Status.Progress),
			Remedy:  "wait until the image is imported and retry."})
	}
}
