package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	eventsclient "k8s.io/client-go/kubernetes/typed/events/v1"
	"k8s.io/client-go/rest"
	runtimewebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/upgrade-gate/upgrade-gate/certs"
	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// Server is everything that `upgrade-gate serve` runs.
type Server struct {
	options      Options
	metrics      *Metrics
	handler      *Handler
	recorder     *Recorder
	cached       *cluster.Cached
	certificates certs.Provider
	watch        *policy.Watch
	observer     *observer
	clock        *cluster.ServerClock
	leaving      atomic.Bool
	after        func(time.Duration) <-chan time.Time
	logger       *zap.Logger
}

// New builds a Server and reads its policy. It calls nobody yet: Run does.
func New(options Options) (*Server, error) {
	if err := options.Validate(); err != nil {
		return nil, fmt.Errorf("options of the server: %w", err)
	}
	s := &Server{options: options.withDefaults(), metrics: NewMetrics(), after: time.After, logger: options.Logger}
	config := s.clientConfig()
	var err error
	if s.clock, err = cluster.NewServerClock(config.Host, time.Now); err != nil {
		return nil, err
	}
	config.Wrap(s.clock.Watch)
	s.options.Certs.Clock = s.clock.Disagreement
	if s.certificates, err = certs.New(s.options.Certs, config, s.logger); err != nil {
		return nil, err
	}
	s.metrics.ServingCertificate(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		return s.certificates.GetCertificate(hello)
	})
	rules, err := s.readPolicy()
	if err != nil {
		return nil, err
	}
	live, err := s.openCluster(config)
	if err != nil {
		return nil, err
	}
	// Decisions leave their events even when the connection of the watches is lost.
	httpClient, err := cluster.NewHTTPClient(config)
	if err != nil {
		return nil, err
	}
	events, err := eventsclient.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("build the client for events: %w", err)
	}
	s.recorder = NewRecorder(events, s.metrics, s.logger.Named("events"))
	s.buildJudges(live, rules)
	return s, nil
}

// clientConfig turns off what slows a live read down: the client-side rate limit (the API server's priority and fairness
// governs) and compression (inside a cluster the CPU is scarcer than the network).
func (s *Server) clientConfig() *rest.Config {
	config := rest.CopyConfig(s.options.Config)
	config.QPS, config.RateLimiter = -1, nil
	config.DisableCompression = true
	config.UserAgent = "upgrade-gate/" + s.options.Version
	return config
}

func (s *Server) readPolicy() (func() *policy.Policy, error) {
	if s.options.PolicyFile == "" {
		rules := policy.Default()
		return func() *policy.Policy { return rules }, nil
	}
	watch, err := policy.NewWatch(policy.WatchOptions{Path: s.options.PolicyFile, Log: s.logger.Named("policy"), Loaded: s.metrics.PolicyLoaded})
	if err != nil {
		return nil, err
	}
	s.watch = watch
	return watch.Current, nil
}

// openCluster prepares the watch cache and returns the live source, which all that are judged at once read together.
func (s *Server) openCluster(config *rest.Config) (cluster.Source, error) {
	prober, err := cluster.NewProber(config, s.options.KubeletCA, time.Now)
	if err != nil {
		return nil, err
	}
	reader, err := cluster.NewReader(config)
	if err != nil {
		return nil, err
	}
	live := cluster.NewLive(cluster.LiveOptions{Reader: reader, Prober: prober, Now: time.Now, ReadSecrets: s.options.ReadSecrets})
	s.cached, err = cluster.NewCached(cluster.CachedOptions{Config: config, Poller: cluster.NewPoller(live), Now: time.Now})
	if err != nil {
		return nil, err
	}
	live.Reuse(s.cached)
	s.metrics.CacheAges(s.cached.Staleness)
	return cluster.NewTogether(live, time.Now), nil
}

