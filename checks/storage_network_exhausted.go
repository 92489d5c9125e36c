package checks

import (
	"fmt"
	"net/netip"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// settingStorageNetwork is Harvester's setting and, with the name of the network as its value, Longhorn's.
	settingStorageNetwork = "storage-network"
	// settingRWXNetwork is Longhorn's setting up to v1.10 that puts the servers of shared volumes on the storage network.
	settingRWXNetwork = "storage-network-for-rwx-volume-enabled"
	// settingRWXEndpoint replaces it since Longhorn v1.11, and names the network of their own that the servers are on.
	settingRWXEndpoint = "endpoint-network-for-rwx-volume"
	// settingAutoDeletePod is Longhorn's setting that lets it delete pods whose volume went away; true by default.
	settingAutoDeletePod = "auto-delete-pod-when-volume-detached-unexpectedly"
)

// The pods of Longhorn that have an address of the storage network, by what their names begin with and their label says.
const (
	componentInstanceManager     = "instance-manager"
	componentBackingImageManager = "backing-image-manager"
	componentShareManager        = "share-manager"
)

// storageNetworkExhausted finds networks without the addresses that the upgrade needs for a while.
func storageNetworkExhausted() Check {
	return Check{
		Name:  "storage-network-exhausted",
		Title: "Networks have too few free addresses, or the storage network a setting that an upgrade trips over",
		Why: "While Longhorn is upgraded, each node runs an old and a new instance manager at once, and each needs an address of the storage network. Where the range " +
			"has none left, the new ones never start, and the upgrade stays in UpgradingSystemServices without an error.",
		Finds: "Address pools of the storage network with fewer free addresses than one more for each instance manager, each backing image manager and the upgrade's own " +
			"shared volume, or, as a warning, one more for each share manager as well; and, as warnings: addresses of pods that are gone; shared volumes on the " +
			"storage network on the way from v1.7 to v1.8; VMs whose pods an affected Longhorn deletes when its CSI plugin restarts; and nodes with fewer than 20 addresses left for pods.",
		Beyond: "Addresses that the container network has not released, which are files in /var/lib/cni/networks of each node; DHCP client IDs, network interfaces that a new " +
			"kernel names differently, and what is left of wicked, which are files of the host.",
		Remedy: "remove the allocations of pods that are gone from the pool (kubectl -n kube-system edit ippools.whereabouts.cni.cncf.io NAME), or stop all VMs and enlarge the range: " +
			"kubectl edit settings.harvesterhci.io storage-network.",
		Severity: Block,
		Waivable: true,
		Needs:    []cluster.Kind{cluster.HarvesterSettings, cluster.LonghornSettings, cluster.InstanceManagers, cluster.Pods, cluster.Nodes, cluster.Volumes},
		Uses:     []cluster.Kind{cluster.IPPools},
		Sources: []string{
			"harvester/harvester#10231", "harvester/harvester#10532", "harvester/harvester#7471", "harvester/harvester#4359", "harvester/harvester#3839",
			"harvester/harvester#8534", "longhorn/longhorn#11158", "harvester/harvester package/upgrade/upgrade_manifests.sh wait_longhorn_instance_manager_aio",
		},
		Elsewhere: Peers{
			Script: "too few free addresses for the instance managers and backing image managers; the network configuration of the hosts before v1.7",
		},
		Run: runStorageNetworkExhausted,
	}
}

func runStorageNetworkExhausted(p *Pass) error {
	reportPools(p)
	reportSharedVolumesOnTheWayToV18(p)
	reportPodsThatLonghornDeletes(p)
	for _, node := range p.Nodes() {
		reportPodAddresses(p, node)
	}
	return nil
}

func reportPools(p *Pass) {
	setting := p.SettingObject(settingStorageNetwork)
	value, _ := p.Setting(settingStorageNetwork)
	network, err := readStorageNetwork(value)
	if err != nil {
		p.Unknownf(setting, "%v", err)
	}
	found := false
	for _, object := range p.IPPools() {
		var excluded []netip.Prefix
		own := false
		if poolRange, err := netip.ParsePrefix(cluster.Text(object.Spec.Range)); err == nil && network != nil && poolRange.Masked() == network.network {
			excluded, own, found = network.excluded, true, true
		}
		pool, err := countPool(p, object, excluded)
		if err != nil {
			p.Unknownf(object, "%v", err)
			continue
		}
		reportPool(p, pool, neededIn(p, pool, own))
	}
	if network != nil && !found && len(p.InstanceManagers()) > 0 {
		p.Unknownf(setting, "no address pool of whereabouts has its range %s, so that its free addresses are not known", network.network)
	}
}

