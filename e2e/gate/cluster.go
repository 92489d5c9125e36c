package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/crds"
	"github.com/upgrade-gate/upgrade-gate/e2e/kubelets"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// ClusterOptions say what cluster to start. The zero value is an empty Harvester cluster.
type ClusterOptions struct {
	// Folder is the cluster to load: an example cluster's folder, such as Example("healthy") returns.
	// Empty loads nothing.
	Folder string
	// WithoutCRDs are kinds whose CRD is not installed, as "volumes.longhorn.io". Their objects are not
	// loaded.
	WithoutCRDs []string
	// NodeAddress is the IP address of all nodes, at which their kubelets listen. Empty means 127.0.0.1, which pods
	// with a network of their own do not reach.
	NodeAddress string
	// ControlPlane are options of the API server. CRDs and Progress are filled in.
	ControlPlane controlplane.Options
	// Progress gets a line per step that takes long. Nil discards them.
	Progress io.Writer
}

// Cluster is a running control plane with Harvester's CRDs, the objects of an example cluster, and a
// kubelet for each of its nodes.
type Cluster struct {
	*controlplane.ControlPlane
	// Kubelets answer for the nodes of the example cluster.
	Kubelets *kubelets.Fleet
	// Loader changes objects of the cluster, past the gate's back.
	Loader *load.Loader

	progress  io.Writer
	installed *installation

	mu       sync.Mutex
	stopping []func() error // what was started on top, oldest first
	started  int            // gates so far
}

// Example returns the path of an example cluster, such as "healthy", or of any other folder below
// examples/clusters.
func Example(name string) (string, error) {
	repository, err := tools.Repository()
	if err != nil {
		return "", err
	}
	return filepath.Join(repository, "examples", "clusters", name), nil
}

// StartCluster starts a control plane and loads the example cluster. The caller must call Stop. When
// StartCluster fails, nothing is left running.
func StartCluster(ctx context.Context, options ClusterOptions) (*Cluster, error) {
	definitions, err := crds.All(ctx, options.Progress)
	if err != nil {
		return nil, err
	}
	skipped := map[schema.GroupKind]bool{}
	definitions = slices.DeleteFunc(definitions, func(crd *apiextensionsv1.CustomResourceDefinition) bool {
		without := slices.Contains(options.WithoutCRDs, crd.Name)
		if without {
			skipped[schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}] = true
		}
		return without
	})
	if len(skipped) < len(options.WithoutCRDs) {
		return nil, fmt.Errorf("some of the CRDs %v do not exist", options.WithoutCRDs)
	}
	planeOptions := options.ControlPlane
	planeOptions.CRDs, planeOptions.Progress = definitions, options.Progress
	plane, err := controlplane.Start(ctx, planeOptions)
	if err != nil {
		return nil, err
	}
	cluster := &Cluster{ControlPlane: plane, progress: options.Progress}
	skip := func(object *unstructured.Unstructured) bool { return skipped[object.GroupVersionKind().GroupKind()] }
	if err := cluster.fill(ctx, options, skip); err != nil {
		return nil, errors.Join(err, cluster.Stop())
	}
	return cluster, nil
}

// fill starts the kubelets and loads the objects. That happens before any gate is registered, which
// would judge the finished upgrades of the example.
func (c *Cluster) fill(ctx context.Context, options ClusterOptions, skip func(*unstructured.Unstructured) bool) error {
	fleet, err := kubelets.Start(kubelets.Options{Folder: options.Folder, Address: options.NodeAddress, Authority: c.ClusterCA, Config: c.Config})
	if err != nil {
		return err
	}
	c.Kubelets = fleet
	c.OnStop(fleet.Stop)
	mutate := func(object *unstructured.Unstructured) {
		fleet.Mutate(object)
		settle(object)
	}
	c.Loader, err = load.New(c.Config, load.Options{Mutate: mutate, Skip: skip})
	if err != nil {
		return err
	}
	if err := c.announce(ctx); err != nil {
		return err
	}
	if options.Folder == "" {
		return nil
	}
	objects, err := load.Read(options.Folder)
	if err != nil {
		return err
	}
	_, err = c.Loader.Apply(ctx, objects...)
	return err
}

// Repair applies a repair's folder: its objects and its kubelets' answers.
func (c *Cluster) Repair(ctx context.Context, folder string) error {
	if err := c.Loader.Repair(ctx, folder); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(folder, "kubelet")); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return c.Kubelets.Update(folder)
}

// OnStop has Stop call a function, the latest first: of something that was started on top of the cluster.
func (c *Cluster) OnStop(stop func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = append(c.stopping, stop)
}

// Stop ends the gates, the kubelets and the control plane. It may be called more than once.
func (c *Cluster) Stop() error {
	c.mu.Lock()
	stopping := c.stopping
	c.stopping = nil
	c.mu.Unlock()
	var errs []error
	for _, stop := range slices.Backward(stopping) {
		errs = append(errs, stop())
	}
	return errors.Join(append(errs, c.ControlPlane.Stop())...)
}
