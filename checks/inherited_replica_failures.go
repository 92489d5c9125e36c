package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// inheritedReplicaFailures finds replicas whose copies a migration cannot start, on releases of Longhorn with that fault.
func inheritedReplicaFailures() Check {
	return Check{
		Name:  "inherited-replica-failures",
		Title: "Healthy replicas carry a failure from before they existed",
		Why: "A migration copies each replica with the time of its last failure. Longhorn 1.10.1 stops such a copy again and again, so that the " +
			"VM's migration never ends and its node stays in Pre-draining.",
		Finds: "Migratable volumes with healthy replicas whose last failure is older than themselves, on affected releases of Longhorn (1.10.1 without its hotfix, " +
			"1.9.3). As a warning: replicas there that failed once themselves, and inherited failures of volumes that are not attached or on earlier releases, where " +
			"the upgrade may lead to an affected one. Repaired releases are 1.8.3, 1.9.4, 1.10.2 and later.",
		Remedy: "stop the VM for the time of the upgrade, so that it need not migrate; or replace the volume's replicas one by one: delete one " +
			"(kubectl -n longhorn-system delete replicas.longhorn.io REPLICA), and wait until the volume is healthy before the next.",
		Severity: Block,
		Waivable: true,
		Needs:    []cluster.Kind{cluster.Replicas, cluster.Volumes, cluster.LonghornSettings},
		Sources: []string{
			"harvester/harvester#9705", "longhorn/longhorn#12311", "longhorn/longhorn-manager controller duplicateReplica",
		},
		Run: runInheritedReplicaFailures,
	}
}

func runInheritedReplicaFailures(p *Pass) error {
	longhorn := p.Longhorn()
	if longhorn != nil && isRepairedForInheritance(longhorn) {
		return nil
	}
	for _, volume := range p.Volumes() {
		if !volume.Spec.Migratable {
			continue // Nothing copies its replicas.
		}
		inherited, own, unread := pastFailures(p.ReplicasOf(volume.Name))
		switch {
		case len(unread) > 0:
			p.Unknownf(volume, "its replica %s does not say when it was created or last failed", strings.Join(unread, ", "))
		case len(inherited) > 0 && longhorn != nil && !inheritsFailures(longhorn) && !mayBringInheritance(p.Target()):
			// Neither this Longhorn nor the one that the upgrade brings minds.
		case len(inherited) > 0 && longhorn == nil:
			running, _ := p.LonghornSetting(settingLonghornVersion)
			p.Unknownf(volume, "its replica %s inherited a failure, and it is not known whether Longhorn %q minds (longhorn/longhorn#12311)",
				strings.Join(inherited, ", "), running)
		case len(inherited) > 0:
			reportInherited(p, volume, longhorn, inherited, "carry a failure that is older than themselves", "carries a failure that is older than itself", Block)
		case len(own) > 0 && inheritsFailures(longhorn):
			reportInherited(p, volume, longhorn, own, "failed once, which their copies in a migration would inherit", "failed once, which its copy in a migration would inherit", Warn)
		}
	}
	return nil
}

// reportInherited reports the replicas of a volume that a migration would copy with a failure.
func reportInherited(p *Pass, volume *cluster.Volume, longhorn *version.Version, replicas []string, many, one string, severity Severity) {
	f := Finding{
		Object: ObjectOf(volume), Severity: severity,
		Remedy: fmt.Sprintf("for the time of the upgrade, so that it need not migrate, %s; or replace the replicas one by one, waiting each time until the volume "+
			"is healthy: kubectl -n longhorn-system delete replicas.longhorn.io %s.", stopVM(p, volume), replicas[0]),
	}
	effect := "no migration of it can end"
	switch {
	case !inheritsFailures(longhorn):
		f.Severity = Warn
		effect = "no migration of it could end under Longhorn 1.10.1 or 1.9.3, if the upgrade leads there"
	case volume.Status.State == lhv1.VolumeStateDetached:
		f.Severity = Warn
		effect = "no migration of it can end once its VM runs"
	case severity == Warn:
		effect = "no migration of it may end"
	}
	f.Message = fmt.Sprintf("%s has %d %s that %s (%s): with Longhorn v%s %s (longhorn/longhorn#12311)", describeVolume(p, volume), len(replicas),
		counted(len(replicas), "replica", "replicas"), counted(len(replicas), one, many), abridge(replicas), longhorn, effect)
	p.Report(f)
}

// pastFailures names the healthy replicas of a volume that failed before they were created, those that failed later, and those
// of which that cannot be told; each by name.
func pastFailures(replicas []*cluster.Replica) (inherited, own, unread []string) {
	for _, replica := range replicas {
		if !isGood(replica) || cluster.Text(replica.Spec.LastFailedAt) == "" {
			continue
		}
		failed, err := time.Parse(time.RFC3339, replica.Spec.LastFailedAt)
		switch {
		case err != nil || replica.CreationTimestamp.IsZero():
			unread = append(unread, replica.Name)
		case failed.Before(replica.CreationTimestamp.Time):
			inherited = append(inherited, replica.Name)
		default:
			own = append(own, replica.Name)
		}
	}
	slices.Sort(inherited)
	slices.Sort(own)
	slices.Sort(unread)
	return inherited, own, unread
}

// inheritsFailures tells whether a version of Longhorn stops the copies of replicas that once failed. Harvester v1.7.0 has
// 1.10.1 with a hotfix.
func inheritsFailures(longhorn *version.Version) bool {
	if isRepairedForInheritance(longhorn) {
		return false
	}
	return atLeast(longhorn, "v1.10.1") || atLeast(longhorn, "v1.9.3") && before(longhorn, "v1.10.0")
}

// mayBringInheritance tells whether an upgrade can bring an affected Longhorn: Harvester v1.6.1 has 1.9.2, v1.7.0 has 1.10.1 and v1.7.1 has
// 1.10.2. Of a target that is not known, and of later releases of v1.6, nothing better is known.
func mayBringInheritance(target *version.Version) bool {
	return target == nil || atLeast(target, "v1.6.2") && before(target, "v1.7.1")
}

// isRepairedForInheritance tells whether a version of Longhorn has the repair of longhorn/longhorn#12311.
func isRepairedForInheritance(longhorn *version.Version) bool {
	switch {
	case atLeast(longhorn, "v1.10.0"):
		return atLeast(longhorn, "v1.10.2") || strings.HasPrefix(longhorn.PreRelease(), "hotfix")
	case atLeast(longhorn, "v1.9.0"):
		return atLeast(longhorn, "v1.9.4")
	}
	return atLeast(longhorn, "v1.8.3")
}