// poolNeeds is for how many pods more a pool must have an address while old and new ones run together.
type poolNeeds struct{ instanceManagers, backingImageManagers, upgradeVolume, shareManagers int64 }

func (n poolNeeds) atOnce() int64 {
	return n.instanceManagers + n.backingImageManagers + n.upgradeVolume
}

func (n poolNeeds) inWords() string {
	var parts []string
	for _, part := range []struct {
		count     int64
		one, many string
	}{
		{n.instanceManagers, "an instance manager", "each of %d instance managers"},
		{n.backingImageManagers, "a backing image manager", "each of %d backing image managers"},
		{n.upgradeVolume, "the upgrade's shared volume", "each of %d shared volumes of the upgrade"},
		{n.shareManagers, "a share manager", "each of %d share managers"},
	} {
		switch {
		case part.count == 1:
			parts = append(parts, part.one)
		case part.count > 1:
			parts = append(parts, fmt.Sprintf(part.many, part.count))
		}
	}
	return strings.Join(parts, ", ")
}

// neededIn returns what a pool must have. A pool is the storage network's where it has its range, or where Longhorn's pods have
// addresses of it; one on which only share managers are is the network of their own that shared volumes have since v1.8.
func neededIn(p *Pass, pool addressPool, own bool) poolNeeds {
	var needs poolNeeds
	if own || pool.holders[componentInstanceManager] > 0 {
		needs.instanceManagers = managersToCome(p)
		needs.backingImageManagers = backingImageManagers(p)
	}
	needs.shareManagers = pool.holders[componentShareManager]
	shared := needs.shareManagers > 0 || own && rwxOnStorageNetwork(p)
	if shared && !before(p.Running(), "v1.7.0") {
		needs.upgradeVolume = 1 // Since v1.7.0 a cluster serves the upgrade's files from a shared volume.
	}
	return needs
}

// managersToCome counts the instance managers that the upgrade starts beside those that run: one for each node and engine. What an
// earlier upgrade left running does not count twice.
func managersToCome(p *Pass) int64 {
	type place struct {
		node       string
		kind       lhv1.InstanceManagerType
		dataEngine lhv1.DataEngineType
	}
	places := map[place]bool{}
	for _, manager := range p.InstanceManagers() {
		places[place{manager.Spec.NodeID, manager.Spec.Type, manager.Spec.DataEngine}] = true
	}
	return int64(len(places))
}

func backingImageManagers(p *Pass) int64 {
	count := int64(0)
	for _, pod := range p.PodsIn(cluster.LonghornNamespace) {
		if pod.Labels[labelLonghornComponent] == componentBackingImageManager && !cluster.IsEnded(pod) {
			count++
		}
	}
	return count
}

func reportPool(p *Pass, pool addressPool, needs poolNeeds) {
	edit := fmt.Sprintf("kubectl -n %s edit ippools.whereabouts.cni.cncf.io %s", pool.Namespace, pool.Name)
	f := Finding{Object: ObjectOf(pool.IPPool), Severity: Warn}
	f.Remedy = "stop all VMs and enlarge the range: kubectl edit settings.harvesterhci.io storage-network."
	var facts []string
	if atOnce, all := needs.atOnce(), needs.atOnce()+needs.shareManagers; pool.free < all {
		fact := fmt.Sprintf("has %d of %d addresses free, and the upgrade needs %d: one more for %s", pool.free, pool.usable, all, needs.inWords())
		if pool.free < atOnce {
			f.Severity = Block
		} else {
			fact += ", should the share managers not stop before they start again"
		}
		facts = append(facts, fact)
	}
	if len(pool.stale) > 0 {
		keeps := fmt.Sprintf("keeps %d for pods that are gone%s", len(pool.stale), inParentheses(abridge(pool.stale)))
		if len(facts) > 0 {
			keeps = "it still " + keeps
		}
		facts = append(facts, keeps)
		remove := fmt.Sprintf("remove %s %s of spec.allocations, whose %s gone: %s", counted(len(pool.staleKeys), "entry", "entries"),
			strings.Join(pool.staleKeys, ", "), counted(len(pool.staleKeys), "pod is", "pods are"), edit)
		if len(facts) == 1 {
			f.Remedy = remove + "."
		} else {
			f.Remedy = remove + "; where that is not enough, " + f.Remedy
		}
	}
	if len(facts) == 0 {
		return
	}
	f.Message = fmt.Sprintf("address pool %s/%s of network %s %s", pool.Namespace, pool.Name, pool.network, strings.Join(facts, "; "))
	p.Report(f)
}

