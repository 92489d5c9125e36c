package controlplane

import (
	"context"
	"io"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// StartNamespaceControllers starts those of Kubernetes' controllers that bring a Deployment, a Job and a Service to life,
// for one namespace, so that they leave the objects of an example cluster alone. Stop of the control plane ends it, if
// nobody has before. Lines of progress of a build go to progress, which may be nil.
func (p *ControlPlane) StartNamespaceControllers(ctx context.Context, progress io.Writer, namespace string) (*Component, error) {
	program, err := tools.NamespaceControllers().Ensure(ctx, progress)
	if err != nil {
		return nil, err
	}
	return p.startComponent(ctx, "namespace-controllers", program, "/healthz", func(address, certificate, key string) []string {
		return []string{
			"--kubeconfig=" + p.Kubeconfig, "--namespace=" + namespace,
			"--listen=" + address, "--tls-cert-file=" + certificate, "--tls-private-key-file=" + key,
		}
	})
}
