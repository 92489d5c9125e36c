// Package kubelets stands in for the kubelets of a cluster over their real protocol: one HTTPS server
// per node with a serving certificate of the cluster's CA, bearer tokens that the API server
// authenticates and authorises, and the node's recorded answers on /stats/summary and /configz. Each
// one can be told to hang, to drip, to fail or to die.
package kubelets

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
)

// loopback is where the kubelets listen unless they are told otherwise, each on a port of its own.
const loopback = "127.0.0.1"

// The endings of a node's files in the folder kubelet of an example cluster.
const (
	statsEnding   = ".stats.json"
	configzEnding = ".configz.json"
)

// Options say which kubelets to start.
type Options struct {
	// Folder is an example cluster. Every node that has a file in its folder kubelet gets a kubelet. Empty
	// means none.
	Folder string
	// Nodes are the names of further nodes. Those without files answer 404.
	Nodes []string
	// Address is the IP address that all listen on. Empty means 127.0.0.1.
	Address string
	// Authority signs the serving certificates: the control plane's ClusterCA.
	Authority *controlplane.Authority
	// Config leads to the API server that authenticates tokens and authorises requests. It needs the
	// right to create TokenReviews and SubjectAccessReviews.
	Config *rest.Config
}

// Fleet is the kubelets of one cluster.
type Fleet struct {
	address  string
	kubelets map[string]*Kubelet
	access   *access
}

// Start starts a kubelet for each node. The caller must call Stop. When Start fails, none is left
// running.
func Start(options Options) (*Fleet, error) {
	client, err := newClient(options.Config)
	if err != nil {
		return nil, err
	}
	names, err := nodes(options)
	if err != nil {
		return nil, err
	}
	fleet := &Fleet{address: cmp.Or(options.Address, loopback), kubelets: map[string]*Kubelet{}, access: newAccess(client)}
	for _, name := range names {
		kubelet, err := newKubelet(name, fleet.address, options.Authority, fleet.access)
		if err == nil {
			fleet.kubelets[name] = kubelet
			if options.Folder != "" {
				err = kubelet.Read(options.Folder)
			}
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("starting the kubelet of %s: %w", name, err), fleet.Stop())
		}
	}
	return fleet, nil
}

func newClient(config *rest.Config) (kubernetes.Interface, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = -1, 0
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the kubelets' client: %w", err)
	}
	return client, nil
}

// nodes returns the names of all nodes, sorted.
func nodes(options Options) ([]string, error) {
	names := slices.Clone(options.Nodes)
	if options.Folder != "" {
		entries, err := os.ReadDir(filepath.Join(options.Folder, "kubelet"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("listing the kubelets' files: %w", err)
		}
		for _, entry := range entries {
			name, isStats := strings.CutSuffix(entry.Name(), statsEnding)
			name, isConfigz := strings.CutSuffix(name, configzEnding)
			if isStats || isConfigz {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Node returns the kubelet of that node, nil if there is none.
func (f *Fleet) Node(name string) *Kubelet { return f.kubelets[name] }

// Names returns the names of the nodes that have a kubelet, sorted.
func (f *Fleet) Names() []string {
	return slices.Sorted(maps.Keys(f.kubelets))
}

// ForgetDecisions makes the kubelets ask the API server anew about tokens and rights that they have
// found good before, and otherwise remember for two minutes, like real ones.
func (f *Fleet) ForgetDecisions() { f.access.forget() }

// Mutate points a Node object at its kubelet. It is the hook for load.Options.Mutate; other objects, and
// nodes without a kubelet, stay as they are.
func (f *Fleet) Mutate(object *unstructured.Unstructured) {
	if object.GetKind() != "Node" || object.GetAPIVersion() != "v1" {
		return
	}
	kubelet := f.kubelets[object.GetName()]
	if kubelet == nil {
		return
	}
	status, _ := object.Object["status"].(map[string]any)
	if status == nil {
		status = map[string]any{}
		object.Object["status"] = status
	}
	status["addresses"] = []any{
		map[string]any{"type": "InternalIP", "address": f.address},
		map[string]any{"type": "Hostname", "address": object.GetName()},
	}
	status["daemonEndpoints"] = map[string]any{
		"kubeletEndpoint": map[string]any{"Port": int64(kubelet.Port())},
	}
}

// Update takes over those recorded answers that the folder holds, and leaves all others as they are. A
// file for a node without a kubelet is an error.
func (f *Fleet) Update(folder string) error {
	names, err := nodes(Options{Folder: folder})
	if err != nil {
		return err
	}
	for _, name := range names {
		kubelet := f.kubelets[name]
		if kubelet == nil {
			return fmt.Errorf("%s has recorded answers of %s, which has no kubelet", folder, name)
		}
		if err := kubelet.read(folder, true); err != nil {
			return err
		}
	}
	return nil
}

// Stop stops all kubelets.
func (f *Fleet) Stop() error {
	var errs []error
	for _, name := range f.Names() {
		if err := f.kubelets[name].stop(); err != nil {
			errs = append(errs, fmt.Errorf("stopping the kubelet of %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
