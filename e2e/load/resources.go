package load

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

const (
	// discoveryPatience is how long a kind may take to show up in discovery: the API server publishes a
	// CRD some moments after it is established.
	discoveryPatience = 5 * time.Second
	discoveryPoll     = 100 * time.Millisecond
)

// resource is how the API server serves a kind.
type resource struct {
	schema.GroupVersionResource
	namespaced bool
	// status says that the status is written through a subresource of its own.
	status bool
}

// resources finds out by discovery how kinds are served.
type resources struct {
	client discovery.DiscoveryInterface

	mu    sync.Mutex
	kinds map[schema.GroupVersionKind]resource
}

func newResources(config *rest.Config) (*resources, error) {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a discovery client: %w", err)
	}
	return &resources{client: client}, nil
}

// of returns how the kind is served. A kind that is not served yet is waited for.
func (r *resources) of(ctx context.Context, kind schema.GroupVersionKind) (resource, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if found, ok := r.kinds[kind]; ok {
		return found, nil
	}
	deadline := time.Now().Add(discoveryPatience)
	for {
		if err := r.discover(); err != nil {
			return resource{}, err
		}
		if found, ok := r.kinds[kind]; ok {
			return found, nil
		}
		if time.Now().After(deadline) {
			// Remembered, so that a thousand objects of an unserved kind do not wait one after the other.
			r.kinds[kind] = resource{}
			return resource{}, nil
		}
		select {
		case <-ctx.Done():
			return resource{}, ctx.Err()
		case <-time.After(discoveryPoll):
		}
	}
}

// discover reads everything that the API server serves. Groups of an aggregated API server that does
// not answer are left out.
func (r *resources) discover() error {
	_, lists, err := r.client.ServerGroupsAndResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return fmt.Errorf("discovering what the API server serves: %w", err)
	}
	unserved := r.kinds
	r.kinds = map[schema.GroupVersionKind]resource{}
	for kind, resource := range unserved {
		if resource.Resource == "" {
			r.kinds[kind] = resource
		}
	}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return fmt.Errorf("discovering what the API server serves: %w", err)
		}
		withStatus := map[string]bool{}
		for _, item := range list.APIResources {
			if parent, found := strings.CutSuffix(item.Name, "/status"); found {
				withStatus[parent] = true
			}
		}
		for _, item := range list.APIResources {
			if !strings.Contains(item.Name, "/") {
				r.kinds[version.WithKind(item.Kind)] = resource{
					GroupVersionResource: version.WithResource(item.Name),
					namespaced:           item.Namespaced,
					status:               withStatus[item.Name],
				}
			}
		}
	}
	return nil
}
