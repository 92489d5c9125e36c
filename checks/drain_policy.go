package checks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const settingDrainPolicy = "node-drain-policy"

// The values of the setting node-drain-policy (longhorn-manager, types/setting.go). The second is Longhorn's default, the first
// what Harvester makes of it.
const (
	policyIfStopped      = "allow-if-replica-is-stopped"
	policyLastReplica    = "block-if-contains-last-replica"
	policyEviction       = "block-for-eviction"
	policyEvictionIfLast = "block-for-eviction-if-contains-last-replica"
	policyAlways         = "always-allow"
)

// defaultsChangedSince is the first release whose upgrade changes two settings of Longhorn where they are at Longhorn's default.
const defaultsChangedSince = "v1.4.0"

// judgeDrainPolicy follows canDeleteInstanceManagerPDB in longhorn-manager. What it says of single nodes, drain-stuck does better.
func judgeDrainPolicy(p *Pass, value string) (Finding, bool) {
	switch value {
	case policyIfStopped:
		return Finding{}, true
	case policyAlways:
		return Finding{Severity: Warn, Message: "so that a node is taken away even with the last good replica of a volume that is in use" + lastReplicasNow(p)}, true
	case policyEviction:
		if len(p.Replicas()) == 0 {
			return Finding{}, true
		}
		return Finding{Message: fmt.Sprintf(
			"so that each node is drained only when Longhorn has moved every replica off it, of %d in the cluster: for ever where the other nodes may not take them", len(p.Replicas()))}, true
	case policyLastReplica, policyEvictionIfLast:
		return judgeLastReplicas(p, value), true
	}
	return Finding{}, false
}

func judgeLastReplicas(p *Pass, policy string) Finding {
	names := volumesWithOneGoodNode(p)
	if len(names) == 0 {
		return Finding{}
	}
	volumes := fmt.Sprintf("the only good replicas of %s (%s)", countedVolumes(len(names)), abridge(names))
	if policy == policyEvictionIfLast {
		return Finding{Severity: Warn, Message: "so that a node is drained only when Longhorn has moved off it " + volumes + ", for ever where no other node has room"}
	}
	unchanged := keptByUpgrade(p, func(d cluster.LonghornDefaults) json.RawMessage { return d.NodeDrainPolicy })
	if unchanged == "" {
		return Finding{} // The manifest job sets it to allow-if-replica-is-stopped before the first node is drained.
	}
	return Finding{Message: fmt.Sprintf("%s, and it keeps from being drained each node with %s, detached ones included", unchanged, volumes)}
}

// keptByUpgrade says why the upgrade's manifest job leaves a setting at Longhorn's default; empty where it changes it. A target that
// is not known is a current release.
func keptByUpgrade(p *Pass, named func(cluster.LonghornDefaults) json.RawMessage) string {
	if before(p.Target(), defaultsChangedSince) {
		return "an upgrade to this version does not change it"
	}
	for _, chart := range p.ManagedCharts() {
		if chart.Namespace != cluster.FleetLocalNamespace || chart.Name != harvesterChart {
			continue
		}
		if value := string(named(chart.Spec.Values.Longhorn.DefaultSettings)); value != "" && value != "null" {
			return "the upgrade does not change it because the chart harvester names it"
		}
	}
	return ""
}

// volumesWithOneGoodNode lists the volumes that hold data, but whose good replicas are all on one node, or that have none.
func volumesWithOneGoodNode(p *Pass) []string {
	var names []string
	for _, volume := range p.Volumes() {
		used, good, others := false, "", false
		for _, replica := range p.ReplicasOf(volume.Name) {
			used = used || cluster.Text(replica.Spec.HealthyAt) != "" || cluster.Text(replica.Spec.FailedAt) != ""
			if isGood(replica) {
				others = others || good != "" && good != replica.Spec.NodeID
				good = replica.Spec.NodeID
			}
		}
		if used && !others {
			names = append(names, volume.Name)
		}
	}
	slices.Sort(names)
	return names
}

func lastReplicasNow(p *Pass) string {
	names := volumesWithOneGoodNode(p)
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(", as it is of %s now (%s)", countedVolumes(len(names)), abridge(names))
}

// valueForV1 returns the value of a setting for the data engine v1: since Longhorn 1.10 some are written {"v1":"12","v2":"12"}.
// ok is false where it names none for v1.
func valueForV1(text string) (value string, ok bool) {
	text = cluster.Text(text)
	if !strings.HasPrefix(text, "{") {
		return text, true
	}
	values := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(text), &values) != nil {
		return "", false
	}
	raw, ok := values[string(lhv1.DataEngineTypeV1)]
	return strings.Trim(string(raw), `"`), ok
}
