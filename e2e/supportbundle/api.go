package supportbundle

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

// API is a cluster, as the kit asks it.
type API interface {
	// Resources returns what is served, each group at the version that it prefers.
	Resources(ctx context.Context) ([]*metav1.APIResourceList, error)
	// Get returns what the API server answers under a path, as JSON. Its error is the API server's.
	Get(ctx context.Context, path string) ([]byte, error)
}

// server is a running API server.
type server struct {
	client *discovery.DiscoveryClient
}

// FromServer returns the API server that config leads to. The bundle holds what that user may list. Its client has no rate limit,
// whatever config says.
func FromServer(config *rest.Config) (API, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = -1, 0
	config.WarningHandlerWithContext = rest.NoWarnings{} // of versions that will be gone some day
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a discovery client: %w", err)
	}
	return &server{client: client}, nil
}

// Resources implements API.
func (s *server) Resources(context.Context) ([]*metav1.APIResourceList, error) {
	return s.client.ServerPreferredResources()
}

// Get implements API.
func (s *server) Get(ctx context.Context, path string) ([]byte, error) {
	result := s.client.RESTClient().Get().AbsPath(path).SetHeader("Accept", "application/json").Do(ctx)
	// Error reads the API server's own words out of the answer, which Raw does not.
	if err := result.Error(); err != nil {
		return nil, err
	}
	return result.Raw()
}

// Furnish gives a control plane without a controller manager what that one puts into every namespace. Without it a bundle has no
// folder for a namespace that nothing else is in.
func Furnish(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	list, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the namespaces: %w", err)
	}
	var names []string
	for _, namespace := range list.Items {
		names = append(names, namespace.Name)
	}
	return load.Apply(ctx, config, furniture(names)...)
}
