// Package generated loads the clusters of sizes S, M and L that are generated for benchmarks into a real API server.
package generated

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/kubelets"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

// writers is how many objects are written at once: few enough that none waits for so long that the API server gives it up, also where the
// machine has other work.
const writers = 8

// many is how many objects a cluster has at least whose custom resources are written past the API server, which takes fifty a second of
// each of the machine's cores.
const many = 5000

// Load loads a generated cluster into an empty one, with a healthy kubelet for each node. The loader changes its objects later. The caller
// must stop the kubelets; when Load fails, none runs.
func Load(ctx context.Context, base *gate.Cluster, generated *clustertest.Cluster) (*kubelets.Fleet, *load.Loader, error) {
	fleet, err := startKubelets(ctx, base, generated, Nodes(generated))
	if err != nil {
		return nil, nil, err
	}
	objects, err := objectsOf(generated)
	if err != nil {
		return nil, nil, errors.Join(err, fleet.Stop())
	}
	options := load.Options{Mutate: fleet.Mutate, Parallel: writers}
	if len(objects) >= many {
		options.Storage = load.NewStorage(base.EtcdAddress())
	}
	loader, err := load.New(base.Config, options)
	if err != nil {
		return nil, nil, errors.Join(err, fleet.Stop())
	}
	result, err := loader.Apply(ctx, objects...)
	if err != nil {
		return nil, nil, errors.Join(err, fleet.Stop())
	}
	fmt.Fprintf(os.Stderr, "%d objects loaded in %s\n", result.Objects, result.Duration)
	return fleet, loader, nil
}

// Nodes returns the nodes of a generated cluster.
func Nodes(generated *clustertest.Cluster) []*corev1.Node {
	var nodes []*corev1.Node
	for _, object := range generated.Objects() {
		if node, ok := object.(*corev1.Node); ok {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// startKubelets starts a healthy kubelet for each node.
func startKubelets(ctx context.Context, base *gate.Cluster, generated *clustertest.Cluster, nodes []*corev1.Node) (*kubelets.Fleet, error) {
	var names []string
	for _, node := range nodes {
		names = append(names, node.Name)
	}
	fleet, err := kubelets.Start(kubelets.Options{Nodes: names, Authority: base.ClusterCA, Config: base.Config})
	if err != nil {
		return nil, err
	}
	for name, answers := range generated.Probe(ctx, cluster.Targets{Nodes: nodes}).Kubelets {
		stats, err := json.Marshal(map[string]any{"node": answers.Stats})
		if err == nil {
			err = fleet.Node(name).SetStats(stats)
		}
		var config []byte
		if err == nil {
			config, err = json.Marshal(map[string]any{"kubeletconfig": answers.Config})
		}
		if err == nil {
			err = fleet.Node(name).SetConfigz(config)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("the answers of the kubelet of %s: %w", name, err), fleet.Stop())
		}
	}
	return fleet, nil
}

// objectsOf returns the objects, and the namespaces that they live in, as an API server takes them: fields that the
// generator left empty are left out, for the CRDs demand one of their values there.
func objectsOf(generated *clustertest.Cluster) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for _, namespace := range generated.Namespaces() {
		object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
		object.SetName(namespace)
		objects = append(objects, object)
	}
	for _, typed := range generated.Objects() {
		if _, ofAPIServers := typed.(*discoveryv1.EndpointSlice); ofAPIServers {
			continue // there is a real API server here, and it writes its own
		}
		text, err := json.Marshal(typed)
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", cluster.NameOf(typed), err)
		}
		object := &unstructured.Unstructured{}
		if err := utiljson.Unmarshal(text, &object.Object); err != nil {
			return nil, fmt.Errorf("decoding %s: %w", cluster.NameOf(typed), err)
		}
		prune(object.Object)
		if err := complete(object); err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// complete adds what the API server demands of an object and no check reads.
func complete(object *unstructured.Unstructured) error {
	demanded := map[string]string{
		"PersistentVolumeClaim": `{"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "10Gi"}}}`,
		"DaemonSet": `{"selector": {"matchLabels": {"app": "bench"}}, "template": {"metadata": {"labels": {"app": "bench"}},
			"spec": {"containers": [{"name": "bench", "image": "bench"}]}}}`,
	}[object.GetKind()]
	if object.GetKind() == "Pod" {
		return completePod(object)
	}
	if demanded == "" {
		return nil
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(demanded), &fields); err != nil {
		return fmt.Errorf("what a %s needs: %w", object.GetKind(), err)
	}
	spec, _, err := unstructured.NestedMap(object.Object, "spec")
	if err != nil {
		return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
	}
	if spec == nil {
		spec = map[string]any{}
	}
	maps.Copy(spec, fields)
	return unstructured.SetNestedMap(object.Object, spec, "spec")
}

// completePod gives each container an image and a name, and a pod without containers one.
func completePod(pod *unstructured.Unstructured) error {
	containers, _, err := unstructured.NestedSlice(pod.Object, "spec", "containers")
	if err != nil {
		return fmt.Errorf("pod %s: %w", pod.GetName(), err)
	}
	if len(containers) == 0 {
		containers = []any{map[string]any{}}
	}
	for i, container := range containers {
		if fields, ok := container.(map[string]any); ok {
			fields["name"], fields["image"] = fmt.Sprintf("bench-%d", i), "bench"
		}
	}
	return unstructured.SetNestedSlice(pod.Object, containers, "spec", "containers")
}

// prune removes what means "not set".
func prune(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, element := range value {
			unset := element == nil || element == "" || key == "backupBlockSize" && element == "0"
			if unset {
				delete(value, key)
			}
			prune(element)
		}
	case []any:
		for _, element := range value {
			prune(element)
		}
	}
}
