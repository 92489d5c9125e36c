package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// connectionOptions are the flags that say which cluster is meant: those of kubectl, and two of our own.
type connectionOptions struct {
	kubectl     *genericclioptions.ConfigFlags
	kubeletCA   string
	readSecrets bool
}

// readSecretsUsage is the help text of --read-secrets.
const readSecretsUsage = "also read labels and annotations of the machine plans and of local-kubeconfig in fleet-local, and the certificates " +
	"(tls.crt, never a key) of TLS Secrets in cattle-system, cattle-fleet-system and harvester-system; see docs/secrets.md"

// errNoCluster says that neither a kubeconfig nor a pod's service account names a cluster.
var errNoCluster = errors.New("no cluster to check: there is no kubeconfig, and this is no pod; use --kubeconfig, or --from for files")

func (o *connectionOptions) addFlags(flags *pflag.FlagSet) {
	o.addClusterFlags(flags)
	flags.StringVar(&o.kubeletCA, "kubelet-ca", "", "`FILE` with the CA of the kubelets' certificates (default: the API server's)")
	flags.BoolVar(&o.readSecrets, "read-secrets", false, readSecretsUsage)
}

// addClusterFlags adds kubectl's own flags alone.
func (o *connectionOptions) addClusterFlags(flags *pflag.FlagSet) {
	o.kubectl = genericclioptions.NewConfigFlags(false)
	o.kubectl.Namespace, o.kubectl.CacheDir = nil, nil // Every namespace is read, and nothing is kept.
	kubectl := pflag.NewFlagSet("kubectl", pflag.ContinueOnError)
	o.kubectl.AddFlags(kubectl)
	markOfKubectl(kubectl)
	flags.AddFlagSet(kubectl)
}

// config returns how to reach the API server. Requests are not throttled here, for the server's own priority and fairness
// governs, and inside the cluster answers are not compressed.
func (o *connectionOptions) config() (*rest.Config, error) {
	loader := o.kubectl.ToRawKubeConfigLoader()
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	var config *rest.Config
	if inPod := len(raw.Clusters) == 0 && *o.kubectl.APIServer == ""; inPod {
		if config, err = rest.InClusterConfig(); err != nil {
			return nil, errNoCluster
		}
		config.DisableCompression = true
	} else if config, err = loader.ClientConfig(); err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.QPS = -1
	config.UserAgent = "upgrade-gate/" + versionOf(version)
	config.WarningHandler = rest.NoWarnings{}
	return config, nil
}

// source returns the live cluster.
func (o *connectionOptions) source(ctx context.Context, now func() time.Time) (cluster.Source, error) {
	live, _, err := o.live(ctx, now)
	if err != nil {
		return nil, err // A nil *Live is no nil Source.
	}
	return live, nil
}

// live returns the live cluster, and how it is reached. It asks the API server once, so that one that cannot be reached is an error here,
// and not some twenty kinds that could not be read.
func (o *connectionOptions) live(ctx context.Context, now func() time.Time) (*cluster.Live, *rest.Config, error) {
	config, err := o.config()
	if err != nil {
		return nil, nil, err
	}
	reader, err := cluster.NewReader(config)
	if err != nil {
		return nil, nil, err
	}
	prober, err := cluster.NewProber(config, o.kubeletCA, now)
	if err != nil {
		return nil, nil, err
	}
	if err := reach(ctx, reader); err != nil {
		return nil, nil, fmt.Errorf("reach the API server at %s: %s", config.Host, strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return cluster.NewLive(cluster.LiveOptions{Reader: reader, Prober: prober.AskThrough(reader), Now: now, ReadSecrets: o.readSecrets}), config, nil
}

// reach tells whether the API server answers and knows us; whether it lets us read is the evidence's to say.
func reach(ctx context.Context, reader *cluster.Reader) error {
	nodes, _ := cluster.Lookup(cluster.Nodes)
	_, _, err := reader.Page(ctx, nodes, 1, "")
	status := apierrors.APIStatus(nil)
	if errors.As(err, &status) && !apierrors.IsUnauthorized(err) {
		return nil
	}
	return err
}
