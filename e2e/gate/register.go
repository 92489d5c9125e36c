package gate

import (
	"context"
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
)

// Register creates the two shipped webhook configurations, with a URL in the place of the Service: port is
// that of a gate, or of a forwarder before several, on localhost. Configurations that are there already
// are replaced. The gates write their CA into them.
func (c *Cluster) Register(ctx context.Context, port int) error {
	if err := c.Unregister(ctx); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	registrations := client.AdmissionregistrationV1()
	validating := manifests.ValidatingConfiguration()
	for i := range validating.Webhooks {
		validating.Webhooks[i].ClientConfig = byURL(port, manifests.ValidatingPath)
	}
	if _, err := registrations.ValidatingWebhookConfigurations().Create(ctx, validating, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("registering the gate: %w", err)
	}
	mutating := manifests.MutatingConfiguration()
	for i := range mutating.Webhooks {
		mutating.Webhooks[i].ClientConfig = byURL(port, manifests.MutatingPath)
	}
	if _, err := registrations.MutatingWebhookConfigurations().Create(ctx, mutating, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("registering the gate in advance: %w", err)
	}
	return nil
}

// Unregister deletes both configurations, as an operator does in an emergency. That they are not there is
// fine.
func (c *Cluster) Unregister(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	registrations := client.AdmissionregistrationV1()
	err = registrations.ValidatingWebhookConfigurations().Delete(ctx, manifests.Name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("unregistering the gate: %w", err)
	}
	return c.UnregisterAdvance(ctx)
}

// UnregisterAdvance deletes the configuration of the advance refusal only, so that the validating phase
// is asked about everything.
func (c *Cluster) UnregisterAdvance(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	err = client.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(ctx, manifests.MutatingConfigurationName, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("unregistering the advance refusal: %w", err)
	}
	return nil
}

func byURL(port int, path string) admissionv1.WebhookClientConfig {
	url := fmt.Sprintf("https://localhost:%d%s", port, path)
	return admissionv1.WebhookClientConfig{URL: &url}
}
