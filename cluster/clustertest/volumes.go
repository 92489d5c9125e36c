package clustertest

import (
	"fmt"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const volumeSize = 40 << 30

func (c *Cluster) addVolume(i int) {
	name, home := volumeName(i), nodeName(c.homeOf(i))
	volume := &lhv1.Volume{ObjectMeta: inLonghorn(name)}
	volume.Spec = lhv1.VolumeSpec{
		Size: volumeSize, Frontend: lhv1.VolumeFrontendBlockDev, NodeID: home, NumberOfReplicas: replicasPerVolume, Migratable: true,
		AccessMode: lhv1.AccessModeReadWriteMany, DataLocality: lhv1.DataLocalityDisabled, SnapshotMaxCount: 250, DataEngine: lhv1.DataEngineTypeV1,
		Image: engineImage,
	}
	volume.Status = lhv1.VolumeStatus{
		State: lhv1.VolumeStateAttached, Robustness: lhv1.VolumeRobustnessHealthy, CurrentNodeID: home, CurrentImage: volume.Spec.Image,
		KubernetesStatus: lhv1.KubernetesStatus{
			PVName: name, PVStatus: "Bound", Namespace: namespaceOf(c.owner(i)), PVCName: claimName(i),
			WorkloadsStatus: []lhv1.WorkloadStatus{{PodName: launcherName(c.owner(i)), PodStatus: "Running", WorkloadType: "VirtualMachineInstance"}},
		},
		Conditions: []lhv1.Condition{
			{Type: lhv1.VolumeConditionTypeScheduled, Status: lhv1.ConditionStatusTrue},
			{Type: lhv1.VolumeConditionTypeTooManySnapshots, Status: lhv1.ConditionStatusFalse},
		},
	}
	c.add(cluster.Volumes, volume)
	c.addEngine(i, name, home)
	c.addAttachments(name, home)
	c.addSnapshot(name)
}

func (c *Cluster) addEngine(i int, volume, home string) {
	name := volume + "-e-0"
	engine := &lhv1.Engine{ObjectMeta: inLonghorn(name)}
	engine.Labels = map[string]string{cluster.LabelVolume: volume, "longhornnode": home}
	engine.Spec.VolumeName, engine.Spec.VolumeSize, engine.Spec.NodeID = volume, volumeSize, home
	engine.Spec.DesireState, engine.Spec.Active = lhv1.InstanceStateRunning, true
	engine.Spec.ReplicaAddressMap = map[string]string{}
	engine.Status.CurrentState, engine.Status.InstanceManagerName = lhv1.InstanceStateRunning, managerName(c.homeOf(i))
	engine.Status.CurrentSize = volumeSize
	engine.Status.ReplicaModeMap = map[string]lhv1.ReplicaMode{}
	engine.Status.Snapshots = map[string]*lhv1.SnapshotInfo{
		cluster.VolumeHead: {Name: cluster.VolumeHead, Parent: "snap-1", Created: "2026-11-01T02:00:00Z", Size: fmt.Sprint(100<<20 + i<<12)},
		"snap-1":           {Name: "snap-1", Children: map[string]bool{cluster.VolumeHead: true}, Created: "2026-10-01T02:00:00Z", Size: fmt.Sprint(500<<20 + i<<12), UserCreated: true},
	}
	for r := range replicasPerVolume {
		node := (c.homeOf(i) + r) % c.size.Nodes
		replica := fmt.Sprintf("%s-r-%08x", volume, i*replicasPerVolume+r)
		address := fmt.Sprintf("10.52.%d.9:%d", node, 10000+i%50000)
		engine.Spec.ReplicaAddressMap[replica] = address
		engine.Status.ReplicaModeMap[replica] = lhv1.ReplicaModeRW
		c.addReplica(replica, volume, name, node)
	}
	engine.Status.CurrentReplicaAddressMap = engine.Spec.ReplicaAddressMap
	c.engines[c.homeOf(i)] = append(c.engines[c.homeOf(i)], name)
	c.add(cluster.Engines, engine)
}

func (c *Cluster) addReplica(name, volume, engine string, node int) {
	replica := &lhv1.Replica{ObjectMeta: inLonghorn(name)}
	replica.Labels = map[string]string{cluster.LabelVolume: volume, "longhornnode": nodeName(node)}
	replica.Spec.VolumeName, replica.Spec.VolumeSize, replica.Spec.NodeID = volume, volumeSize, nodeName(node)
	replica.Spec.DesireState, replica.Spec.EngineName, replica.Spec.Active = lhv1.InstanceStateRunning, engine, true
	// No two became healthy in the same second.
	replica.Spec.HealthyAt = Now().AddDate(0, -1, 0).Add(-time.Duration(len(c.objects[cluster.Replicas])) * time.Second).Format(time.RFC3339)
	replica.Spec.DiskPath, replica.Spec.DataDirectoryName = "/var/lib/harvester/defaultdisk", name
	replica.Status.CurrentState, replica.Status.InstanceManagerName = lhv1.InstanceStateRunning, managerName(node)
	c.replicas[node] = append(c.replicas[node], name)
	c.add(cluster.Replicas, replica)
}

func (c *Cluster) addAttachments(volume, home string) {
	ticket := "csi-" + volume
	attachment := &lhv1.VolumeAttachment{ObjectMeta: inLonghorn(volume)}
	attachment.Spec = lhv1.VolumeAttachmentSpec{Volume: volume, AttachmentTickets: map[string]*lhv1.AttachmentTicket{
		ticket: {ID: ticket, Type: lhv1.AttacherTypeCSIAttacher, NodeID: home, Generation: 1},
	}}
	attachment.Status.AttachmentTicketStatuses = map[string]*lhv1.AttachmentTicketStatus{
		ticket: {ID: ticket, Satisfied: true, Generation: 1, Conditions: []lhv1.Condition{}},
	}
	c.add(cluster.Attachments, attachment)
	c.add(cluster.VolumeAttachments, &storagev1.VolumeAttachment{
		ObjectMeta: metav1.ObjectMeta{Name: ticket, CreationTimestamp: metav1.NewTime(Now().AddDate(0, -1, 0))},
		Spec:       storagev1.VolumeAttachmentSpec{Attacher: "driver.longhorn.io", NodeName: home, Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: &volume}},
		Status:     storagev1.VolumeAttachmentStatus{Attached: true},
	})
}

func (c *Cluster) addSnapshot(volume string) {
	snapshot := &lhv1.Snapshot{ObjectMeta: inLonghorn("snap-" + volume)}
	snapshot.Labels = map[string]string{cluster.LabelVolume: volume}
	snapshot.Spec.Volume = volume
	snapshot.Status = lhv1.SnapshotStatus{ReadyToUse: true, UserCreated: true, Size: 524288000, RestoreSize: volumeSize, CreationTime: "2026-10-01T02:00:00Z"}
	c.add(cluster.LonghornSnapshots, snapshot)
}
