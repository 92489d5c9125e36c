package checks

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// settingServerVersion is Harvester's setting that names the running version; what concerns the cluster as a whole is
// reported of it.
const settingServerVersion = "server-version"

// advisory is a known problem that is bound to the running version, to the target, or to both.
type advisory struct {
	// name is kebab-case; it is the finding's Rule.
	name string
	// title is the problem in a few words, for the documentation.
	title string
	// source and target are the versions that it is bound to.
	source, target releases
	// find returns what of the cluster is affected; nil where no API shows it, so that every cluster within the versions may be.
	find func(*Pass) []affected
	// message says what happens, and is put behind what is affected and a colon.
	message string
	// remedy is what to do. The link is put behind it.
	remedy, link string
	// issues are where the problem was reported.
	issues []string
}

// affected is an object that an advisory concerns, and in what way: "claim default/disk has 5Gi".
type affected struct {
	object client.Object
	fact   string
}

// releases are the versions from one release, inclusive, until another, exclusive; an empty end is open.
type releases struct{ from, until string }

// bounded tells whether there is a version outside.
func (r releases) bounded() bool { return r.from != "" || r.until != "" }

// cover tells whether a version that is known is within.
func (r releases) cover(v *version.Version) bool {
	return (r.from == "" || atLeast(v, r.from)) && (r.until == "" || before(v, r.until))
}

// versionAdvisories finds upgrades with a known problem that Harvester's documentation lists for their versions.
func versionAdvisories() Check {
	var titles, sources []string
	for _, a := range advisories() {
		titles = append(titles, a.title)
		sources = append(sources, a.issues...)
	}
	return Check{
		Name:  "version-advisories",
		Title: "The upgrade has a known problem of its versions",
		Why: "Some problems belong to single releases. Harvester documents them on the page of each upgrade path, where they are read once the upgrade is stuck " +
			"or something that used to work does not any more.",
		Finds: "Known problems bound to the running version or to the target, where what they need is there: " + strings.Join(titles, "; ") + ".",
		Beyond: "Whether problems of the hosts' own network configuration really concern a host: they are told for every cluster within their versions. " +
			"Disks of VMs that do not run, and images that a person has put into Longhorn by hand.",
		Remedy:   "read the page of this upgrade path on https://docs.harvesterhci.io before the upgrade, and do what it asks for.",
		Severity: Warn,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.HarvesterSettings},
		Uses: []cluster.Kind{
			cluster.Versions, cluster.Nodes, cluster.Deployments, cluster.KubeVirts, cluster.VMIs, cluster.Volumes, cluster.LonghornNodes, cluster.LonghornSettings,
			cluster.PersistentVolumeClaims, cluster.VirtualMachineImages, cluster.BackingImages,
		},
		Sources: sources,
		Elsewhere: Peers{
			Script: "the refresh interval of the backup target, volumes smaller than their image, and the hosts' network configuration before v1.7",
		},
		Run: runVersionAdvisories,
	}
}

func runVersionAdvisories(p *Pass) error {
	if because := leadsTooFar(p); because != "" {
		p.LeaveOut(because)
		return nil
	}
	var withoutTarget, withoutRunning []string
	for _, a := range advisories() {
		switch running, target := p.Running(), p.Target(); {
		case running != nil && !a.source.cover(running) || target != nil && !a.target.cover(target):
		case target == nil && a.target.bounded():
			withoutTarget = append(withoutTarget, a.name)
		case running == nil && a.source.bounded():
			withoutRunning = append(withoutRunning, a.name)
		default:
			reportAdvisory(p, a)
		}
	}
	leaveOutAdvisories(p, withoutTarget, targetless(p.Request))
	leaveOutAdvisories(p, withoutRunning, "the running version is not known")
	return nil
}

// leadsTooFar says why the problems of a path do not matter: it leads past a minor release, and the target does not say that it bears
// that, so that another path must be taken first. It is empty for other paths.
func leadsTooFar(p *Pass) string {
	from, to := p.Running(), p.Target()
	if from == nil || to == nil || from.Major() == to.Major() && to.Minor() <= from.Minor()+1 {
		return ""
	}
	if target := p.Version(versionNamespace(p), p.Request.Version); target != nil {
		if lowest := semantic(cluster.Text(target.Spec.MinUpgradableVersion)); lowest != nil && !from.LessThan(lowest) {
			return ""
		}
	}
	return fmt.Sprintf("the known problems from v%s to v%s (more than one minor release at once: see unsupported-upgrade-path)", from, to)
}

func leaveOutAdvisories(p *Pass, names []string, because string) {
	if len(names) > 0 {
		p.LeaveOut(fmt.Sprintf("%s (%s)", strings.Join(names, ", "), because))
	}
}

func reportAdvisory(p *Pass, a advisory) {
	found := []affected{{serverVersion(p), fmt.Sprintf("Harvester from %s to %s", p.RunningVersion(), p.Request.Version)}}
	if a.find != nil {
		found = a.find(p)
	}
	for _, f := range found {
		p.Report(Finding{Object: ObjectOf(f.object), Rule: a.name, Message: f.fact + ": " + a.message, Remedy: a.remedy + " See " + a.link + "."})
	}
}

// serverVersion returns the setting that stands for the cluster.
func serverVersion(p *Pass) *cluster.Setting {
	if setting := p.SettingObject(settingServerVersion); setting != nil {
		return setting
	}
	return &cluster.Setting{ObjectMeta: metav1.ObjectMeta{Name: settingServerVersion}}
}