// buildJudges makes the handler and the observer. They share the memory, but only the observer says what a check's outcome
// is: an admission's outcomes depend on what was asked for.
func (s *Server) buildJudges(live cluster.Source, rules func() *policy.Policy) {
	memory, plans := gate.NewMemory(), drain.NewPlans()
	s.handler = NewHandler(HandlerOptions{
		Gate:   &gate.Gate{Checks: checks.All(), Memory: memory, Plans: plans, Now: time.Now, Observe: s.metrics.CheckDurations},
		Cached: s.cached, Live: live, Policy: rules, Events: s.recorder.Record, Metrics: s.metrics,
		Instance: s.options.Instance, Now: time.Now, Clock: s.clock.Disagreement, Logger: s.logger.Named("admission"),
	})
	s.observer = &observer{
		gate:   &gate.Gate{Checks: checks.All(), Memory: memory, Plans: plans, Now: time.Now, Observe: s.metrics.CheckOutcomes},
		cached: s.cached.LookingOn(), plans: plans, synced: s.cached.Synced, policy: rules, told: s.metrics.Verdict, after: time.After,
	}
}

// Run serves until ctx ends or a part fails, and then shuts down without losing a call: it stops being ready, goes on
// serving for the drain delay while the endpoints forget this replica, closes the listener, finishes the calls in flight,
// and writes the events that are still waiting. It returns nil if ctx ended and everything was finished.
func (s *Server) Run(ctx context.Context) error {
	// Everything that calls in flight rely on outlives ctx.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	serving, stopServing := context.WithCancel(work)
	recording, stopRecording := context.WithCancel(work)
	defer stopRecording()
	defer stopServing()

	crew := newCrew(s.logger)
	crew.start(work, "the watch cache", s.cached.Start)
	crew.start(work, "the serving certificate", s.certificates.Start)
	crew.start(work, "the observer", s.observer.run)
	crew.start(work, "the health server", s.runHealth)
	if s.watch != nil {
		crew.start(work, "the policy watch", s.watch.Start)
	}
	recorder := crew.start(recording, "the recorder of events", func(ctx context.Context) error { s.recorder.Run(ctx); return nil })
	listener := crew.start(serving, "the webhook server", s.runWebhook)
	s.logger.Info("started", zap.String("version", s.options.Version), zap.String("listen", s.options.Listen), zap.String("healthListen", s.options.HealthListen))

	failure := crew.firstFailure(ctx)
	s.leaving.Store(true)
	s.handler.Leave()
	if failure == nil {
		s.logger.Info("told to stop, no longer ready", zap.Duration("drainDelay", s.options.DrainDelay))
		failure = s.drain(crew)
	}
	stopServing()
	select {
	case <-listener:
		defer crew.wait()
	case <-s.after(s.options.ShutdownTimeout):
		failure = errors.Join(failure, fmt.Errorf("calls were still in flight after %s", s.options.ShutdownTimeout))
	}
	stopRecording()
	<-recorder
	stopWork()
	s.logger.Info("stopped", zap.Error(failure))
	return failure
}

// drain waits for the drain delay, or until a part fails.
func (s *Server) drain(crew *crew) error {
	select {
	case <-s.after(s.options.DrainDelay):
		return nil
	case err := <-crew.failed:
		return err
	}
}

func (s *Server) runWebhook(ctx context.Context) error {
	host, port, err := splitAddress(s.options.Listen)
	if err != nil {
		return err
	}
	server := runtimewebhook.NewServer(runtimewebhook.Options{Host: host, Port: port, TLSOpts: []func(*tls.Config){certs.TLSOptions(s.certificates)}})
	server.Register(ValidatingPath, s.handler.Validating())
	server.Register(MutatingPath, s.handler.Mutating())
	return server.Start(ctx)
}

func (s *Server) runHealth(ctx context.Context) error {
	return serveHealth(ctx, s.options.HealthListen, healthHandler(s.conditions(), s.metrics.Gatherer()))
}

// conditions are what readiness depends on.
func (s *Server) conditions() []condition {
	return []condition{
		{"not shutting down", func(context.Context) error {
			if s.leaving.Load() {
				return errors.New("this replica was told to stop")
			}
			return nil
		}},
		{"the watch cache is filled", func(context.Context) error { return s.cached.Synced() }},
		{"the API server trusts the serving certificate", s.certificates.Ready},
		{"the clock is right", func(context.Context) error { return s.clock.Disagreement() }},
	}
}
