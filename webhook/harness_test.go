package webhook

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	logobserver "go.uber.org/zap/zaptest/observer"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// harness is a Handler over clusters in folders, and everything that it leaves behind.
type harness struct {
	*Handler
	url    string
	client *http.Client
	events []*eventsv1.Event
	logs   *logobserver.ObservedLogs
}

// newHarness serves a Handler over TLS. change may replace its options.
func newHarness(t testing.TB, cached, live cluster.Source, change func(*HandlerOptions)) *harness {
	t.Helper()
	core, logs := logobserver.New(zap.DebugLevel)
	h := &harness{logs: logs}
	metrics, rules := NewMetrics(), policy.Default()
	options := HandlerOptions{
		Gate:   &gate.Gate{Checks: pausedVMsOnly(t), Memory: gate.NewMemory(), Now: time.Now, Observe: metrics.CheckDurations},
		Cached: cached, Live: live, Policy: func() *policy.Policy { return rules },
		Events:  func(event *eventsv1.Event) { h.events = append(h.events, event) },
		Metrics: metrics, Instance: "upgrade-gate-abc", Now: time.Now, Clock: func() error { return nil }, Logger: zap.New(core),
	}
	if change != nil {
		change(&options)
	}
	h.Handler = NewHandler(options)
	mux := http.NewServeMux()
	mux.Handle(ValidatingPath, h.Validating())
	mux.Handle(MutatingPath, h.Mutating())
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	h.url, h.client = server.URL, server.Client()
	return h
}

// pausedVMsOnly is a chain that says the same whatever checks there will be.
func pausedVMsOnly(t testing.TB) []checks.Check {
	t.Helper()
	check, found := checks.Find("paused-vms")
	if !found {
		t.Fatal("there is no check paused-vms")
	}
	return []checks.Check{check}
}

// folder reads testdata/NAME as a whole cluster.
func folder(t testing.TB, name string) *cluster.Folder {
	t.Helper()
	f, err := cluster.ReadFolder("testdata/"+name, cluster.FolderOptions{AssumeComplete: true, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// hanging is a source that answers only when the deadline is over.
type hanging struct{}

func (hanging) Name() string { return "a cluster that hangs" }

func (hanging) List(ctx context.Context, _ cluster.Resource) ([]client.Object, cluster.Evidence) {
	<-ctx.Done()
	return nil, cluster.Evidence{State: cluster.Unread, Because: "no answer before the deadline"}
}

func (hanging) Probe(context.Context, cluster.Targets) cluster.Probed { return cluster.Probed{} }

// panicking is a source that fails where nothing in the chain catches it.
type panicking struct{ hanging }

func (panicking) Name() string { panic("the source is broken") }

// panickingList is a source that fails while a kind is read.
type panickingList struct{ hanging }

func (panickingList) List(context.Context, cluster.Resource) ([]client.Object, cluster.Evidence) {
	panic("the list is broken")
}

const upgradeToV142 = `{"apiVersion":"harvesterhci.io/v1beta1","kind":"Upgrade","metadata":{"name":"hvst-upgrade-x1","namespace":"harvester-system","uid":"u-1"},"spec":{"version":"v1.4.2"}}`

// request returns the CREATE of an Upgrade; change may make something else of it.
func request(change func(*admissionv1.AdmissionRequest)) *admissionv1.AdmissionRequest {
	r := &admissionv1.AdmissionRequest{
		UID: "11111111-2222-3333-4444-555555555555", Operation: admissionv1.Create, Name: "hvst-upgrade-x1", Namespace: "harvester-system",
		Kind:     metav1.GroupVersionKind{Group: "harvesterhci.io", Version: "v1beta1", Kind: "Upgrade"},
		Resource: metav1.GroupVersionResource{Group: "harvesterhci.io", Version: "v1beta1", Resource: "upgrades"},
		UserInfo: authenticationv1.UserInfo{Username: "user-k7x2p"},
		Object:   runtime.RawExtension{Raw: []byte(upgradeToV142)},
	}
	if change != nil {
		change(r)
	}
	return r
}

func body(t testing.TB, r *admissionv1.AdmissionRequest) string {
	t.Helper()
	review := admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: r,
	}
	raw, err := json.Marshal(review)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// ask sends a request as the API server does and returns the answer.
func (h *harness) ask(t testing.TB, path string, r *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	t.Helper()
	answer, err := h.client.Post(h.url+path, "application/json", strings.NewReader(body(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the call was answered %s, want 200", answer.Status)
	}
	return decode(t, answer.Body, r.UID)
}

func decode(t testing.TB, from io.Reader, uid types.UID) *admissionv1.AdmissionResponse {
	t.Helper()
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(from).Decode(&review); err != nil {
		t.Fatal(err)
	}
	if review.Response == nil || review.Response.UID != uid || review.Kind != "AdmissionReview" || review.APIVersion != "admission.k8s.io/v1" {
		t.Fatalf("this is no answer to the request: %+v", review)
	}
	return review.Response
}

// logged returns the fields of the only line with that message.
func (h *harness) logged(t testing.TB, message string) map[string]any {
	t.Helper()
	lines := h.logs.FilterMessage(message).All()
	if len(lines) != 1 {
		t.Fatalf("%d log lines %q, want one; all: %+v", len(lines), message, h.logs.All())
	}
	return lines[0].ContextMap()
}

// poll waits until something has come true, for ten seconds at most.
func poll(t testing.TB, what string, came func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(10 * time.Second)
	for !came() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
