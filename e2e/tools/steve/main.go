// Command steve serves the API that Harvester's UI talks to, with Rancher's Steve and nothing else: no UI, no
// actions of Harvester's own, no Rancher in front of it.
//
// Steve has a program of its own, which knows its callers by a token alone. Rancher passes a caller on to the Steve
// in Harvester by Impersonate headers, and that is what this program adds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gorilla/mux"
	"github.com/rancher/steve/pkg/accesscontrol"
	"github.com/rancher/steve/pkg/auth"
	"github.com/rancher/steve/pkg/server"
	"github.com/rancher/steve/pkg/server/router"
	"github.com/rancher/wrangler/v3/pkg/ratelimit"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/transport"
)

// stopTimeout bounds the wait for requests that are under way when the program is told to stop.
const stopTimeout = 5 * time.Second

type options struct {
	kubeconfig, listen, certificate, key string
}

func main() {
	var o options
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "file that says where the API server is and who Steve is")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:9443", "address to serve on")
	flag.StringVar(&o.certificate, "tls-cert-file", "", "file of the serving certificate")
	flag.StringVar(&o.key, "tls-private-key-file", "", "file of its key")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "steve:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.RateLimiter = ratelimit.None
	handler, err := newHandler(ctx, config)
	if err != nil {
		return fmt.Errorf("starting Steve: %w", err)
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	serving := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- serving.ServeTLS(listener, o.certificate, o.key) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := serving.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) { // the UI's web sockets stay for ever
		return serving.Close()
	} else if err != nil {
		return err
	}
	return nil
}

// newHandler returns the handler of two Steves on the same informers: one that asks the API server in the name of
// whoever the headers say, and one that asks it as itself, for requests without them.
func newHandler(ctx context.Context, config *rest.Config) (http.Handler, error) {
	controllers, err := server.NewController(config, nil)
	if err != nil {
		return nil, err
	}
	access := accesscontrol.NewAccessStore(ctx, true, controllers.RBAC)
	start := func(middleware auth.Middleware) (*server.Server, error) {
		return server.New(ctx, config, &server.Options{
			Controllers: controllers, AccessSetLookup: access, AuthMiddleware: middleware, Router: routes,
		})
	}
	forOthers, err := start(auth.ToMiddleware(auth.AuthenticatorFunc(auth.Impersonation)))
	if err != nil {
		return nil, err
	}
	asItself, err := start(nil)
	if err != nil {
		return nil, err
	}
	if err := controllers.Start(ctx); err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/readyz":
			ready(w, forOthers, asItself)
		case r.Header.Get(transport.ImpersonateUserHeader) != "":
			forOthers.ServeHTTP(w, r)
		default:
			asItself.ServeHTTP(w, r)
		}
	}), nil
}

// ready says whether the servers have learned of the kind that starts an upgrade: they read all CRDs in one go, some
// time after they have started.
func ready(w http.ResponseWriter, servers ...*server.Server) {
	for _, s := range servers {
		if s.SchemaFactory.ByGVR(schema.GroupVersionResource{Group: "harvesterhci.io", Version: "v1beta1", Resource: "upgrades"}) == "" {
			http.Error(w, "Steve has not read the CRDs yet", http.StatusServiceUnavailable)
			return
		}
	}
}

// routes adds the paths at which Harvester serves Steve to Steve's own.
func routes(h router.Handlers) http.Handler {
	paths := mux.NewRouter()
	paths.UseEncodedPath()
	for _, path := range []string{"/{type}", "/{type}/{nameorns}", "/{type}/{namespace}/{name}"} {
		paths.Path("/v1/harvester" + path).Handler(h.K8sResource)
	}
	paths.NotFoundHandler = router.Routes(h)
	return paths
}
