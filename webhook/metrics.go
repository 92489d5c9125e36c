package webhook

import (
	"crypto/tls"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// Metrics are what the gate counts, in a registry of their own.
type Metrics struct {
	registry *prometheus.Registry

	admissions        *prometheus.CounterVec
	admissionDuration *prometheus.HistogramVec
	checkDuration     *prometheus.HistogramVec
	checkOutcome      *prometheus.GaugeVec
	verdict           *prometheus.GaugeVec
	eventsDropped     prometheus.Counter
	policyValid       prometheus.Gauge
}

// NewMetrics returns the metrics, all at zero, with those of the process and of the Go runtime beside them.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		admissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "upgrade_gate_admissions_total",
			Help: "Decisions on upgrades: Ready admits; Blocked, Incomplete and Error refuse.",
		}, []string{"verdict", "dry_run"}),
		admissionDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "upgrade_gate_admission_duration_seconds",
			Help:    "Time from the arrival of an admission call to its answer; phase is advance (mutating) or validate.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30},
		}, []string{"phase"}),
		checkDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "upgrade_gate_check_duration_seconds",
			Help:    "Time that one run of a check takes.",
			Buckets: prometheus.ExponentialBuckets(.00001, 5, 8),
		}, []string{"check"}),
		checkOutcome: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "upgrade_gate_check_outcome",
			Help: "1 for the outcome that a check has on the cluster as it is in the watch cache now, before policy and waivers; 0 for the others.",
		}, []string{"check", "outcome"}),
		verdict: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "upgrade_gate_verdict",
			Help: "1 for what the gate would say of an upgrade now, from the watch cache, by the policy and without waivers; 0 for the others.",
		}, []string{"verdict"}),
		eventsDropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "upgrade_gate_events_dropped_total",
			Help: "Events of decisions that could not be written; the decisions stand in the log.",
		}),
		policyValid: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "upgrade_gate_policy_valid",
			Help: "1 while the policy file as it is now is in force; 0 while an older version is, because the new one is bad.",
		}),
	}
	m.policyValid.Set(1)
	m.registry.MustRegister(m.admissions, m.admissionDuration, m.checkDuration, m.checkOutcome, m.verdict, m.eventsDropped, m.policyValid,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	return m
}

// Gatherer returns the registry to serve.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// CheckDurations notes how long the checks took; it is a gate.Gate's Observe.
func (m *Metrics) CheckDurations(results []checks.Result) {
	for _, result := range results {
		m.checkDuration.WithLabelValues(result.Check.Name).Observe(result.Duration.Seconds())
	}
}

// CheckOutcomes notes what the checks say of the cluster as it is, and how long they took.
func (m *Metrics) CheckOutcomes(results []checks.Result) {
	m.CheckDurations(results)
	for _, result := range results {
		for _, outcome := range []checks.Outcome{checks.Passed, checks.Failed, checks.Skipped, checks.Unknown} {
			value := 0.0
			if result.Outcome == outcome {
				value = 1
			}
			m.checkOutcome.WithLabelValues(result.Check.Name, string(outcome)).Set(value)
		}
	}
}

// Verdict notes what the gate would say of an upgrade of the cluster as it is.
func (m *Metrics) Verdict(now policy.Verdict) {
	for _, verdict := range []policy.Verdict{policy.Ready, policy.Blocked, policy.Incomplete} {
		value := 0.0
		if verdict == now {
			value = 1
		}
		m.verdict.WithLabelValues(string(verdict)).Set(value)
	}
}

// PolicyLoaded notes whether the policy file as it is now is in force; it is a policy.WatchOptions' Loaded.
func (m *Metrics) PolicyLoaded(problem error) {
	m.policyValid.Set(0)
	if problem == nil {
		m.policyValid.Set(1)
	}
}

// CacheAges adds a gauge for each kind: for how long its watch has been failing.
func (m *Metrics) CacheAges(ages func() map[cluster.Kind]time.Duration) {
	m.registry.MustRegister(cacheAges{ages: ages, desc: prometheus.NewDesc("upgrade_gate_cache_age_seconds",
		"For how long the watch of a kind has been failing; 0 while it works.", []string{"kind"}, nil)})
}

// ServingCertificate adds a gauge: when the certificate ends that get returns at each scrape. While there is none, the gauge has no value.
func (m *Metrics) ServingCertificate(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) {
	m.registry.MustRegister(certificateEnd{get: get, desc: prometheus.NewDesc("upgrade_gate_serving_certificate_expiry_timestamp_seconds",
		"When the certificate ends that the gate shows to API servers, in seconds since 1970.", nil, nil)})
}

// answered counts an answer. What an advance call leaves to the validating phase is counted there.
func (m *Metrics) answered(d decision) {
	m.admissionDuration.WithLabelValues(string(d.phase)).Observe(d.took.Seconds())
	if d.final {
		m.admissions.WithLabelValues(d.verdict, strconv.FormatBool(d.dryRun())).Inc()
	}
}

// cacheAges asks the watch cache at each scrape.
type cacheAges struct {
	ages func() map[cluster.Kind]time.Duration
	desc *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c cacheAges) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect implements prometheus.Collector.
func (c cacheAges) Collect(out chan<- prometheus.Metric) {
	for kind, age := range c.ages() {
		out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, age.Seconds(), string(kind))
	}
}

// certificateEnd asks for the serving certificate at each scrape.
type certificateEnd struct {
	get  func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	desc *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c certificateEnd) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect implements prometheus.Collector.
func (c certificateEnd) Collect(out chan<- prometheus.Metric) {
	if certificate, err := c.get(nil); err == nil && certificate.Leaf != nil {
		out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(certificate.Leaf.NotAfter.Unix()))
	}
}
