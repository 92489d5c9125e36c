package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// healthTimeout bounds the reading and the answering of one call to the health server.
const healthTimeout = 10 * time.Second

// condition is one thing that readiness depends on.
type condition struct {
	name  string
	check func(context.Context) error
}

// healthHandler serves /healthz, which is true as long as the process answers, /readyz, which says what is missing, and
// /metrics.
func healthHandler(conditions []condition, metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { writeReadiness(w, r, conditions) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{Timeout: healthTimeout}))
	return mux
}

// writeReadiness answers 200 or 503; every condition is listed if one of them is missing, and on ?verbose.
func writeReadiness(w http.ResponseWriter, r *http.Request, conditions []condition) {
	var text strings.Builder
	status := http.StatusOK
	for _, c := range conditions {
		if err := c.check(r.Context()); err != nil {
			status = http.StatusServiceUnavailable
			fmt.Fprintf(&text, "[-] %s: %s\n", c.name, err)
		} else {
			fmt.Fprintf(&text, "[+] %s\n", c.name)
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	if status != http.StatusOK || r.URL.Query().Has("verbose") {
		fmt.Fprint(w, text.String())
		return
	}
	fmt.Fprintln(w, "ok")
}

// serveHealth serves plain HTTP until ctx ends; it then returns nil.
func serveHealth(ctx context.Context, address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen for health checks: %w", err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: healthTimeout, ReadTimeout: healthTimeout, WriteTimeout: 2 * healthTimeout, IdleTimeout: 2 * time.Minute,
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve health checks: %w", err)
	}
	return nil
}
