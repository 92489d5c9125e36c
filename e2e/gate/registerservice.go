package gate

import (
	"context"
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
)

// RegisterService registers the gates by the Service that deploy/ ships, in the place of a URL, and waits until they
// are ready again. The Service leads to port on localhost, which is that of the forwarder before them. It makes the API
// server behave as it does in a cluster: to a URL on localhost it speaks HTTP/2 over one connection, and to a Service
// HTTP/1.1 over one connection for each call under way.
func (c *Cluster) RegisterService(ctx context.Context, port int, gates ...*Process) error {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: manifests.Name, Namespace: manifests.Namespace},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}
	_, err = client.CoreV1().Services(service.Namespace).Create(ctx, service, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating the gate's service: %w", err)
	}
	if err := c.Unregister(ctx); err != nil {
		return err
	}
	number := int32(port)
	validating, mutating := manifests.ValidatingConfiguration(), manifests.MutatingConfiguration()
	validating.Webhooks[0].ClientConfig.Service.Port = &number
	mutating.Webhooks[0].ClientConfig.Service.Port = &number
	registrations := client.AdmissionregistrationV1()
	if _, err := registrations.ValidatingWebhookConfigurations().Create(ctx, validating, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("registering the gate: %w", err)
	}
	if _, err := registrations.MutatingWebhookConfigurations().Create(ctx, mutating, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("registering the gate in advance: %w", err)
	}
	if err := Await(ctx, readyTimeout, func(ctx context.Context) error { return trusted(ctx, client) }); err != nil {
		return err
	}
	for _, gate := range gates {
		if err := gate.AwaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// trusted returns an error until both configurations hold the gates' authority.
func trusted(ctx context.Context, client kubernetes.Interface) error {
	validating, err := client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(ctx, manifests.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	mutating, err := client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, manifests.MutatingConfigurationName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, config := range []admissionv1.WebhookClientConfig{validating.Webhooks[0].ClientConfig, mutating.Webhooks[0].ClientConfig} {
		if len(config.CABundle) == 0 {
			return errors.New("the gates have not registered their authority yet")
		}
	}
	return nil
}
