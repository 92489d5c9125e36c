package gate

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// neverAsked is an API group that nothing belongs to.
const neverAsked = "nobody.e2e.upgradegate.io"

// settle adapts an object of an example cluster to a control plane where no pod runs. Webhooks stay registered and fail-closed, but are
// never called, for behind the example's services nobody answers.
func settle(object *unstructured.Unstructured) {
	if kind := object.GetKind(); kind != "ValidatingWebhookConfiguration" && kind != "MutatingWebhookConfiguration" {
		return
	}
	webhooks, _ := object.Object["webhooks"].([]any)
	for _, webhook := range webhooks {
		fields, _ := webhook.(map[string]any)
		rules, _ := fields["rules"].([]any)
		for _, rule := range rules {
			if of, ok := rule.(map[string]any); ok {
				of["apiGroups"] = []any{neverAsked}
			}
		}
	}
}

// announce writes the API server's own address where a real one writes it. The API server does not, because it is bound to a loopback
// address, which an EndpointSlice may hold only as a name.
func (c *Cluster) announce(ctx context.Context) error {
	host, err := url.Parse(c.Config.Host)
	if err != nil {
		return fmt.Errorf("reading the API server's address: %w", err)
	}
	port, err := strconv.ParseInt(host.Port(), 10, 32)
	if err != nil {
		return fmt.Errorf("reading the API server's port: %w", err)
	}
	_, err = c.Loader.Apply(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "FQDN",
		"metadata": map[string]any{
			"name": "kubernetes-e2e", "namespace": "default", "labels": map[string]any{"kubernetes.io/service-name": "kubernetes"},
		},
		"endpoints": []any{map[string]any{"addresses": []any{host.Hostname()}, "conditions": map[string]any{"ready": true}}},
		"ports":     []any{map[string]any{"name": "https", "port": port, "protocol": "TCP"}},
	}})
	return err
}