// rwxOnStorageNetwork tells whether Longhorn puts the servers of shared volumes on the storage network.
func rwxOnStorageNetwork(p *Pass) bool {
	enabled, _ := p.LonghornSetting(settingRWXNetwork)
	endpoint, _ := p.LonghornSetting(settingRWXEndpoint)
	network, _ := p.LonghornSetting(settingStorageNetwork)
	return isYes(enabled) || endpoint != "" && endpoint == network
}

func isYes(value string) bool { return strings.EqualFold(strings.TrimSpace(value), "true") }

// reportSharedVolumesOnTheWayToV18 reports the setting that Harvester v1.8 clears before Longhorn has carried it over, so that the
// upgrade's own shared volume cannot be mounted any more.
func reportSharedVolumesOnTheWayToV18(p *Pass) {
	if value, _ := p.LonghornSetting(settingRWXNetwork); !isYes(value) {
		return
	}
	setting := p.LonghornSettingObject(settingRWXNetwork)
	running, target := p.Running(), p.Target()
	switch {
	case atLeast(running, "v1.8.0") || before(target, "v1.8.0") || atLeast(target, "v1.9.0"):
	case target == nil:
		p.LeaveOut("whether shared volumes stay reachable on the way to v1.8 (" + targetless(p.Request) + ")")
	case running == nil:
		p.Unknownf(setting, "it is true, which stops upgrades from v1.7 to v1.8, and the running version is not known")
	default:
		p.Report(Finding{
			Object: ObjectOf(setting), Severity: Warn,
			Message: fmt.Sprintf("Longhorn setting %s is true: on the way to v%s the servers of shared volumes lose their address, and the upgrade stays in Post-draining", settingRWXNetwork, target),
			Remedy: "note the name of the network now (kubectl -n longhorn-system get settings.longhorn.io storage-network); if a node then stays in Post-draining, write it back with " +
				"kubectl -n longhorn-system patch settings.longhorn.io endpoint-network-for-rwx-volume --type merge -p '{\"value\":\"NAMESPACE/NAME\"}' and delete the share manager pod of the upgrade's volume.",
		})
	}
}

// reportPodsThatLonghornDeletes reports that an affected Longhorn takes the disks of VMs for shared file systems, and deletes the
// VMs' pods whenever its CSI plugin restarts, as it does in an upgrade.
func reportPodsThatLonghornDeletes(p *Pass) {
	rwx, _ := p.LonghornSetting(settingRWXNetwork)
	value, _ := p.LonghornSetting(settingAutoDeletePod)
	disks := attachedMigratableVolumes(p)
	if !isYes(rwx) || value != "" && !isYes(value) || disks == 0 {
		return
	}
	setting := p.LonghornSettingObject(settingAutoDeletePod)
	if setting == nil {
		setting = &lhv1.Setting{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.LonghornNamespace, Name: settingAutoDeletePod}}
	}
	longhorn := p.Longhorn()
	if longhorn == nil {
		p.Unknownf(setting, "it is on, which some releases of Longhorn do not bear, and Longhorn's version is not known")
		return
	}
	if before(longhorn, "v1.7.0") || atLeast(longhorn, "v1.8.3") && before(longhorn, "v1.9.0") || atLeast(longhorn, "v1.9.1") {
		return
	}
	p.Report(Finding{
		Object: ObjectOf(setting), Severity: Warn,
		Message: fmt.Sprintf("Longhorn setting %s is on: Longhorn v%s then deletes the pods of VMs with %s when its CSI plugin restarts in the upgrade",
			settingAutoDeletePod, longhorn, counted(disks, "1 migratable volume", fmt.Sprintf("any of %d migratable volumes", disks))),
		Remedy: "switch it off until the upgrade is over: kubectl -n longhorn-system patch settings.longhorn.io " + settingAutoDeletePod + " --type merge -p '{\"value\":\"false\"}'.",
	})
}

func attachedMigratableVolumes(p *Pass) int {
	count := 0
	for _, volume := range p.Volumes() {
		if volume.Spec.Migratable && volume.Spec.AccessMode == lhv1.AccessModeReadWriteMany && volume.Status.State == lhv1.VolumeStateAttached {
			count++
		}
	}
	return count
}
