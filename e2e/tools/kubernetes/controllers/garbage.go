package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
)

// garbageSync is how often the garbage collector looks for new kinds, of which there are none.
const garbageSync = time.Hour

// workloads is the API server's discovery, cut down to what has owners in a namespace with a Deployment and a Job.
type workloads struct{ discovery.DiscoveryInterface }

// ServerPreferredResources returns pods, ReplicaSets, Deployments and Jobs.
func (w workloads) ServerPreferredResources() ([]*metav1.APIResourceList, error) {
	lists, err := w.DiscoveryInterface.ServerPreferredResources()
	for _, list := range lists {
		list.APIResources = slices.DeleteFunc(list.APIResources, func(resource metav1.APIResource) bool {
			return !slices.Contains([]string{"v1 pods", "apps/v1 replicasets", "apps/v1 deployments", "batch/v1 jobs"}, list.GroupVersion+" "+resource.Name)
		})
	}
	return lists, err
}

// garbage returns what runs the garbage collector, which takes away what a removed Deployment or Job has left.
func garbage(ctx context.Context, config *rest.Config, client kubernetes.Interface, mapper *restmapper.DeferredDiscoveryRESTMapper, factory informers.SharedInformerFactory, started <-chan struct{}) (func(context.Context), error) {
	objects, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client of metadata: %w", err)
	}
	collector, err := garbagecollector.NewGarbageCollector(ctx, client, objects, mapper, garbagecollector.DefaultIgnoredResources(), factory, started)
	if err != nil {
		return nil, fmt.Errorf("making the garbage collector: %w", err)
	}
	return func(ctx context.Context) {
		go collector.Sync(ctx, workloads{client.Discovery()}, garbageSync)
		collector.Run(ctx, workers, garbageSync)
	}, nil
}
