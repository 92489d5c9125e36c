package checks

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// What of a cluster the advisories concern: one function for each that an API shows something of.

const (
	settingBackupTarget = "backup-target"
	// latestDriverDisk is the image of Windows drivers that releases before v1.1.0 put into their templates.
	latestDriverDisk = "harvester-beta/vmdp:latest"
	// releaseServer is where releases are downloaded from; another host means that somebody has mirrored them.
	releaseServer = "releases.rancher.com"
)

func vmsWithLatestDriverDisk(p *Pass) []affected {
	var found []affected
	for _, vmi := range p.VMIs() {
		if p.Excluded(vmi) || vmi.IsFinal() {
			continue
		}
		for _, volume := range vmi.Spec.Volumes {
			if volume.ContainerDisk != nil && strings.Contains(volume.ContainerDisk.Image, latestDriverDisk) {
				found = append(found, affected{vmi, fmt.Sprintf("VM %s/%s has the container disk %s", vmi.Namespace, vmi.Name, volume.ContainerDisk.Image)})
				break
			}
		}
	}
	return found
}

// connectionsToRancher returns the agent through which a Rancher elsewhere manages the cluster.
func connectionsToRancher(p *Pass) []affected {
	for _, deployment := range p.Deployments() {
		if deployment.Namespace == "cattle-system" && deployment.Name == "cattle-cluster-agent" {
			return []affected{{deployment, "deployment cattle-system/cattle-cluster-agent connects the cluster to a Rancher"}}
		}
	}
	return nil
}

func backupTargetsWithoutInterval(p *Pass) []affected {
	value, _ := p.Setting(settingBackupTarget)
	var target struct {
		Type     string `json:"type"`
		Interval int64  `json:"refreshIntervalInSeconds"`
	}
	if json.Unmarshal([]byte(value), &target) != nil || target.Type == "" || target.Interval != 0 {
		return nil
	}
	return []affected{{p.SettingObject(settingBackupTarget), fmt.Sprintf("setting %s has a target of type %s and no refresh interval", settingBackupTarget, target.Type)}}
}

// releasesFromElsewhere returns the target where its ISO does not come from Harvester's own server, as in an air-gapped cluster.
func releasesFromElsewhere(p *Pass) []affected {
	target := p.Version(cluster.HarvesterNamespace, p.Request.Version)
	if target == nil {
		return nil
	}
	iso, err := url.Parse(cluster.Text(target.Spec.ISOURL))
	if err != nil || iso.Host == "" || iso.Hostname() == releaseServer {
		return nil
	}
	return []affected{{target, fmt.Sprintf("version %s comes from %s", target.Name, iso.Hostname())}}
}

// backingImagesBeforeLonghorn17 returns the definition of backing images where there are any, and its label names a release of Longhorn
// before 1.7. Definitions are not among what the check uses: many support bundles hold none, and the advisory is then told.
func backingImagesBeforeLonghorn17(p *Pass) []affected {
	images := len(p.BackingImages())
	if images == 0 {
		return nil
	}
	for _, crd := range p.CustomResourceDefinitions() {
		if crd.Name != "backingimages.longhorn.io" {
			continue
		}
		of := cluster.Text(crd.Labels["app.kubernetes.io/version"])
		if atLeast(semantic(of), "v1.7.0") {
			return nil
		}
		return []affected{{crd, fmt.Sprintf("definition %s%s serves %d backing %s", crd.Name, inParentheses(of), images, counted(images, "image", "images"))}}
	}
	return []affected{{serverVersion(p), fmt.Sprintf("Harvester %s with %d backing %s", p.RunningVersion(), images, counted(images, "image", "images"))}}
}

func sharedVolumes(p *Pass) []affected {
	count := 0
	for _, volume := range p.Volumes() {
		if volume.Spec.AccessMode == lhv1.AccessModeReadWriteMany && !volume.Spec.Migratable {
			count++
		}
	}
	if count == 0 {
		return nil
	}
	return []affected{{serverVersion(p), fmt.Sprintf("Harvester %s with %d shared %s", p.RunningVersion(), count, counted(count, "volume", "volumes"))}}
}

