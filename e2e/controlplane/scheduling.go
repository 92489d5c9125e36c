package controlplane

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// A scheduler as installed, but for one that may ask as fast as it can, and that alone is the leader.
const schedulerConfiguration = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: %s
  qps: 5000
  burst: 10000
leaderElection:
  leaderElect: false
`

// StartScheduler starts the real kube-scheduler as the cluster's admin, with its default plugins, and
// returns when it has read the cluster. Stop of the control plane ends it, if nobody has before. Lines of
// progress of a build go to progress, which may be nil.
func (p *ControlPlane) StartScheduler(ctx context.Context, progress io.Writer) (*Component, error) {
	program, err := tools.KubeScheduler().Ensure(ctx, progress)
	if err != nil {
		return nil, err
	}
	configuration := p.path("kube-scheduler.yaml")
	if err := os.WriteFile(configuration, fmt.Appendf(nil, schedulerConfiguration, p.Kubeconfig), 0o600); err != nil {
		return nil, fmt.Errorf("writing the scheduler's configuration: %w", err)
	}
	return p.startComponent(ctx, "kube-scheduler", program, "/readyz", func(address, certificate, key string) []string {
		return append(servingArguments(address, certificate, key), "--config="+configuration)
	})
}

// StartControllers starts the real kube-controller-manager as the cluster's admin, with the named
// controllers and no others, such as "disruption-controller" and "replicaset-controller".
func (p *ControlPlane) StartControllers(ctx context.Context, progress io.Writer, controllers ...string) (*Component, error) {
	program, err := tools.KubeControllerManager().Ensure(ctx, progress)
	if err != nil {
		return nil, err
	}
	return p.startComponent(ctx, "kube-controller-manager", program, "/healthz", func(address, certificate, key string) []string {
		return append(servingArguments(address, certificate, key),
			"--kubeconfig="+p.Kubeconfig,
			"--leader-elect=false",
			"--controllers="+strings.Join(controllers, ","),
			"--kube-api-qps=5000",
			"--kube-api-burst=10000")
	})
}

// servingArguments are flags that scheduler and controller manager share.
func servingArguments(address, certificate, key string) []string {
	host, port, _ := net.SplitHostPort(address)
	return []string{
		"--bind-address=" + host,
		"--secure-port=" + port,
		"--tls-cert-file=" + certificate,
		"--tls-private-key-file=" + key,
	}
}

// StartKwok starts the real kwok for the nodes with that label, "key=value". stages are kwok's Stage
// objects, as YAML: what becomes of the pods that are bound to these nodes.
func (p *ControlPlane) StartKwok(ctx context.Context, progress io.Writer, nodes, stages string) (*Component, error) {
	program, err := tools.Kwok().Ensure(ctx, progress)
	if err != nil {
		return nil, err
	}
	file := p.path("kwok-stages.yaml")
	if err := os.WriteFile(file, []byte(stages), 0o600); err != nil {
		return nil, fmt.Errorf("writing kwok's stages: %w", err)
	}
	return p.startComponent(ctx, "kwok", program, "/healthz", func(address, certificate, key string) []string {
		return []string{
			"--kubeconfig=" + p.Kubeconfig,
			"--config=" + file,
			"--manage-all-nodes=false",
			"--manage-nodes-with-label-selector=" + nodes,
			"--node-lease-duration-seconds=0", // no controller here misses the leases
			"--server-address=" + address,
			"--tls-cert-file=" + certificate,
			"--tls-private-key-file=" + key,
		}
	})
}
