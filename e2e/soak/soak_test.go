package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/generated"
	"github.com/upgrade-gate/upgrade-gate/report"
)

const (
	// variable names the environment variable that says for how long.
	variable = "UPGRADE_GATE_SOAK"
	// short is for how long otherwise.
	short = 5 * time.Minute
	// compared is how often the gate's judgement is compared with that of a fresh process.
	compared = 30 * time.Second
	// patience bounds the wait until the gate has seen the last change, and until a process has judged a cluster of size M.
	patience = 2 * time.Minute
	// target is what the cluster is asked to be upgraded to.
	target = "v1.4.2"
)

// soak is a gate in a cluster that changes all the time.
type soak struct {
	*gate.Cluster
	process  *gate.Process
	churn    *churn
	upgrades dynamic.ResourceInterface
	figures  figures
}

// figures are what is measured, second by second.
type figures struct {
	admissions, compared int
	slowest              time.Duration
	heap, goroutines     []float64
}

func TestAGateStaysTheSameInAClusterThatChangesAllTheTime(t *testing.T) {
	long := short
	if text := os.Getenv(variable); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", variable, err)
		}
	}
	s := begin(t)
	stop := s.churn.start(t)
	defer stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	end, next := time.Now().Add(long), time.Now().Add(compared)
	for time.Now().Before(end) {
		s.press(t)
		s.measure(t)
		if !time.Now().Before(next) {
			s.compare(t)
			next = time.Now().Add(compared)
		}
		<-second.C
	}
	stop()
	s.compare(t)
	s.judge(t, long)
}

// begin starts a cluster of size M with a gate before it.
func begin(t *testing.T) *soak {
	t.Helper()
	base, err := gate.StartCluster(t.Context(), gate.ClusterOptions{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := base.Stop(); err != nil {
			t.Error(err)
		}
	})
	objects := clustertest.Generate(clustertest.Medium())
	fleet, loader, err := generated.Load(t.Context(), base, objects)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fleet.Stop() })
	s := &soak{Cluster: base, churn: newChurn(objects, loader)}
	if s.process, err = base.StartGate(t.Context(), gate.Options{}); err != nil {
		t.Fatal(err)
	}
	config := rest.CopyConfig(base.Config)
	config.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	resource := schema.GroupVersionResource{Group: "harvesterhci.io", Version: "v1beta1", Resource: "upgrades"}
	s.upgrades = client.Resource(resource).Namespace(cluster.HarvesterNamespace)
	return s
}

// press asks for an upgrade, as a dry run. Any verdict will do, but there must be one.
func (s *soak) press(t *testing.T) {
	t.Helper()
	upgrade := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "harvesterhci.io/v1beta1", "kind": "Upgrade",
		"metadata": map[string]any{"name": "soak", "namespace": cluster.HarvesterNamespace},
		"spec":     map[string]any{"version": target},
	}}
	begun := time.Now()
	_, err := s.upgrades.Create(t.Context(), upgrade, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	s.figures.admissions++
	s.figures.slowest = max(s.figures.slowest, time.Since(begun))
	if err != nil && !strings.Contains(err.Error(), "denied the request: Upgrade to "+target+" refused") {
		t.Errorf("admission %d: %v", s.figures.admissions, err)
	}
}

func (s *soak) measure(t *testing.T) {
	t.Helper()
	for series, into := range map[string]*[]float64{"go_memstats_heap_alloc_bytes": &s.figures.heap, "go_goroutines": &s.figures.goroutines} {
		value, err := s.process.Metric(t.Context(), series)
		if err != nil || value == 0 {
			t.Fatalf("%s is %v: %v", series, value, err)
		}
		*into = append(*into, value)
	}
}

// compare holds the churn, and waits until the gate's judgement and that of a fresh process are the same. They need not be at once: the gate
// has to see the last change, and a state may grow old enough to count between one judgement and the other.
func (s *soak) compare(t *testing.T) {
	t.Helper()
	resume := s.churn.still()
	defer resume()
	s.figures.compared++
	if err := gate.Await(t.Context(), patience, func(ctx context.Context) error {
		s.press(t)
		of, err := s.judgement()
		if err != nil {
			return err
		}
		fresh, err := s.freshJudgement(ctx)
		if err != nil {
			return err
		}
		if of != fresh {
			return fmt.Errorf("%w:\ngate:  %s\nfresh: %s", errUnequal, of, fresh)
		}
		return nil
	}); err != nil {
		t.Errorf("comparison %d: %v", s.figures.compared, err)
	}
}

