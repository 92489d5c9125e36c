// Command certmanager runs cert-manager's own controllers, or its own CA injector, from cert-manager's public packages. The
// programs that cert-manager ships are built in modules that no module proxy serves; they do little more than
// this with the same packages. Left out of the controllers are those that no Certificate of ours needs: ACME, Vault, Venafi,
// CertificateSigningRequests, Ingresses and Gateways. Not run at all is cert-manager's webhook, which
// refuses what is wrong in its custom resources.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util/feature"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// options are what both programs need.
type options struct {
	// kubeconfig is the path of the file that says how to reach the API server.
	kubeconfig string
	// gates switches features, as "CAInjectorMerging=false"; empty leaves cert-manager's defaults.
	gates string
	// address is where /healthz answers, with the certificate in the two files.
	address, certificate, key string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "certmanager:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var o options
	// Not those of package flag, among which libraries have put their own.
	flags := flag.NewFlagSet("certmanager [flags] controller|cainjector", flag.ContinueOnError)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the API server")
	flags.StringVar(&o.gates, "feature-gates", "", "features of cert-manager to switch, as `NAME=BOOL,…`")
	flags.StringVar(&o.address, "health-address", "", "`HOST:PORT` of /healthz, with TLS")
	flags.StringVar(&o.certificate, "tls-cert-file", "", "`FILE` of the certificate for it")
	flags.StringVar(&o.key, "tls-private-key-file", "", "`FILE` of its key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("%d programs are named, want controller or cainjector", flags.NArg())
	}
	if err := feature.DefaultMutableFeatureGate.Set(o.gates); err != nil {
		return err
	}
	log := klog.Background()
	ctrl.SetLogger(log)
	ctx = logf.NewContext(ctx, log)
	switch program := flags.Arg(0); program {
	case "controller":
		return runControllers(ctx, o)
	case "cainjector":
		return runInjector(ctx, o)
	default:
		return fmt.Errorf("there is no program %q, only controller and cainjector", program)
	}
}

// shutdownTimeout bounds the end of the health server.
const shutdownTimeout = 5 * time.Second

// serveHealth answers 200 on /healthz until ctx ends. It is called when the program has read the cluster.
func serveHealth(ctx context.Context, o options) error {
	listener, err := net.Listen("tcp", o.address)
	if err != nil {
		return fmt.Errorf("listening for health: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: shutdownTimeout, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	stopped := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		_ = server.Shutdown(ctx) // what it does not close ends with the process
	})
	defer stopped()
	if err := server.ServeTLS(listener, o.certificate, o.key); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving health: %w", err)
	}
	return nil
}
