package drain

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Simulate says what the upgrade of a cluster to a version will do, node by node. The target is empty where it is not known.
func Simulate(s *cluster.Snapshot, target string) Plan {
	seen := s.Narrowed(Reads())
	plan := simulate(seen, target)
	plan.Until = seen.Until()
	return plan
}

func simulate(s *cluster.Snapshot, target string) Plan {
	rules := rulesOf(s, target)
	if len(s.Nodes()) == 1 {
		plan := simulateSingle(s, rules)
		plan.Target, plan.RulesOf = target, rulesOfRelease(rules.target)
		return plan
	}
	orders, problems := ordersOf(s)
	plan := Plan{Target: target, RulesOf: rulesOfRelease(rules.target), Orders: len(orders)}
	for i, order := range orders {
		walked := walk(s, rules, order)
		if i == 0 {
			plan.Nodes, plan.Unknown = walked.nodes, walked.unknown
			continue
		}
		mergeOrder(plan.Nodes, walked.nodes)
		plan.Unknown = append(plan.Unknown, walked.unknown...)
	}
	plan.Before = append(problems, beforeNodes(s, rules)...)
	slices.SortStableFunc(plan.Before, func(a, b Stop) int { return strings.Compare(a.Because, b.Because) })
	plan.Unknown = sortedUnknown(plan.Unknown)
	for _, node := range plan.Nodes {
		plan.Time.Low += node.Time.Low
		plan.Time.High += node.Time.High
	}
	return plan
}

// Reads are the kinds that the simulation looks at. It is shown no others, so that a plan depends on these alone.
func Reads() []cluster.Kind {
	return []cluster.Kind{
		cluster.Nodes, cluster.Machines, cluster.Pods, cluster.DaemonSets, cluster.DisruptionBudgets, cluster.VMIs, cluster.VirtualMachines, cluster.Migrations,
		cluster.KubeVirts, cluster.Volumes, cluster.Engines, cluster.Replicas, cluster.InstanceManagers, cluster.Attachments, cluster.VolumeAttachments,
		cluster.PersistentVolumeClaims, cluster.LonghornNodes, cluster.LonghornSettings, cluster.ManagedCharts, cluster.HarvesterSettings, cluster.Secrets,
		cluster.ValidatingWebhooks, cluster.MutatingWebhooks, cluster.Services, cluster.EndpointSlices,
	}
}

// rules are what depends on the target version and on the cluster's settings, and stays the same for all nodes.
type rules struct {
	target *version.Version
	fates  Fates
	// longhorn are Longhorn's settings by the time that nodes are drained.
	longhorn LonghornRules
	// storageNodes is how many nodes the upgrade counts when it waits for volumes.
	storageNodes int
	// slots is how many VMs leave a node at once.
	slots int
	// silent are the nodes that do not say what they have for pods; where there are any, nothing can be said about room.
	silent []*corev1.Node
	// describesCPUs is true where any node is labelled with what a guest that was started on it needs elsewhere.
	describesCPUs bool
	// dead are the webhooks that must approve evictions and do not answer.
	dead []DeadInterceptor
	// found is what has been found out about nodes that does not depend on their order.
	found map[string]*nodeFacts
	// secondsPerGiB is how long KubeVirt lets a migration take for each GiB before it gives up.
	secondsPerGiB int64
}

// nodeFacts are what the upgrade of a node comes to, whenever its turn is.
type nodeFacts struct {
	holds         []Hold
	outage        *outage
	holdsWereRead bool
}

// blind tells whether nothing can be said about room.
func (r rules) blind() bool { return len(r.silent) > 0 }

func (r rules) factsOf(node string) *nodeFacts {
	facts := r.found[node]
	if facts == nil {
		facts = &nodeFacts{}
		r.found[node] = facts
	}
	return facts
}

// walked is what came of one order.
type walked struct {
	nodes   []NodePlan
	unknown []Unknown
}

// walk upgrades one node after the other. Where one would hang, it goes on as if that had been repaired.
func walk(s *cluster.Snapshot, rules rules, order []turn) walked {
	m := newModel(s, rules)
	var result walked
	for i, turn := range order {
		m.begin(turn, i+1, len(order))
		m.room.Cordon(turn.node.Name)
		if !m.plan.Witness {
			m.waitForVolumes()
			m.emptyOfVMs()
		}
		m.drainPods()
		if !m.plan.Witness {
			m.loseReplicas()
		}
		m.estimate()
		m.keepRepository()
		m.comeBack()
		result.nodes = append(result.nodes, m.plan)
	}
	result.unknown = m.unknown
	return result
}
