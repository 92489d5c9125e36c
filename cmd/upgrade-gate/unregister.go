package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	admissionclient "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
)

// unregisterTimeout is how long one of the two deletions may take.
const unregisterTimeout = 15 * time.Second

func newUnregisterCommand() *cobra.Command {
	var connection connectionOptions
	command := &cobra.Command{
		Use:   "unregister",
		Short: "Removes the gate's two webhook configurations: upgrades are no longer judged",
		Long: `Deletes the ValidatingWebhookConfiguration ` + manifests.Name + ` and the MutatingWebhookConfiguration ` + manifests.MutatingConfigurationName + `, and nothing else: the API
server no longer asks the gate, and upgrades are judged by Harvester alone. The chart runs it before it removes the gate, because a
configuration that outlives the gate refuses every upgrade. A configuration that is not there is no error.`,
		Example: `  # In an emergency, or before the gate is removed by hand
  upgrade-gate unregister

  # In another cluster of the kubeconfig
  upgrade-gate unregister --context lab`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := connection.config()
			if errors.Is(err, errNoCluster) {
				return errors.New("no cluster to unregister from: there is no kubeconfig, and this is no pod; use --kubeconfig")
			}
			if err != nil {
				return err
			}
			client, err := admissionclient.NewForConfig(config)
			if err != nil {
				return fmt.Errorf("build the client: %w", err)
			}
			return unregister(cmd.Context(), client, cmd.OutOrStdout())
		},
	}
	connection.addClusterFlags(command.Flags())
	return command
}

// unregister deletes both configurations, the second also when the first could not be deleted. The validating one goes first: left
// without a gate it refuses every upgrade, while the other is ignored then.
func unregister(ctx context.Context, client admissionclient.AdmissionregistrationV1Interface, out io.Writer) error {
	return errors.Join(
		remove(ctx, out, "ValidatingWebhookConfiguration", manifests.Name, client.ValidatingWebhookConfigurations().Delete),
		remove(ctx, out, "MutatingWebhookConfiguration", manifests.MutatingConfigurationName, client.MutatingWebhookConfigurations().Delete),
	)
}

// remove deletes one configuration and writes what became of it.
func remove(ctx context.Context, out io.Writer, kind, name string, call func(context.Context, string, metav1.DeleteOptions) error) error {
	ctx, cancel := context.WithTimeout(ctx, unregisterTimeout)
	defer cancel()
	said := "is deleted"
	if err := call(ctx, name, metav1.DeleteOptions{}); apierrors.IsNotFound(err) {
		said = "is not there"
	} else if err != nil {
		return fmt.Errorf("%s %s is still there, and without the gate it may refuse upgrades: %w; to delete it: kubectl delete %s %s", kind, name, err, kind, name)
	}
	if _, err := fmt.Fprintf(out, "%s %s %s.\n", kind, name, said); err != nil {
		return fmt.Errorf("write what was deleted: %w", err)
	}
	return nil
}
