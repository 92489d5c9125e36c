package drain_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// engine returns pvc-1-e-0, which runs on node-1.
func engine(changes ...func(*lhv1.Engine)) *lhv1.Engine {
	e := &lhv1.Engine{ObjectMeta: ofLonghorn("pvc-1-e-0")}
	e.Spec.VolumeName, e.Spec.NodeID, e.Spec.DesireState = "pvc-1", "node-1", lhv1.InstanceStateRunning
	e.Status.CurrentState, e.Status.InstanceManagerName = lhv1.InstanceStateRunning, "im-node-1"
	return changed(e, changes)
}

// volume returns pvc-1, of claim shop/data, which a VM or a share manager may use.
func volume(changes ...func(*lhv1.Volume)) *lhv1.Volume {
	v := &lhv1.Volume{ObjectMeta: ofLonghorn("pvc-1")}
	v.Spec.AccessMode, v.Spec.Migratable = lhv1.AccessModeReadWriteMany, true
	v.Status.State, v.Status.CurrentNodeID = lhv1.VolumeStateAttached, "node-1"
	v.Status.KubernetesStatus = lhv1.KubernetesStatus{PVName: "pvc-1", Namespace: "shop", PVCName: "data"}
	return changed(v, changes)
}

func shared(v *lhv1.Volume) { v.Spec.Migratable = false }

// tickets returns Longhorn's attachment of pvc-1, with a ticket TYPE-NODE for each type and node.
func tickets(pairs ...any) *lhv1.VolumeAttachment {
	a := &lhv1.VolumeAttachment{ObjectMeta: ofLonghorn("pvc-1")}
	a.Spec.Volume, a.Spec.AttachmentTickets = "pvc-1", map[string]*lhv1.AttachmentTicket{}
	for i := 0; i < len(pairs); i += 2 {
		kind, node := pairs[i].(lhv1.AttacherType), pairs[i+1].(string)
		id := string(kind) + "-" + node
		a.Spec.AttachmentTickets[id] = &lhv1.AttachmentTicket{ID: id, Type: kind, NodeID: node}
	}
	return a
}

// attachedTo returns the VolumeAttachment of Kubernetes for the CSI ticket of a node.
func attachedTo(node string, changes ...func(*storagev1.VolumeAttachment)) *storagev1.VolumeAttachment {
	pv := "pvc-1"
	va := &storagev1.VolumeAttachment{ObjectMeta: metav1.ObjectMeta{Name: "csi-attacher-" + node, ResourceVersion: "1"}}
	va.Spec.NodeName, va.Spec.Source.PersistentVolumeName = node, &pv
	return changed(va, changes)
}

func deletedFor(age time.Duration) func(*storagev1.VolumeAttachment) {
	return func(va *storagev1.VolumeAttachment) {
		at := metav1.NewTime(evictionTime().Add(-age))
		va.DeletionTimestamp, va.Finalizers = &at, []string{"external-attacher/driver-longhorn-io"}
	}
}

func usingData(v *kubevirtv1.VirtualMachineInstance) {
	source := &kubevirtv1.PersistentVolumeClaimVolumeSource{}
	source.ClaimName = "data"
	v.Spec.Volumes = []kubevirtv1.Volume{{Name: "disk", VolumeSource: kubevirtv1.VolumeSource{PersistentVolumeClaim: source}}}
}

func shareManager(node string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: ofLonghorn("share-manager-pvc-1")}
	pod.Spec.NodeName = node
	return pod
}

// saidOfKeeper is what a test says of a keeper: "leaves", or why it stays, and whether that ends by itself.
func saidOfKeeper(k *drain.Keeper) string {
	switch {
	case k == nil:
		return "leaves"
	case k.Transient:
		return "for now: " + k.Because
	}
	return "stays: " + k.Because
}

type keeperCase struct {
	objects []client.Object
	want    string
}

