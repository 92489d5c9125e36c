package controlplane

import (
	"context"
	"io"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// StartSteve starts the real Steve, through which Harvester's UI talks to the API server, and returns when it knows the
// cluster's kinds. To the API server it shows itself as identity, which has to be allowed to impersonate: a request with
// Impersonate headers is made in the name of whom they say, and one without them in Steve's own.
func (p *ControlPlane) StartSteve(ctx context.Context, progress io.Writer, identity *Identity) (*Component, error) {
	program, err := tools.Steve().Ensure(ctx, progress)
	if err != nil {
		return nil, err
	}
	return p.startComponent(ctx, "steve", program, "/readyz", func(address, certificate, key string) []string {
		return []string{
			"--kubeconfig=" + identity.Kubeconfig,
			"--listen=" + address,
			"--tls-cert-file=" + certificate,
			"--tls-private-key-file=" + key,
		}
	})
}
