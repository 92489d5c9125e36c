package controlplane

import (
	"fmt"
	"os"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// The networks of a Harvester cluster as installed, so that Services keep the addresses they have in
// the example clusters.
const serviceNetwork = "10.53.0.0/16"

// startTimeout bounds the start of each process. The default 20 s is short for a laptop that compiles
// at the same time.
const startTimeout = 90 * time.Second

// DefaultAuditPolicy logs whatever happens to the objects that start an upgrade, with bodies and with
// the annotations of webhooks, and nothing else: loading a large cluster writes no gigabytes.
const DefaultAuditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  verbs: [create, update, patch, delete]
  resources:
  - group: harvesterhci.io
    resources: [upgrades]
  - group: management.harvesterhci.io
    resources: [upgradeplans]
- level: None
`

// disabledAdmission are the admission plugins that change or refuse objects of an example cluster,
// which come from a cluster where they have been through admission already.
func disabledAdmission() []string {
	return []string{
		"DefaultIngressClass",
		"DefaultStorageClass",
		"DefaultTolerationSeconds",     // adds tolerations
		"LimitRanger",                  // adds requests
		"PodSecurity",                  // refuses what the namespace's labels forbid
		"Priority",                     // refuses priority classes that the example does not hold
		"ResourceQuota",                // counts without a controller
		"RuntimeClass",                 // adds overhead
		"ServiceAccount",               // wants service accounts that a controller makes
		"StorageObjectInUseProtection", // adds finalizers
		"TaintNodesByCondition",        // taints every new node not-ready
	}
}

func newEnvironment(options Options) *envtest.Environment {
	off := false
	return &envtest.Environment{
		UseExistingCluster:       &off, // never somebody's real cluster, whatever the environment says
		CRDs:                     options.CRDs,
		CRDDirectoryPaths:        options.CRDDirs,
		ErrorIfCRDPathMissing:    true,
		CRDInstallOptions:        envtest.CRDInstallOptions{MaxTime: 60 * time.Second},
		ControlPlaneStartTimeout: startTimeout,
		ControlPlaneStopTimeout:  20 * time.Second,
	}
}

// configure sets the API server's flags and certificates.
func (p *ControlPlane) configure(server *envtest.APIServer, options Options) error {
	if err := p.writeServingFiles(server); err != nil {
		return err
	}
	policy := options.AuditPolicy
	if policy == "" {
		policy = DefaultAuditPolicy
	}
	if err := os.WriteFile(p.path("audit-policy.yaml"), []byte(policy), 0o600); err != nil {
		return fmt.Errorf("writing the audit policy: %w", err)
	}
	p.AuditLog = p.path("audit.log")
	arguments := server.Configure().
		Set("service-cluster-ip-range", serviceNetwork).
		Set("disable-admission-plugins", strings.Join(disabledAdmission(), ",")).
		Set("audit-policy-file", p.path("audit-policy.yaml")).
		Set("audit-log-path", p.AuditLog).
		Set("audit-log-mode", "blocking"). // a line is in the file before the next request is answered
		Set("event-ttl", "1h0m0s").
		// It is bound to a loopback address, and would announce another one, at which nobody answers.
		Set("endpoint-reconciler-type", "none").
		// One test binary may send more than the default 400 requests at once while it loads a cluster.
		Set("max-requests-inflight", "2000").
		Set("max-mutating-requests-inflight", "1000")
	for name, values := range options.APIServerArgs {
		arguments.Set(name, values...)
	}
	return nil
}

// writeServingFiles puts the API server's certificate and the service accounts' signing key where
// envtest looks for them before it makes its own, whose CA's key it does not give away.
func (p *ControlPlane) writeServingFiles(server *envtest.APIServer) error {
	server.CertDir = p.path("apiserver")
	server.CA = p.ClusterCA.PEM()
	certificate, key, err := p.ClusterCA.ServingPEM("kube-apiserver", "127.0.0.1", "localhost",
		"kubernetes.default.svc", "10.53.0.1")
	if err != nil {
		return err
	}
	tokens, err := NewAuthority("upgrade-gate-e2e-service-accounts")
	if err != nil {
		return err
	}
	tokenKey, err := keyPEM(tokens.key)
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{
		"apiserver.crt": certificate, "apiserver.key": key,
		"sa-signer.crt": tokens.PEM(), "sa-signer.key": tokenKey,
	} {
		if err := os.WriteFile(p.path("apiserver", name), text, 0o600); err != nil {
			return fmt.Errorf("writing the API server's certificates: %w", err)
		}
	}
	return nil
}
