package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// samples returns the values of a counter or gauge, and the number of observations of a histogram, each under the values of
// its labels in the order of their names; nil where there are none.
func samples(t *testing.T, from prometheus.Gatherer, name string) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var found map[string]float64
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		found = map[string]float64{}
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetValue())
			}
			value := metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
			found[strings.Join(labels, " ")] = value
		}
	}
	return found
}

func TestACheckHasOneOutcomeAtATime(t *testing.T) {
	m := NewMetrics()
	for _, outcome := range []checks.Outcome{checks.Failed, checks.Passed} {
		m.CheckOutcomes([]checks.Result{{Check: checks.Check{Name: "paused-vms"}, Outcome: outcome}})
	}
	want := map[string]float64{"paused-vms Failed": 0, "paused-vms Passed": 1, "paused-vms Skipped": 0, "paused-vms Unknown": 0}
	if diff := cmp.Diff(want, samples(t, m.Gatherer(), "upgrade_gate_check_outcome")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]float64{"paused-vms": 2}, samples(t, m.Gatherer(), "upgrade_gate_check_duration_seconds")); diff != "" {
		t.Error(diff)
	}
}

func TestThereIsOneVerdictAtATime(t *testing.T) {
	m := NewMetrics()
	if got := samples(t, m.Gatherer(), "upgrade_gate_verdict"); got != nil {
		t.Errorf("before anything was looked at the verdict is %v", got)
	}
	m.Verdict(policy.Ready)
	m.Verdict(policy.Incomplete)
	want := map[string]float64{"Ready": 0, "Blocked": 0, "Incomplete": 1}
	if diff := cmp.Diff(want, samples(t, m.Gatherer(), "upgrade_gate_verdict")); diff != "" {
		t.Error(diff)
	}
}

func TestTheCertificatesEndIsThatOfTheOneServedNow(t *testing.T) {
	m := NewMetrics()
	var served *tls.Certificate
	m.ServingCertificate(func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if served == nil {
			return nil, errors.New("there is none yet")
		}
		return served, nil
	})
	const name = "upgrade_gate_serving_certificate_expiry_timestamp_seconds"
	if got := samples(t, m.Gatherer(), name); got != nil {
		t.Errorf("without a certificate it ends at %v", got)
	}
	for _, end := range []int64{1_800_000_000, 1_900_000_000} {
		served = &tls.Certificate{Leaf: &x509.Certificate{NotAfter: time.Unix(end, 0)}}
		if diff := cmp.Diff(map[string]float64{"": float64(end)}, samples(t, m.Gatherer(), name)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestThePolicyIsValidUntilAFileIsBad(t *testing.T) {
	m := NewMetrics()
	for _, step := range []struct {
		problem error
		want    float64
	}{{nil, 1}, {errors.New("unknown field"), 0}, {nil, 1}} {
		m.PolicyLoaded(step.problem)
		if diff := cmp.Diff(map[string]float64{"": step.want}, samples(t, m.Gatherer(), "upgrade_gate_policy_valid")); diff != "" {
			t.Errorf("after %v: %s", step.problem, diff)
		}
	}
}

func TestTheCacheAgeIsAskedForAtEachScrape(t *testing.T) {
	m := NewMetrics()
	age := time.Minute
	m.CacheAges(func() map[cluster.Kind]time.Duration { return map[cluster.Kind]time.Duration{cluster.Nodes: age} })
	for range 2 {
		if diff := cmp.Diff(map[string]float64{"nodes": age.Seconds()}, samples(t, m.Gatherer(), "upgrade_gate_cache_age_seconds")); diff != "" {
			t.Error(diff)
		}
		age *= 2
	}
}