func volumesLargerThanAnyDisk(p *Pass) []affected {
	overProvisioning, ok := percentSetting(p, settingOverProvisioning, defaultOverProvisioning)
	largest := largestDisk(p) * overProvisioning / 100
	if !ok || largest == 0 {
		return nil
	}
	var found []affected
	for _, volume := range p.Volumes() {
		if float64(volume.Spec.Size) > largest {
			found = append(found, affected{volume, fmt.Sprintf("%s has %s, and the largest disk takes %s", describeVolume(p, volume), gib(volume.Spec.Size), gib(int64(largest)))})
		}
	}
	return found
}

func largestDisk(p *Pass) float64 {
	largest := int64(0)
	for _, node := range p.LonghornNodes() {
		for name, disk := range node.Spec.Disks {
			if status := node.Status.DiskStatus[name]; status != nil {
				largest = max(largest, status.StorageMaximum-disk.StorageReserved)
			}
		}
	}
	return float64(largest)
}

func workloadUpdatesByMigration(p *Pass) []affected {
	running := slices.ContainsFunc(p.VMIs(), func(vmi *kubevirtv1.VirtualMachineInstance) bool { return vmi.Status.Phase == kubevirtv1.Running })
	var found []affected
	for _, kubevirt := range p.KubeVirts() {
		if running && slices.Contains(kubevirt.Spec.WorkloadUpdateStrategy.WorkloadUpdateMethods, kubevirtv1.WorkloadUpdateMethodLiveMigrate) {
			found = append(found, affected{kubevirt, fmt.Sprintf("KubeVirt %s/%s updates workloads by LiveMigrate", kubevirt.Namespace, kubevirt.Name)})
		}
	}
	return found
}

// migrationConfigurations returns a KubeVirt whose migrations a person has configured. Two of the fields are Harvester's own.
func migrationConfigurations(p *Pass) []affected {
	var found []affected
	for _, kubevirt := range p.KubeVirts() {
		if kubevirt.Spec.Configuration.MigrationConfiguration == nil {
			continue
		}
		own := *kubevirt.Spec.Configuration.MigrationConfiguration
		own.Network, own.NodeDrainTaintKey = nil, nil
		if own != (kubevirtv1.MigrationConfiguration{}) {
			found = append(found, affected{kubevirt, fmt.Sprintf("KubeVirt %s/%s has a spec.configuration.migrations of its own", kubevirt.Namespace, kubevirt.Name)})
		}
	}
	return found
}

func clustersOfSeveralNodes(p *Pass) []affected {
	if nodes := len(p.ManagedNodes()); nodes > 1 {
		return []affected{{serverVersion(p), fmt.Sprintf("Harvester %s on %d nodes", p.RunningVersion(), nodes)}}
	}
	return nil
}

// claimsSmallerThanTheirImage compares claims with what Harvester asks for since v1.10.0: the image's virtual size, rounded up to
// whole GiB. Of an image that is gone, or that does not tell its size, nothing is known.
func claimsSmallerThanTheirImage(p *Pass) []affected {
	var found []affected
	for _, claim := range p.Claims() {
		namespace, name, named := strings.Cut(cluster.Text(claim.Annotations[cluster.AnnotationImageID]), "/")
		if !named || p.Excluded(claim) {
			continue
		}
		image := p.Image(namespace, name)
		if image == nil || image.Status.VirtualSize <= 0 {
			continue
		}
		const whole = 1 << 30
		needed := (image.Status.VirtualSize + whole - 1) / whole
		if size, ok := claim.Spec.Resources.Requests[corev1.ResourceStorage]; ok && size.Value() < needed*whole {
			found = append(found, affected{claim, fmt.Sprintf("claim %s/%s has %s, and its image %s/%s needs %dGi", claim.Namespace, claim.Name, size.String(), namespace, name, needed)})
		}
	}
	return found
}
