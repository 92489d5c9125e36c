package drain

import (
	"encoding/json"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// The settings of Longhorn that decide whether a node may be drained (longhorn-manager, types/setting.go).
const (
	settingDrainPolicy  = "node-drain-policy"
	settingDetachByHand = "detach-manually-attached-volumes-when-cordoned"
	settingManagerImage = "default-instance-manager-image"
)

// DrainPolicy is a value of Longhorn's setting node-drain-policy.
type DrainPolicy string

// The values of the setting. PolicyLastReplica is Longhorn's default, PolicyIfStopped what Harvester makes of it. A value that is
// none of them is taken as PolicyLastReplica, as canDeleteInstanceManagerPDB does.
const (
	PolicyIfStopped      DrainPolicy = "allow-if-replica-is-stopped"
	PolicyLastReplica    DrainPolicy = "block-if-contains-last-replica"
	PolicyEviction       DrainPolicy = "block-for-eviction"
	PolicyEvictionIfLast DrainPolicy = "block-for-eviction-if-contains-last-replica"
	PolicyAlways         DrainPolicy = "always-allow"
)

const (
	// defaultsChangedSince is the first release whose upgrade changes the two settings where they are at Longhorn's default.
	defaultsChangedSince = "v1.4.0-0"
	// harvesterChart is the ManagedChart whose values keep the upgrade from changing a setting that they name.
	harvesterChart = "harvester"
)

// LonghornRules are Longhorn's settings as they are by the time that the first node is drained.
type LonghornRules struct {
	// DrainPolicy is node-drain-policy.
	DrainPolicy DrainPolicy
	// DropsManualTickets tells whether volumes that were attached by hand are detached from a node that is cordoned.
	DropsManualTickets bool
}

// LonghornRulesFor returns the settings by which nodes are drained in an upgrade to a version, "v1.8.0". A setting that does not exist
// has Longhorn's default. The manifest job of the upgrade changes both settings where they are at the default and the chart harvester does
// not name them (harvester/harvester, upgrade_manifests.sh, patch_longhorn_settings). A target that is not known is a current release.
func LonghornRulesFor(s *cluster.Snapshot, target string) LonghornRules {
	rules := LonghornRules{DrainPolicy: PolicyLastReplica}
	if value, _ := s.LonghornSetting(settingDrainPolicy); value != "" {
		rules.DrainPolicy = DrainPolicy(value)
	}
	value, _ := s.LonghornSetting(settingDetachByHand)
	rules.DropsManualTickets = value == "true"
	if v, err := version.ParseSemantic(target); err == nil && !v.AtLeast(version.MustParseSemantic(defaultsChangedSince)) {
		return rules
	}
	named := namedByChart(s)
	if rules.DrainPolicy == PolicyLastReplica && !isNamed(named.NodeDrainPolicy) {
		rules.DrainPolicy = PolicyIfStopped
	}
	if !isNamed(named.DetachManuallyAttachedVolumesWhenCordoned) {
		rules.DropsManualTickets = true
	}
	return rules
}

func namedByChart(s *cluster.Snapshot) cluster.LonghornDefaults {
	for _, chart := range s.ManagedCharts() {
		if chart.Namespace == cluster.FleetLocalNamespace && chart.Name == harvesterChart {
			return chart.Spec.Values.Longhorn.DefaultSettings
		}
	}
	return cluster.LonghornDefaults{}
}

func isNamed(value json.RawMessage) bool { return len(value) > 0 && string(value) != "null" }

// ReplicaState is what Longhorn looks at in a replica when it decides whether a node may be drained.
type ReplicaState struct {
	// Stopped is true where the replica is and shall be stopped.
	Stopped bool
	// WasHealthy is true where it ever was healthy: it holds data.
	WasHealthy bool
	// Failed is true for a replica that has failed.
	Failed bool
}

// ReplicaStateOf returns the state of a replica in the Snapshot.
func ReplicaStateOf(replica *cluster.Replica) ReplicaState {
	return ReplicaState{
		Stopped:    replica.Spec.DesireState == lhv1.InstanceStateStopped && replica.Status.CurrentState == lhv1.InstanceStateStopped,
		WasHealthy: cluster.Text(replica.Spec.HealthyAt) != "",
		Failed:     cluster.Text(replica.Spec.FailedAt) != "",
	}
}

// isHealthy tells whether a replica can be the one that keeps a volume's data.
func (r ReplicaState) isHealthy() bool { return r.WasHealthy && !r.Failed }

// isUnused tells whether a replica has never been started (longhorn/longhorn#2673).
func (r ReplicaState) isUnused() bool { return !r.WasHealthy && !r.Failed }