// judgement returns the gate's last one: its verdict, the checks that failed, and those that are unknown.
func (s *soak) judgement() (string, error) {
	decisions, err := s.process.Decisions()
	if err != nil {
		return "", err
	}
	if len(decisions) == 0 {
		return "", errors.New("the gate has not decided yet")
	}
	last := decisions[len(decisions)-1]
	return judgement(last.Text("verdict"), names(last.Fields["failedChecks"]), names(last.Fields["unknownChecks"])), nil
}

// freshJudgement runs upgrade-gate check as the gate, and returns its.
func (s *soak) freshJudgement(ctx context.Context) (string, error) {
	binary, err := s.Binary(ctx)
	if err != nil {
		return "", err
	}
	identity, err := s.Identity(ctx)
	if err != nil {
		return "", err
	}
	kubeletCA, err := s.KubeletCA(ctx)
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, binary, "check", "--version="+target, "--output=json", "--kubeconfig="+identity.Kubeconfig, "--kubelet-ca="+kubeletCA)
	command.Env = s.Environment(identity.Kubeconfig)
	var output, complaint bytes.Buffer
	command.Stdout, command.Stderr = &output, &complaint
	runErr := command.Run() // a cluster that is not ready gives a code other than zero
	var r report.Report
	if err := json.Unmarshal(output.Bytes(), &r); err != nil {
		return "", fmt.Errorf("upgrade-gate check: %w: %w\n%s", runErr, err, complaint.String())
	}
	var failed, unknown []string
	for _, check := range r.Checks {
		if check.Outcome == checks.Failed {
			failed = append(failed, check.Name)
		}
		if check.Outcome == checks.Unknown || len(check.Unknown) > 0 {
			unknown = append(unknown, check.Name)
		}
	}
	return judgement(string(r.Verdict), failed, unknown), nil
}

func judgement(verdict string, failed, unknown []string) string {
	slices.Sort(failed)
	slices.Sort(unknown)
	return fmt.Sprintf("%s, failed %v, unknown %v", verdict, failed, unknown)
}

func names(field any) []string {
	var names []string
	list, _ := field.([]any)
	for _, name := range list {
		names = append(names, fmt.Sprint(name))
	}
	return names
}

// judge looks at what was measured. The gate's first quarter is left out, in which it fills its buffers.
func (s *soak) judge(t *testing.T, long time.Duration) {
	t.Helper()
	heapBefore, heapAfter := lows(s.figures.heap)
	goroutinesBefore, goroutinesAfter := lows(s.figures.goroutines)
	t.Logf("FIGURES soak of %s at M: %d writes (%d failed), %d admissions, slowest %s, %d comparisons; heap %.1f MB, then %.1f MB; goroutines %.0f, then %.0f",
		long, s.churn.writes.Load(), s.churn.failed.Load(), s.figures.admissions, s.figures.slowest.Round(time.Millisecond), s.figures.compared,
		heapBefore/1e6, heapAfter/1e6, goroutinesBefore, goroutinesAfter)
	if heapAfter > 1.15*heapBefore {
		t.Errorf("the heap has grown from %.1f to %.1f MB", heapBefore/1e6, heapAfter/1e6)
	}
	if goroutinesAfter > goroutinesBefore+10 {
		t.Errorf("goroutines have grown from %.0f to %.0f", goroutinesBefore, goroutinesAfter)
	}
	if failed := s.churn.failed.Load(); failed*100 > s.churn.writes.Load() {
		t.Errorf("%d of %d writes failed, so little was proved; the first: %v", failed, s.churn.writes.Load(), s.churn.failure())
	}
}

// lows returns the least of the second and of the last quarter: what remains when garbage is collected.
func lows(series []float64) (before, after float64) {
	quarter := len(series) / 4
	return slices.Min(series[quarter : 2*quarter]), slices.Min(series[3*quarter:])
}
