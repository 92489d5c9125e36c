package drain

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// ReleaseServesFromPod is the first release whose upgrade serves its files from a Deployment, upgrade-repo, on a volume of Longhorn; before, it
// was a VM, which is shut down on the node that is drained and started elsewhere.
const ReleaseServesFromPod = "v1.7.0"

// keepRepository simulates the wait of the post-drain job for the upgrade's repository, from which the node fetches its operating system while
// it is still cordoned: its pod needs another node that takes pods, and witnesses take none (harvester/harvester, upgrade_node.sh,
// command_post_drain, wait_repo).
func (m *model) keepRepository() {
	if cluster.Before(m.target, ReleaseServesFromPod) || m.blind() {
		return
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.HarvesterNamespace, Name: "upgrade-repo"}}
	feasible := m.room.Feasible(pod)
	for _, node := range feasible.Nodes {
		if of := m.Node(node); !cluster.IsWitness(of) {
			return
		}
	}
	m.stop(Stop{State: PostDraining, Confidence: Likely, Object: m.here,
		Because:  fmt.Sprintf("the pod upgrade-repo, from which %s fetches its operating system, finds no other node (%s)", m.here.Name, m.offRepository(feasible)),
		Remedy:   "uncordon another node, or make it ready: kubectl get nodes.",
		Evidence: []string{"Node spec.unschedulable, spec.taints, metadata.labels node-role.harvesterhci.io/witness"}})
}

func (m *model) offRepository(feasible Feasibility) string {
	reasons := map[string]Reason{}
	for node, reason := range feasible.Reasons {
		reasons[node] = reason
	}
	for _, node := range feasible.Nodes {
		reasons[node] = Reason{Text: "node(s) were witnesses"}
	}
	return reasonsInWords(reasons)
}
