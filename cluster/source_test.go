package cluster_test

import (
	"context"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// faulty is a small cluster of which some kinds misbehave.
type faulty struct {
	*clustertest.Cluster
	hangs   map[cluster.Kind]bool
	panics  map[cluster.Kind]bool
	hanging chan struct{}
}

func newFaulty() *faulty {
	return &faulty{
		Cluster: clustertest.Generate(clustertest.Size{Name: "tiny", Nodes: 3, VirtualMachines: 2, Volumes: 4}),
		hangs:   map[cluster.Kind]bool{}, panics: map[cluster.Kind]bool{}, hanging: make(chan struct{}, 1),
	}
}

func (f *faulty) List(ctx context.Context, r cluster.Resource) ([]client.Object, cluster.Evidence) {
	if f.panics[r.Kind] {
		panic("a list that cannot be decoded")
	}
	if f.hangs[r.Kind] {
		f.hanging <- struct{}{}
		<-ctx.Done()
		return nil, cluster.Evidence{State: cluster.Unread, Because: "too late"}
	}
	return f.Cluster.List(ctx, r)
}

func (f *faulty) Probe(ctx context.Context, targets cluster.Targets) cluster.Probed {
	if f.panics[cluster.KubeletStats] {
		panic("an answer that cannot be decoded")
	}
	if f.hangs[cluster.KubeletStats] {
		f.hanging <- struct{}{}
		<-ctx.Done()
		return cluster.Probed{}
	}
	return f.Cluster.Probe(ctx, targets)
}

func TestAKindThatHangsIsUnreadAtTheDeadlineAndDelaysNoOther(t *testing.T) {
	source := newFaulty()
	source.hangs[cluster.Replicas] = true
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-source.hanging
		cancel()
	}()
	snapshot := cluster.Load(ctx, source, clustertest.Now())
	if e := snapshot.Evidence(cluster.Replicas); e.State != cluster.Unread {
		t.Errorf("replicas are %+v, want unread", e)
	}
	if len(snapshot.Replicas()) != 0 {
		t.Errorf("%d replicas in the snapshot, want none", len(snapshot.Replicas()))
	}
}

func TestAKindWhoseReadingPanicsIsUnreadAlone(t *testing.T) {
	source := newFaulty()
	source.panics[cluster.Volumes] = true
	snapshot := cluster.Load(context.Background(), source, clustertest.Now())
	if e := snapshot.Evidence(cluster.Volumes); e.State != cluster.Unread || !strings.Contains(e.Because, "cannot be decoded") {
		t.Errorf("volumes are %+v, want unread with the panic's reason", e)
	}
	if e := snapshot.Evidence(cluster.Engines); e.State != cluster.Read || e.Count != 4 {
		t.Errorf("engines are %+v, want 4 read", e)
	}
}

func TestKubeletsAreUnreadWithoutNodesOrWithoutTime(t *testing.T) {
	t.Run("no kubelet was asked because the nodes are not known", func(t *testing.T) {
		source := newFaulty()
		source.panics[cluster.Nodes] = true
		e := cluster.Load(context.Background(), source, clustertest.Now()).Evidence(cluster.KubeletStats)
		if e.State != cluster.Unread || !strings.Contains(e.Because, "the nodes could not be listed") {
			t.Errorf("statistics are %+v, want unread because of the nodes", e)
		}
	})
	t.Run("the probe of kubelets and certificates did not come back in time", func(t *testing.T) {
		source := newFaulty()
		source.hangs[cluster.KubeletStats] = true
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			<-source.hanging
			cancel()
		}()
		snapshot := cluster.Load(ctx, source, clustertest.Now())
		for _, kind := range []cluster.Kind{cluster.KubeletStats, cluster.ServedCertificates} {
			if e := snapshot.Evidence(kind); e.State != cluster.Unread || !strings.Contains(e.Because, "deadline") {
				t.Errorf("%s are %+v, want unread because of the deadline", kind, e)
			}
		}
	})
}

func TestTheVocabularyJoinsWhatBelongsTogether(t *testing.T) {
	source := clustertest.Generate(clustertest.Size{Name: "tiny", Nodes: 3, VirtualMachines: 2, Volumes: 4})
	s := cluster.Load(context.Background(), source, clustertest.Now())
	for _, volume := range s.Volumes() {
		if got := len(s.EnginesOf(volume.Name)); got != 1 {
			t.Errorf("volume %s has %d engines, want 1", volume.Name, got)
		}
		if got := len(s.ReplicasOf(volume.Name)); got != 3 {
			t.Errorf("volume %s has %d replicas, want 3", volume.Name, got)
		}
		if got := len(s.VMIsOf(volume)); got != 1 {
			t.Errorf("volume %s is used by %d VMIs, want 1", volume.Name, got)
		}
		if s.AttachmentOf(volume.Name) == nil || len(s.KubernetesAttachmentsOf(volume.Name)) != 1 {
			t.Errorf("volume %s lacks an attachment", volume.Name)
		}
	}
	for _, vmi := range s.VMIs() {
		if got := len(s.LauncherPodsOf(vmi)); got != 1 {
			t.Errorf("VMI %s has %d launcher pods, want 1", vmi.Name, got)
		}
	}
	if got := s.ReplicasOf("no such volume"); got != nil {
		t.Errorf("a volume that does not exist has %d replicas", len(got))
	}
	if got := len(s.ManagedNodes()); got != 3 {
		t.Errorf("%d managed nodes, want 3", got)
	}
}
