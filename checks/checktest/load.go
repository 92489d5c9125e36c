package checktest

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// load reads the case's cluster, strictly: a field that the upstream types do not have fails the test.
func (c *Case) load(t *testing.T, trimmed bool) *cluster.Snapshot {
	t.Helper()
	folder, err := cluster.ReadFS(c.files(), "the fixture", cluster.FolderOptions{AssumeComplete: true, Strict: true})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return cluster.Load(context.Background(), source{Folder: folder, of: c, trimmed: trimmed}, c.now)
}

// source is a folder of which some kinds cannot be read.
type source struct {
	*cluster.Folder
	of      *Case
	trimmed bool
}

func (s source) List(ctx context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	if because, ok := s.of.unread[resource.Kind]; ok {
		return nil, cluster.Evidence{State: cluster.Unread, Because: because}
	}
	if s.of.notInstalled[resource.Kind] {
		return nil, cluster.Evidence{State: cluster.NotInstalled, Because: string(resource.Kind) + " is not installed"}
	}
	objects, evidence := s.Folder.List(ctx, resource)
	if !s.trimmed {
		return objects, evidence
	}
	slim := make([]client.Object, len(objects))
	for i, object := range objects {
		trimmed, err := resource.Trim(object.DeepCopyObject())
		if err != nil {
			return nil, cluster.Evidence{State: cluster.Unread, Because: err.Error()}
		}
		slim[i] = trimmed.(client.Object)
	}
	return slim, evidence
}

func (s source) Kubelets(ctx context.Context, nodes []*corev1.Node) map[string]cluster.Kubelet {
	answers := s.Folder.Kubelets(ctx, nodes)
	for node, answer := range answers {
		if because, ok := s.of.unread[cluster.KubeletStats]; ok {
			answer.Stats, answer.StatsError = nil, because
		}
		answers[node] = answer
	}
	return answers
}
