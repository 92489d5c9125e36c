package checktest

import (
	"context"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// load returns the case's cluster.
func (c *Case) load(t *testing.T, trimmed bool) *cluster.Snapshot {
	t.Helper()
	return cluster.Load(context.Background(), c.source(t, trimmed), c.now)
}

func (c *Case) source(t *testing.T, trimmed bool) source {
	t.Helper()
	folder, err := cluster.ReadFS(c.files(), "the fixture", cluster.FolderOptions{AssumeComplete: true})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return source{Folder: folder, of: c, trimmed: trimmed}
}

// source is the case's documents, each decoded once however often it is loaded, and a folder with all that is no object. Some
// kinds cannot be read.
type source struct {
	*cluster.Folder
	of      *Case
	trimmed bool
}

// decode decodes a document strictly: a field that the upstream types do not have is an error. There is no object where the
// document's kind is not in the table of kinds.
func decode(of checks.Object, text string) (cluster.Kind, client.Object, error) {
	gv, err := schema.ParseGroupVersion(of.APIVersion)
	if err != nil {
		return "", nil, err
	}
	for _, resource := range append(cluster.Resources(), cluster.GrantedResources()...) {
		if resource.GVK.Kind != of.Kind || resource.GVK.Group != gv.Group {
			continue
		}
		files := fstest.MapFS{"object.json": {Data: []byte(text)}}
		folder, err := cluster.ReadFS(files, "the fixture", cluster.FolderOptions{Strict: true})
		if err != nil {
			return "", nil, err
		}
		if objects, _ := folder.List(context.Background(), resource); len(objects) == 1 {
			return resource.Kind, objects[0], nil
		}
		break // Only some objects of the kind are read, and this is none of them.
	}
	return "", nil, nil
}

func (s source) List(_ context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	if because, ok := s.of.unread[resource.Kind]; ok {
		return nil, cluster.Evidence{State: cluster.Unread, Because: because}
	}
	if s.of.notInstalled[resource.Kind] {
		return nil, cluster.Evidence{State: cluster.NotInstalled, Because: string(resource.Kind) + " is not installed"}
	}
	if s.of.notGranted[resource.Kind] {
		return nil, cluster.Evidence{State: cluster.NotGranted, Because: resource.Grant.Name + " is not granted"}
	}
	var objects []client.Object
	for _, document := range s.of.documents {
		if document.kind != resource.Kind {
			continue
		}
		object := document.decoded
		if s.trimmed {
			trimmed, err := resource.Trim(object.DeepCopyObject())
			if err != nil {
				return nil, cluster.Evidence{State: cluster.Unread, Because: err.Error()}
			}
			object = trimmed.(client.Object)
		}
		objects = append(objects, object)
	}
	return objects, cluster.Evidence{State: cluster.Read}
}

func (s source) Probe(ctx context.Context, targets cluster.Targets) cluster.Probed {
	probed := s.Folder.Probe(ctx, targets)
	for node, answer := range probed.Kubelets {
		if because, ok := s.of.unread[cluster.KubeletStats]; ok {
			answer.Stats, answer.StatsError = nil, because
		}
		probed.Kubelets[node] = answer
	}
	if because, ok := s.of.unread[cluster.ServedCertificates]; ok {
		probed.CertificatesUnread = because
	}
	return probed
}
