package checks

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// longhornSettles is how long Longhorn takes, at most, to start a pod on each node and to notice it.
	longhornSettles = 10 * time.Minute
	managerDaemon   = "longhorn-manager"
)

// longhornUnsettled finds what the upgrade's manifest job waits for, and what is left of an earlier upgrade of Longhorn.
func longhornUnsettled() Check {
	return Check{
		Name:  "longhorn-unsettled",
		Title: "Longhorn is not settled on every node",
		Why: "When Longhorn itself has been upgraded, the upgrade waits without limit, in UpgradingSystemServices, until as many longhorn-manager pods are ready as " +
			"there are managed nodes, and until every Longhorn node has exactly one running instance manager of the new image. A Longhorn node without a " +
			"working Kubernetes node never gets one, so that the job says for ever that the count is not 1.",
		Finds: "Longhorn nodes without a Kubernetes node, or whose node is not managed by Harvester or is a witness; Longhorn nodes that are not ready although their node is; " +
			"managed nodes without a Longhorn node; Longhorn nodes with no or several instance managers of the current image, or whose one does not run, counted for " +
			"each data engine in use; a longhorn-manager DaemonSet with another number of ready pods than there are managed nodes; engine images in use that are not deployed on " +
			"every storage node; volumes between two engine images; and, as a warning, instance managers of an older image that still run engines, and older " +
			"engine images that should have been replaced. What a node lacks that is not ready itself is left to nodes-unready.",
		Beyond:   "Whether each node has CPU left for a second instance manager.",
		Remedy:   "see what Longhorn waits for: kubectl -n longhorn-system get nodes.longhorn.io,instancemanagers.longhorn.io,engineimages.longhorn.io,pods -o wide.",
		Severity: Block,
		Needs: []cluster.Kind{
			cluster.LonghornNodes, cluster.Nodes, cluster.InstanceManagers, cluster.DaemonSets, cluster.EngineImages, cluster.Volumes, cluster.Engines,
			cluster.LonghornSettings, cluster.HarvesterSettings,
		},
		AsksKnown: []cluster.Kind{cluster.DaemonSets},
		Sources: []string{
			"harvester/harvester#7840", "harvester/harvester#11359", "harvester/harvester#4879", "harvester/harvester#5088", "harvester/harvester#4134",
			"harvester/harvester#2741", "longhorn/longhorn#8455", "longhorn/longhorn#8194", "longhorn/longhorn#10220", "longhorn/longhorn#9938",
			"harvester/harvester package/upgrade/upgrade_manifests.sh wait_longhorn_manager, wait_longhorn_instance_manager_aio",
			"longhorn/longhorn-manager isVolumeUpgrading",
		},
		Run: runLonghornUnsettled,
	}
}

func runLonghornUnsettled(p *Pass) error {
	managers := managersByNode(p)
	unready := unreadyNodes(p)
	var storage storageNodes
	// fewer and more are how many pods of longhorn-manager the findings about single nodes explain.
	fewer, more := 0, 0
	known := map[string]bool{}
	for _, node := range p.LonghornNodes() {
		known[node.Name] = true
		kubernetes := p.Node(node.Name)
		fact := withoutStorageNode(kubernetes)
		switch {
		case fact != "":
			reportNoStorageNode(p, node, fact)
			if kubernetes != nil {
				more++
			}
		case unready[node.Name]: // Nothing there works, and nodes-unready reports the one cause.
			storage.away = append(storage.away, node.Name)
		default:
			storage.ready = append(storage.ready, node.Name)
			reportLonghornNode(p, node, managers)
		}
	}
	for _, node := range p.ManagedNodes() {
		if unready[node.Name] || !known[node.Name] {
			fewer++
		}
		if !known[node.Name] && !unready[node.Name] {
			reportNoLonghornNode(p, node)
		}
	}
	reportOldManagers(p)
	reportManagerDaemon(p, fewer, more)
	reportEngineImages(p, storage)
	reportVolumesBetweenImages(p)
	return nil
}

func reportNoLonghornNode(p *Pass, node *corev1.Node) {
	f := Finding{
		Object: ObjectOf(node), Message: fmt.Sprintf("node %s is managed by Harvester, but Longhorn has no node of that name%s", node.Name, ageOf(p, node.CreationTimestamp.Time)),
		Remedy: fmt.Sprintf("find out why longhorn-manager does not run there: kubectl -n %s get pods -l app=%s -o wide --field-selector spec.nodeName=%s.", cluster.LonghornNamespace, managerDaemon, node.Name),
	}
	if p.Age(node.CreationTimestamp.Time) < longhornSettles {
		f.Transient, f.Since, f.Settles = true, node.CreationTimestamp.Time, longhornSettles
		f.Remedy = "wait until Longhorn has taken up the new node; else " + f.Remedy
	}
	p.Report(f)
}

// storageNodes are the Longhorn nodes behind which there is a node that stores, by whether that one is ready.
type storageNodes struct{ ready, away []string }

// reportManagerDaemon does what wait_longhorn_manager does, before the upgrade. That there are up to so many pods fewer or more than
// managed nodes is said of the nodes themselves, here or by nodes-unready.
func reportManagerDaemon(p *Pass, fewer, more int) {
	daemon := p.DaemonSet(cluster.LonghornNamespace, managerDaemon)
	if daemon == nil {
		because := "it does not exist"
		if !p.Knows(cluster.DaemonSets, cluster.LonghornNamespace) {
			because = "the DaemonSets of its namespace were not collected"
		}
		p.Unknownf(&appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.LonghornNamespace, Name: managerDaemon}}, "%s", because)
		return
	}
	ready, wanted := int(daemon.Status.NumberReady), len(p.ManagedNodes())
	if daemon.Status.DesiredNumberScheduled == 0 && ready == 0 {
		p.Unknownf(daemon, "it reports no pods")
		return
	}
	if wanted-fewer <= ready && ready <= wanted+more {
		return
	}
	f := Finding{
		Object: ObjectOf(daemon),
		Message: fmt.Sprintf("DaemonSet %s/%s has %d ready %s for %d managed %s", daemon.Namespace, daemon.Name,
			ready, counted(ready, "pod", "pods"), wanted, counted(wanted, "node", "nodes")),
		Remedy: fmt.Sprintf("see why with kubectl -n %s get pods -l app=%s -o wide, and read their logs.", daemon.Namespace, daemon.Name),
	}
	if ready < wanted {
		f.Transient, f.Settles = true, longhornSettles
		f.Remedy = "wait a few minutes for pods that are just starting, or " + f.Remedy
	}
	p.Report(f)
}