func runKeepers(t *testing.T, rules drain.LonghornRules, cases map[string]keeperCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := snapshotOfObjects(t, append(c.objects, daemonSet("shop", "agent"), kubeNode("node-1"), kubeNode("node-2"))...)
			k := drain.WhatKeepsEngine(s, "pvc-1-e-0", "node-1", rules)
			if diff := cmp.Diff(saidOfKeeper(k), c.want); diff != "" {
				t.Error(diff)
			}
			if k != nil && (k.Object == nil || len(k.Evidence) == 0) {
				t.Errorf("a keeper without object or evidence: %+v", k)
			}
			if diff := cmp.Diff(drain.LeavesNode(s, "node-1", rules)("pvc-1-e-0"), k == nil); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatKeepsALostEngine(t *testing.T) {
	listed := manager("node-1", listingEngines("pvc-1-e-0"))
	csi := tickets(lhv1.AttacherTypeCSIAttacher, "node-1")
	used := []client.Object{listed, volume(), csi, attachedTo("node-1"), vmi("", usingData)}
	with := func(e *lhv1.Engine) []client.Object { return append([]client.Object{e}, used...) }
	runKeepers(t, drain.LonghornRules{}, map[string]keeperCase{
		"the engine of a VM leaves with it":                  {with(engine()), "leaves"},
		"a process without an engine stays":                  {used, "stays: engine pvc-1-e-0 is still listed on node-1 and has no Engine object"},
		"an engine that is neither listed nor there is gone": {[]client.Object{manager("node-1")}, "leaves"},
		"a process of a stopped engine stays": {with(engine(func(e *lhv1.Engine) {
			e.Spec.DesireState, e.Status.CurrentState = lhv1.InstanceStateStopped, lhv1.InstanceStateStopped
		})), "stays: engine pvc-1-e-0 is still listed on node-1, and for the control plane it is in state stopped"},
		"a process of an engine that is being stopped goes": {with(engine(func(e *lhv1.Engine) {
			e.Spec.DesireState, e.Status.CurrentState = lhv1.InstanceStateStopped, lhv1.InstanceStateStopping
		})), "for now: engine pvc-1-e-0 is still listed on node-1, and for the control plane it is in state stopping"},
		"a process of an engine that runs elsewhere stays":        {with(engine(func(e *lhv1.Engine) { e.Spec.NodeID = "node-2" })), "stays: engine pvc-1-e-0 is still listed on node-1, and for the control plane it runs on node-2"},
		"a process of an engine in another manager stays":         {with(engine(func(e *lhv1.Engine) { e.Status.InstanceManagerName = "im-b" })), "stays: engine pvc-1-e-0 is still listed by im-node-1 on node-1, and for the control plane it runs in im-b"},
		"a process of an engine in no manager may be young":       {with(engine(func(e *lhv1.Engine) { e.Status.InstanceManagerName = "" })), `for now: engine pvc-1-e-0 is still listed by im-node-1 on node-1, and for the control plane it runs in ""`},
		"a process of an engine that is being deleted goes":       {with(engine(func(e *lhv1.Engine) { evictedAlready(e) })), "for now: engine pvc-1-e-0 is being deleted and still listed on node-1"},
		"an engine whose volume does not exist stays":             {[]client.Object{engine(), listed}, "stays: engine pvc-1-e-0 on node-1 belongs to volume pvc-1, which does not exist"},
		"an engine that an old Longhorn lists as instance counts": {[]client.Object{manager("node-1", listingInstances("pvc-1-e-0"))}, "stays: engine pvc-1-e-0 is still listed on node-1 and has no Engine object"},
	})
}

func TestWhatKeepsAnEngineByItsTickets(t *testing.T) {
	kept := func(kind lhv1.AttacherType) string {
		return "volume pvc-1 is held on node-1 by the ticket " + string(kind) + "-node-1 of Longhorn's " + string(kind)
	}
	base := func(objects ...client.Object) []client.Object {
		return append(objects, engine(), manager("node-1", listingEngines("pvc-1-e-0")))
	}
	cases := map[string]keeperCase{
		"a ticket of another node does not keep it":    {base(volume(), tickets(lhv1.AttacherTypeCSIAttacher, "node-1", lhv1.AttacherTypeBackupController, "node-2"), attachedTo("node-1"), vmi("", usingData)), "leaves"},
		"a manual ticket keeps it":                     {base(volume(), tickets(lhv1.AttacherTypeLonghornAPI, "node-1")), "stays: volume pvc-1 is attached to node-1 by hand (ticket longhorn-api-node-1), and Longhorn's detach-manually-attached-volumes-when-cordoned is false"},
		"a manual ticket beside a VM's keeps it":       {base(volume(), tickets(lhv1.AttacherTypeCSIAttacher, "node-1", lhv1.AttacherTypeLonghornAPI, "node-1"), attachedTo("node-1"), vmi("", usingData)), "stays: volume pvc-1 is attached to node-1 by hand (ticket longhorn-api-node-1), and Longhorn's detach-manually-attached-volumes-when-cordoned is false"},
		"a ticket of a type that is not known stays":   {base(volume(), tickets(lhv1.AttacherType("new-controller"), "node-1")), "stays: " + kept("new-controller")},
		"a ticket without a type stays":                {base(volume(), tickets(lhv1.AttacherType(""), "node-1")), "stays: volume pvc-1 is held on node-1 by the ticket -node-1 of no known owner"},
		"without a ticket nothing keeps it for long":   {base(volume()), "for now: engine pvc-1-e-0 runs on node-1, although no attachment ticket asks for it"},
		"without a ticket it leaves with its VM":       {base(volume(), vmi("", usingData)), "leaves"},
		"a share manager's ticket leaves with its pod": {base(volume(shared), tickets(lhv1.AttacherTypeShareManagerController, "node-1"), shareManager("node-1")), "leaves"},
		"a share manager's ticket without a pod stays": {base(volume(shared), tickets(lhv1.AttacherTypeShareManagerController, "node-1")), "stays: " + kept(lhv1.AttacherTypeShareManagerController) + ", whose pod share-manager-pvc-1 does not exist"},
		"a share manager's ticket follows its pod":     {base(volume(shared), tickets(lhv1.AttacherTypeShareManagerController, "node-1"), shareManager("node-2")), "for now: " + kept(lhv1.AttacherTypeShareManagerController) + ", whose pod share-manager-pvc-1 is on node-2"},
		"the CSI ticket of a shared volume keeps nothing": {base(volume(shared), tickets(lhv1.AttacherTypeShareManagerController, "node-1", lhv1.AttacherTypeCSIAttacher, "node-1"), shareManager("node-1")),
			"leaves"},
	}
	for _, kind := range []lhv1.AttacherType{
		lhv1.AttacherTypeSnapshotController, lhv1.AttacherTypeBackupController, lhv1.AttacherTypeVolumeCloneController, lhv1.AttacherTypeSalvageController,
		lhv1.AttacherTypeVolumeRestoreController, lhv1.AttacherTypeVolumeEvictionController, lhv1.AttacherTypeVolumeExpansionController,
		lhv1.AttacherTypeBackingImageDataSourceController, lhv1.AttacherTypeVolumeRebuildingController,
	} {
		cases["a ticket of "+string(kind)+" ends with its operation"] = keeperCase{base(volume(), tickets(kind, "node-1")), "for now: " + kept(kind)}
	}
	runKeepers(t, drain.LonghornRules{}, cases)
	runKeepers(t, drain.LonghornRules{DropsManualTickets: true}, map[string]keeperCase{
		"a manual ticket is dropped by the cordon where it is set": {base(volume(), tickets(lhv1.AttacherTypeLonghornAPI, "node-1")), "leaves"},
	})
}

func TestWhatKeepsAnEngineByItsUsers(t *testing.T) {
	agent := ofOwner("apps/v1", "DaemonSet", "agent")
	elsewhere := func(p *corev1.Pod) { p.Spec.NodeName = "node-2" }
	base := func(objects ...client.Object) []client.Object {
		return append(objects, engine(), manager("node-1", listingEngines("pvc-1-e-0")), volume(), tickets(lhv1.AttacherTypeCSIAttacher, "node-1"))
	}
	attached := func(objects ...client.Object) []client.Object { return base(append(objects, attachedTo("node-1"))...) }
	idle := "stays: volume pvc-1 is held on node-1 by the Kubernetes VolumeAttachment csi-attacher-node-1, although no pod there uses it"
	daemon := "stays: pod shop/agent-1 on node-1 uses volume pvc-1 (claim data) and is left to its DaemonSet"
	runKeepers(t, drain.LonghornRules{}, map[string]keeperCase{
		"it leaves with a pod that is evicted":                {attached(webPod("a", usingClaim("data"))), "leaves"},
		"it leaves with the launcher of a migration's target": {attached(launcher(usingClaim("data")), vmi("", usingData, onNode("node-2"))), "leaves"},
		"it leaves with a migration that goes on": {attached(vmi("", usingData, onNode("node-2"), func(v *kubevirtv1.VirtualMachineInstance) {
			v.Status.MigrationState = &kubevirtv1.VirtualMachineInstanceMigrationState{TargetNode: "node-1"}
		})), "leaves"},
		"a migration that is over does not account for it": {attached(vmi("", usingData, onNode("node-2"), func(v *kubevirtv1.VirtualMachineInstance) {
			v.Status.MigrationState = &kubevirtv1.VirtualMachineInstanceMigrationState{TargetNode: "node-1", Completed: true}
		})), idle},
		"a DaemonSet's pod keeps it":                         {attached(webPod("agent-1", agent, usingClaim("data"))), daemon},
		"a DaemonSet's pod keeps it beside one that goes":    {attached(webPod("a", usingClaim("data")), webPod("agent-1", agent, usingClaim("data"))), daemon},
		"an ended pod of a DaemonSet does not use it":        {attached(webPod("agent-1", agent, usingClaim("data"), inPhase(corev1.PodFailed))), idle},
		"a DaemonSet's pod of another node does not keep it": {attached(webPod("a", usingClaim("data")), webPod("agent-1", agent, usingClaim("data"), elsewhere)), "leaves"},
		"a DaemonSet's pod with another claim does not":      {attached(webPod("a", usingClaim("data")), webPod("agent-1", agent, usingClaim("other"))), "leaves"},
		"an attachment that nothing uses keeps it":           {attached(), idle},
		"a VM on another node does not account for it":       {attached(vmi("", usingData, onNode("node-2"))), idle},
		"an attachment that is just being deleted goes":      {base(attachedTo("node-1", deletedFor(time.Minute))), "for now: volume pvc-1 is held on node-1 by the Kubernetes VolumeAttachment csi-attacher-node-1, which has been being deleted for 1m0s"},
		"an attachment whose deletion does not end keeps it": {base(attachedTo("node-1", deletedFor(time.Hour))), "stays: volume pvc-1 is held on node-1 by the Kubernetes VolumeAttachment csi-attacher-node-1, which has been being deleted for 1h0m0s"},
		"a CSI ticket that has lost its attachment keeps it": {base(), "stays: volume pvc-1 is held on node-1 by the CSI ticket csi-attacher-node-1, whose Kubernetes VolumeAttachment does not exist"},
		"an attachment to another node is not the ticket's":  {base(attachedTo("node-2")), "stays: volume pvc-1 is held on node-1 by the CSI ticket csi-attacher-node-1, whose Kubernetes VolumeAttachment does not exist"},
		"an attachment of another name for the node will do": {base(attachedTo("node-1", func(va *storagev1.VolumeAttachment) { va.Name = "csi-x" }), vmi("", usingData)), "leaves"},
		"a DaemonSet's pod without a claim does not keep it": {base(attachedTo("node-1"), webPod("a", usingClaim("data")), webPod("agent-1", agent)), "leaves"},
	})
}

func onNode(node string) func(*kubevirtv1.VirtualMachineInstance) {
	return func(v *kubevirtv1.VirtualMachineInstance) { v.Status.NodeName = node }
}
