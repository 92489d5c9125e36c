package checks

import (
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// Request is the upgrade that is being judged.
type Request struct {
	// Object names the Upgrade or UpgradePlan; its name is empty when only a check was asked for, so that nothing in the cluster
	// is mistaken for it.
	Object Object
	// Version is the target's name, "v1.4.2": a Version object's. Empty for an upgrade from an image, or when none was named.
	Version string
	// Image is NAMESPACE/NAME of the VirtualMachineImage to upgrade from; the target version is then not known.
	Image string
	// Unspecified is true when no upgrade was named at all, as in a check from a terminal.
	Unspecified bool
}

// Settings are the thresholds that checks compare with. DefaultSettings has the defaults; policy may change them.
type Settings struct {
	// DiskHeadroomBytes is what the new release's images need on each node: 13 GiB.
	DiskHeadroomBytes uint64
	// DiskMinimumFreeBytes is what must be free on each node at least: 30 GiB.
	DiskMinimumFreeBytes uint64
	// SnapshotMargin is how many snapshots below a volume's maximum block already: 5.
	SnapshotMargin int
	// StuckMigrationAge is when a migration that has not ended counts as stuck: 30 minutes.
	StuckMigrationAge time.Duration
	// StaleEngineAge is when a second engine without a migration is no after-effect of one: 10 minutes.
	StaleEngineAge time.Duration
	// LostEngineAge is how long an instance manager may go on listing an engine that has stopped: 2 minutes.
	LostEngineAge time.Duration
	// SnapshotDeletionAge is when a snapshot that is being deleted counts as stuck: 30 minutes.
	SnapshotDeletionAge time.Duration
	// IOErrorWindow is how recent an IOerror event must be to count: 30 minutes.
	IOErrorWindow time.Duration
	// CertificateBlockAge is how long a certificate must still be valid at least: 7 days.
	CertificateBlockAge time.Duration
	// CertificateWarnAge is how long it should be: 30 days.
	CertificateWarnAge time.Duration
	// ExcludedNamespaces are namespaces whose virtual machines are left out. Objects of the system are never left out.
	ExcludedNamespaces map[string]bool
}

// DefaultSettings returns the thresholds that apply without a policy.
func DefaultSettings() Settings {
	return Settings{
		DiskHeadroomBytes:    13 << 30,
		DiskMinimumFreeBytes: 30 << 30,
		SnapshotMargin:       5,
		StuckMigrationAge:    30 * time.Minute,
		StaleEngineAge:       10 * time.Minute,
		LostEngineAge:        2 * time.Minute,
		SnapshotDeletionAge:  30 * time.Minute,
		IOErrorWindow:        30 * time.Minute,
		CertificateBlockAge:  7 * 24 * time.Hour,
		CertificateWarnAge:   30 * 24 * time.Hour,
	}
}

// Pass is what one run of one check works with. It is used by one goroutine.
type Pass struct {
	*cluster.Snapshot
	// Request is the upgrade that is being judged.
	Request Request
	// Settings are the thresholds.
	Settings Settings

	plan     func() drain.Plan
	findings []Finding
	gaps     []Gap
	leftOut  []string
	skipped  string
}

// Plan returns what the rolling upgrade would do, simulated once for all checks of a chain.
func (p *Pass) Plan() drain.Plan { return p.plan() }

// Report adds a finding.
func (p *Pass) Report(f Finding) { p.findings = append(p.findings, f) }

// Findf reports that an object is in a bad state; the check's remedy applies.
func (p *Pass) Findf(object client.Object, format string, args ...any) {
	p.Report(Finding{Object: ObjectOf(object), Message: fmt.Sprintf(format, args...)})
}

// Unknownf says that an object could not be judged. A check that found nothing else is then Unknown instead of Passed.
func (p *Pass) Unknownf(object client.Object, format string, args ...any) {
	p.gaps = append(p.gaps, Gap{Object: ObjectOf(object), Because: fmt.Sprintf(format, args...)})
}

// UnknownPart says what could not be judged and belongs to no single object. It counts as Unknownf does, whatever else the check found.
func (p *Pass) UnknownPart(because string) { p.gaps = append(p.gaps, Gap{Because: because}) }

// Skip says why the check does not apply to this request. It is then Skipped, unless it found something all the same.
func (p *Pass) Skip(because string) { p.skipped = because }

// LeaveOut says which part of itself the check could not look at, and why: "the COS_STATE partitions (nobody has told their sizes)".
// It does not change the outcome. What may be wrong with one object belongs to Unknownf, which does.
func (p *Pass) LeaveOut(because string) { p.leftOut = append(p.leftOut, because) }

// Excluded tells whether the policy leaves an object's namespace out.
func (p *Pass) Excluded(object client.Object) bool {
	return p.Settings.ExcludedNamespaces[object.GetNamespace()]
}
