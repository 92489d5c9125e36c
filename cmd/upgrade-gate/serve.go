package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/metrics"
	"syscall"
	"time"

	"github.com/go-logr/zapr"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/upgrade-gate/upgrade-gate/certs"
	"github.com/upgrade-gate/upgrade-gate/webhook"
)

// serveFlags are the flags of serve that need work before they are options.
type serveFlags struct {
	kubeconfig string
	logLevel   string
	certsMode  string
	options    webhook.Options
}

func newServeCommand() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer the API server: may this upgrade begin?",
		Example: `  # In the cluster, with a certificate of our own
  upgrade-gate serve --certs self-managed

  # With the certificate that cert-manager keeps in a Secret, and a policy
  upgrade-gate serve --certs cert-manager --cert-dir /certs --policy /etc/upgrade-gate/policy.yaml`,
		Long: `serve is the webhook. It watches the cluster, and when an Upgrade or UpgradePlan is created it refuses one that would hang.
It stops on SIGTERM without losing a call; a second signal ends it at once.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), versionOf(version), flags)
		},
	}
	flags.register(cmd)
	return cmd
}

func (f *serveFlags) register(cmd *cobra.Command) {
	set, o := cmd.Flags(), &f.options
	set.StringVar(&o.PolicyFile, "policy", "", "configuration `FILE`, read again when it changes (default: every check blocks)")
	set.StringVar(&f.certsMode, "certs", "", "where the serving certificate comes from: self-managed or cert-manager")
	set.StringVar(&o.Certs.CertDir, "cert-dir", "", "`DIR` where cert-manager's secret is mounted (with --certs=cert-manager)")
	set.StringVar(&o.Certs.Namespace, "namespace", cmp.Or(os.Getenv("POD_NAMESPACE"), "upgrade-gate"), "namespace of the service and of the secret")
	set.StringVar(&o.Certs.ServiceName, "service-name", "upgrade-gate", "service in front of the webhook")
	set.StringVar(&o.Certs.SecretName, "secret-name", "upgrade-gate-ca", "secret with our certificate authority (with --certs=self-managed)")
	set.StringArrayVar(&o.Certs.ExtraDNSNames, "dns-name", nil, "further `NAME` that the certificate is issued for; may be given several times")
	set.DurationVar(&o.Certs.CADuration, "ca-duration", 0, "life of our certificate authority, replaced at two thirds of it (with --certs=self-managed; default 365 days)")
	set.DurationVar(&o.Certs.LeafDuration, "leaf-duration", 0, "life of the serving certificate, renewed at two thirds of it (with --certs=self-managed; default 7 days)")
	set.StringVar(&o.Certs.ValidatingConfig, "validating-configuration", "upgrade-gate", "our ValidatingWebhookConfiguration")
	set.StringVar(&o.Certs.MutatingConfig, "mutating-configuration", "upgrade-gate-advance", "our MutatingWebhookConfiguration; empty if the advance refusal is switched off")
	set.StringVar(&o.Listen, "listen", webhook.DefaultListen, "`HOST:PORT` that the API server calls")
	set.StringVar(&o.HealthListen, "health-listen", webhook.DefaultHealthListen, "`HOST:PORT` of /healthz, /readyz and /metrics, without TLS")
	set.StringVar(&f.kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster (default: the pod's service account)")
	set.StringVar(&o.KubeletCA, "kubelet-ca", "", "`FILE` of the CA that signs the kubelets' serving certificates (default: the API server's CA)")
	set.BoolVar(&o.ReadSecrets, "read-secrets", false, readSecretsUsage)
	set.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	set.DurationVar(&o.DrainDelay, "drain-delay", webhook.DefaultDrainDelay, "time between no longer being ready and closing the listener")
	set.DurationVar(&o.ShutdownTimeout, "shutdown-timeout", webhook.DefaultShutdownTimeout, "time for calls in flight after that")
}

const (
	// gcPercent is how far the heap grows before it is collected, in percent of what is in use. Most of what serve holds is
	// the watch cache, which changes little: with Go's default of 100 the process would take twice that.
	gcPercent = 50
	// returnInterval is how often memory that is no longer used goes back to the system. Filling the watch cache, and each live
	// read, leave behind as much as the cache itself takes, and the runtime is in no hurry to return it.
	returnInterval = time.Minute
	// worthReturning is which part of the heap must have been allocated before it is worth while: an eighth.
	worthReturning = 8
	// elsewhere is which part of a memory limit is left to what Go's runtime does not count, but the kernel does: the pages of the program
	// that it has touched, and the buffers of its connections. A tenth.
	elsewhere = 10
)

func serve(ctx context.Context, version string, flags serveFlags) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
		go returnMemory(ctx)
	}
	// The manifests set GOMEMLIMIT to the container's limit.
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		debug.SetMemoryLimit(limit - limit/elsewhere)
	}
	logger, err := newLogger(flags.logLevel)
	if err != nil {
		return err
	}
	defer func() { _ = logger.Sync() }()
	options := flags.options
	if options.Config, err = restConfig(flags.kubeconfig); err != nil {
		return err
	}
	options.Certs.Mode = certs.Mode(flags.certsMode)
	options.Version, options.Logger = version, logger
	if options.Instance, err = os.Hostname(); err != nil {
		return fmt.Errorf("find out the pod's name: %w", err)
	}
	server, err := webhook.New(options)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go obeySignals(stop, logger)
	return server.Run(ctx)
}

// returnMemory gives unused memory back to the system from time to time, until ctx ends. That goes through the whole heap, so it waits until
// there can be something to give back.
func returnMemory(ctx context.Context) {
	ticker := time.NewTicker(returnInterval)
	defer ticker.Stop()
	returned := uint64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if allocated, live := heap(); allocated-returned > live/worthReturning {
				debug.FreeOSMemory()
				returned = allocated
			}
		}
	}
}

// heap returns how many bytes have been allocated since the process began, and how many were in use when the heap was last collected.
func heap() (allocated, live uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}

// obeySignals stops the server on the first signal and ends the process on the second.
func obeySignals(stop func(), logger *zap.Logger) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	stop()
	received := <-signals
	logger.Warn("told to stop a second time, ending at once", zap.Stringer("signal", received))
	os.Exit(exitFailure)
}

// newLogger returns the logger of the process: JSON lines, with those of controller-runtime and client-go among them.
func newLogger(level string) (*zap.Logger, error) {
	parsed, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("log level %q is not debug, info, warn or error", level)
	}
	config := zap.NewProductionConfig()
	config.Level = zap.NewAtomicLevelAt(parsed)
	config.Sampling = nil
	config.DisableStacktrace = true
	config.EncoderConfig.EncodeTime = zapcore.ISO8601TimeEncoder
	config.EncoderConfig.EncodeDuration = zapcore.StringDurationEncoder
	logger, err := config.Build()
	if err != nil {
		return nil, fmt.Errorf("build the logger: %w", err)
	}
	ctrl.SetLogger(zapr.NewLogger(logger.Named("controller-runtime")))
	klog.SetLogger(zapr.NewLogger(logger.Named("client-go")))
	// net/http tells of failed TLS handshakes there.
	zap.RedirectStdLog(logger.Named("http"))
	return logger, nil
}

func restConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("use the pod's service account (outside a cluster, name a --kubeconfig): %w", err)
		}
		return config, nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	return config, nil
}
