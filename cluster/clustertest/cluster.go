package clustertest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Now is the time at which a generated cluster stands still.
func Now() time.Time { return time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC) }

const replicasPerVolume = 3

// Cluster is a generated cluster. It is a cluster.Source.
type Cluster struct {
	size     Size
	objects  map[cluster.Kind][]client.Object
	kubelets map[string]cluster.Kubelet
	engines  [][]string
	replicas [][]string

	mu     sync.Mutex
	chains map[string][]cluster.Certificate
	// held are the objects in the form in which a Snapshot holds them, of the kinds that have been listed.
	held map[cluster.Kind][]client.Object
}

// Generate makes a cluster.
func Generate(size Size) *Cluster {
	c := &Cluster{
		size: size, objects: map[cluster.Kind][]client.Object{}, kubelets: map[string]cluster.Kubelet{},
		chains:  map[string][]cluster.Certificate{},
		held:    map[cluster.Kind][]client.Object{},
		engines: make([][]string, size.Nodes), replicas: make([][]string, size.Nodes),
	}
	for i := range size.Nodes {
		c.addNode(i)
	}
	for i := range size.Volumes {
		c.addVolume(i)
	}
	for i := range size.VirtualMachines {
		c.addVirtualMachine(i)
	}
	for i := range size.Nodes {
		c.addInstanceManager(i)
	}
	c.addAPIServers()
	c.addHarvester()
	c.addPlatform()
	return c
}

// Objects returns every object of the cluster, kind by kind in the order of the table. The caller may change them.
func (c *Cluster) Objects() []client.Object {
	var all []client.Object
	for _, r := range cluster.Resources() {
		for _, object := range c.objects[r.Kind] {
			object.GetObjectKind().SetGroupVersionKind(r.GVK)
			all = append(all, object)
		}
	}
	return all
}

// Name implements cluster.Source.
func (c *Cluster) Name() string { return "a generated cluster of size " + c.size.Name }

// List implements cluster.Source. What is changed of the objects after they have been listed may not be seen.
func (c *Cluster) List(_ context.Context, r cluster.Resource) ([]client.Object, cluster.Evidence) {
	if r.Grant != nil {
		return nil, cluster.Evidence{State: cluster.NotGranted, Because: r.Grant.Name + " is not granted"}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, listed := c.held[r.Kind]; !listed {
		c.held[r.Kind] = r.Held(c.objects[r.Kind])
	}
	return c.held[r.Kind], cluster.Evidence{State: cluster.Read, ReadAt: Now()}
}

// Probe implements cluster.Source. Its certificates are those of the targets; a node serves both.
func (c *Cluster) Probe(_ context.Context, targets cluster.Targets) cluster.Probed {
	return cluster.Probed{Kubelets: c.kubelets, Certificates: c.certificates(targets), CertificatesUnread: targets.Unknown}
}

func (c *Cluster) add(kind cluster.Kind, object client.Object) {
	object.SetUID(types.UID(fmt.Sprintf("%s-%d", kind, len(c.objects[kind]))))
	c.objects[kind] = append(c.objects[kind], object)
}

func nodeName(i int) string { return fmt.Sprintf("node-%02d", i+1) }

// volumeName has the form and the length of a claim's real volume.
func volumeName(i int) string { return fmt.Sprintf("pvc-%08x-5a1c-4e0b-9d52-%012x", i, i) }

func managerName(node int) string { return fmt.Sprintf("instance-manager-%032x", node) }

// homeOf returns the node that runs a volume's engine, which is where its virtual machine runs.
func (c *Cluster) homeOf(volume int) int { return (volume % c.size.VirtualMachines) % c.size.Nodes }
