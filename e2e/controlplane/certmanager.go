package controlplane

import (
	"context"
	"io"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// StartCertManager starts cert-manager's own controllers for Issuers of the kinds CA and SelfSigned and their Certificates, as
// the cluster's admin, and returns when they have read the cluster. cert-manager's CRDs must be there. Lines of progress of a
// build go to progress, which may be nil.
func (p *ControlPlane) StartCertManager(ctx context.Context, progress io.Writer) (*Component, error) {
	return p.startCertManager(ctx, progress, "cert-manager-controller", "", "controller")
}

// StartCAInjector starts cert-manager's own CA injector in the same way. featureGates switches features of it, as in
// "CAInjectorMerging=false"; empty leaves its defaults.
func (p *ControlPlane) StartCAInjector(ctx context.Context, progress io.Writer, featureGates string) (*Component, error) {
	return p.startCertManager(ctx, progress, "cert-manager-cainjector", featureGates, "cainjector")
}

func (p *ControlPlane) startCertManager(ctx context.Context, progress io.Writer, name, featureGates, part string) (*Component, error) {
	program, err := tools.CertManager().Ensure(ctx, progress)
	if err != nil {
		return nil, err
	}
	return p.startComponent(ctx, name, program, "/healthz", func(address, certificate, key string) []string {
		return []string{
			"--kubeconfig=" + p.Kubeconfig,
			"--feature-gates=" + featureGates,
			"--health-address=" + address,
			"--tls-cert-file=" + certificate,
			"--tls-private-key-file=" + key,
			part,
		}
	})
}
