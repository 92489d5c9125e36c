package installed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/forward"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/network"
	"github.com/upgrade-gate/upgrade-gate/e2e/pods"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// readyTimeout bounds the wait for replicas: they are scheduled and started, fill their caches and register.
const readyTimeout = 90 * time.Second

// Cluster is an example cluster whose pods of the gate's namespace run.
type Cluster struct {
	*gate.Cluster
	// Pods are the gate's pods.
	Pods *pods.Runner
	// Client is an admin's.
	Client kubernetes.Interface
	// APIServer is the way of the pods to the API server. It can be cut and held.
	APIServer *forward.Forwarder
}

// Start starts a cluster that holds the example, with a scheduler, controllers and a node for the gate's namespace, in
// which nothing is installed yet. It needs a network that network.Main has made, and is the only cluster in it. The
// caller must call Stop; when Start fails, nothing is left running.
func Start(ctx context.Context, example string, progress io.Writer) (*Cluster, error) {
	folder, err := gate.Example(example)
	if err != nil {
		return nil, err
	}
	bridge, err := network.NewBridge()
	if err != nil {
		return nil, err
	}
	options := gate.ClusterOptions{Folder: folder, NodeAddress: network.NodeAddress, Progress: progress}
	options.ControlPlane.APIServerArgs = map[string][]string{
		// The API server calls webhooks at the addresses of a Service's endpoints, as it does where no proxy runs beside it.
		"enable-aggregator-routing": {"true"},
		"advertise-address":         {network.NodeAddress},
	}
	base, err := gate.StartCluster(ctx, options)
	if err != nil {
		return nil, errors.Join(err, bridge.Close())
	}
	base.OnStop(bridge.Close)
	cluster := &Cluster{Cluster: base}
	if err := cluster.begin(ctx, bridge, progress); err != nil {
		return nil, errors.Join(err, cluster.Stop())
	}
	return cluster, nil
}

// begin starts what makes pods of Deployments, and what runs them.
func (c *Cluster) begin(ctx context.Context, bridge *network.Bridge, progress io.Writer) error {
	var err error
	if c.Client, err = kubernetes.NewForConfig(c.Config); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	c.APIServer, err = forward.Start(forward.Options{
		Listen: net.JoinHostPort(network.APIServerAddress, "443"), Backends: []string{c.Address()},
	})
	if err != nil {
		return fmt.Errorf("starting the way to the API server: %w", err)
	}
	c.OnStop(c.APIServer.Close)
	binary := filepath.Join(c.WorkDir, "upgrade-gate")
	if err := tools.Product(ctx, progress, binary); err != nil {
		return err
	}
	if err := os.Chmod(c.WorkDir, 0o755); err != nil { // the pods' user finds its files in here
		return fmt.Errorf("opening the work folder: %w", err)
	}
	folder := filepath.Join(c.WorkDir, "pods")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return fmt.Errorf("making the pods' folder: %w", err)
	}
	c.Pods, err = pods.Start(pods.Options{
		Namespace: manifests.Namespace, Config: c.Config, Bridge: bridge, Entrypoint: binary, WorkDir: folder, PIDFolder: c.WorkDir,
	})
	if err != nil {
		return err
	}
	c.OnStop(c.Pods.Stop)
	if _, err := c.StartScheduler(ctx, progress); err != nil {
		return err
	}
	_, err = c.StartNamespaceControllers(ctx, progress, manifests.Namespace)
	return err
}

// Apply installs an overlay of deploy/, such as "self-managed", with the real kubectl.
func (c *Cluster) Apply(ctx context.Context, overlay string) error {
	repository, err := tools.Repository()
	if err != nil {
		return err
	}
	_, stderr, err := c.Kubectl(ctx, nil, "apply", "-k", filepath.Join(repository, "deploy", "overlays", overlay))
	if err != nil {
		return fmt.Errorf("installing the overlay %s: %w\n%s", overlay, err, stderr)
	}
	return nil
}

// AwaitReady waits until so many endpoints of the gate's Service are ready and no others are there, and until each has
// a running pod.
func (c *Cluster) AwaitReady(ctx context.Context, replicas int) error {
	err := gate.Await(ctx, readyTimeout, func(ctx context.Context) error {
		ready, all, err := c.Endpoints(ctx)
		if err != nil {
			return err
		}
		if len(ready) != replicas || len(all) != replicas {
			return fmt.Errorf("%d of %d endpoints are ready, want %d", len(ready), len(all), replicas)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the gate: %w%s", err, c.Tails())
	}
	return nil
}

// Endpoints returns the addresses behind the gate's Service, those that are ready and all.
func (c *Cluster) Endpoints(ctx context.Context) (ready, all []string, err error) {
	slices, err := c.Client.DiscoveryV1().EndpointSlices(manifests.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + manifests.Name,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("listing the gate's endpoints: %w", err)
	}
	for _, slice := range slices.Items {
		for _, endpoint := range slice.Endpoints {
			all = append(all, endpoint.Addresses...)
			if endpoint.Conditions.Ready != nil && *endpoint.Conditions.Ready {
				ready = append(ready, endpoint.Addresses...)
			}
		}
	}
	return ready, all, nil
}

// tail is how many bytes of a log are shown.
const tail = 3000

// Tails returns what is known of the gate's pods, and the end of what they have written, for an error message.
func (c *Cluster) Tails() string {
	text := ""
	list, err := c.Client.CoreV1().Pods(manifests.Namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return "\n" + err.Error()
	}
	for _, pod := range list.Items {
		text += "\n" + describe(&pod)
	}
	logs, _ := filepath.Glob(filepath.Join(c.WorkDir, "pods", "*.log")) // also of pods that are gone
	for _, path := range logs {
		if log, err := os.ReadFile(path); err == nil {
			text += "\nthe end of " + filepath.Base(path) + ":\n" + string(log[max(0, len(log)-tail):])
		}
	}
	return text
}

func describe(pod *corev1.Pod) string {
	text := fmt.Sprintf("pod %s on node %q: %s", pod.Name, pod.Spec.NodeName, pod.Status.Phase)
	for _, condition := range pod.Status.Conditions {
		text += fmt.Sprintf(", %s=%s %s", condition.Type, condition.Status, condition.Message)
	}
	for _, container := range pod.Status.ContainerStatuses {
		if waiting := container.State.Waiting; waiting != nil {
			text += fmt.Sprintf(", waits: %s %s", waiting.Reason, waiting.Message)
		}
	}
	return text
}
