package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/certs"
)

// borrowed is a certificate of a test server, trusted from the start.
type borrowed struct{ certificate tls.Certificate }

func (b borrowed) Start(ctx context.Context) error { <-ctx.Done(); return nil }

func (b borrowed) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return &b.certificate, nil
}

func (b borrowed) Ready(context.Context) error { return nil }

// running is a Server over an empty cluster.
type running struct {
	*Server
	api    *emptyCluster
	client *http.Client
	// drained ends the drain delay.
	drained chan time.Time
	stop    func()
	result  chan error
}

func run(t *testing.T, change func(*Server)) *running {
	t.Helper()
	api := newEmptyCluster(t)
	lender := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(lender.Close)
	server, err := New(options(t, api.URL))
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Server: server, api: api, client: lender.Client(), drained: make(chan time.Time), result: make(chan error, 1)}
	server.certificates = borrowed{lender.TLS.Certificates[0]}
	server.handler.options.Gate.Checks = pausedVMsOnly(t)
	server.after = func(d time.Duration) <-chan time.Time {
		if d == server.options.DrainDelay {
			return r.drained
		}
		return time.After(d)
	}
	if change != nil {
		change(server)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r.stop = cancel
	go func() { r.result <- server.Run(ctx) }()
	return r
}

func options(t *testing.T, apiServer string) Options {
	t.Helper()
	return Options{
		Config: &rest.Config{Host: apiServer}, Version: "v0.0.1", Instance: "upgrade-gate-abc", Logger: zap.NewNop(), DrainDelay: time.Hour,
		Listen: freeAddress(t), HealthListen: freeAddress(t),
		Certs: certs.Options{
			Mode: certs.SelfManaged, Namespace: "upgrade-gate", SecretName: "upgrade-gate-ca", ServiceName: "upgrade-gate", ValidatingConfig: "upgrade-gate",
		},
	}
}

// freeAddress returns an address that nobody listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// health returns the status and the text of a page of the health server; zero where it does not answer.
func (r *running) health(page string) (int, string) {
	answer, err := http.Get("http://" + r.options.HealthListen + page)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, ""
	}
	return answer.StatusCode, string(text)
}

func (r *running) awaitReadiness(t *testing.T, want int) {
	t.Helper()
	poll(t, "another readiness", func() bool { status, _ := r.health("/readyz"); return status == want })
}

// call asks for an admission and sends the answer, or nil after an error, to the channel that it returns.
func (r *running) call(t *testing.T, path string) <-chan *admissionv1.AdmissionResponse {
	t.Helper()
	answers := make(chan *admissionv1.AdmissionResponse, 1)
	go func() {
		answer, err := r.client.Post("https://"+r.options.Listen+path, "application/json", strings.NewReader(body(t, request(nil))))
		if err != nil {
			t.Error(err)
			answers <- nil
			return
		}
		defer answer.Body.Close()
		if wanted := r.client.Transport.(*http.Transport).ForceAttemptHTTP2; wanted != (answer.ProtoMajor == 2) {
			t.Errorf("the answer came over %s", answer.Proto)
		}
		answers <- decode(t, answer.Body, request(nil).UID)
	}()
	return answers
}

func TestAServerThatIsToldToStopLosesNoCall(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) { stopLosesNoCall(t, http2) })
	}
}

func stopLosesNoCall(t *testing.T, http2 bool) {
	r := run(t, nil)
	r.client.Transport.(*http.Transport).ForceAttemptHTTP2 = http2
	r.awaitReadiness(t, http.StatusOK)

	inFlight := r.call(t, ValidatingPath)
	<-r.api.held
	r.stop()
	r.awaitReadiness(t, http.StatusServiceUnavailable)
	if _, text := r.health("/readyz"); !strings.Contains(text, "[-] not shutting down: this replica was told to stop") {
		t.Errorf("readiness says %q, want the reason", text)
	}
	if answer := <-r.call(t, MutatingPath); answer == nil || !answer.Allowed {
		t.Fatalf("while draining the answer is %+v, want one as before", answer)
	}

	r.drained <- time.Time{}
	poll(t, "a closed listener", func() bool {
		connection, err := net.Dial("tcp", r.options.Listen)
		if err == nil {
			connection.Close()
		}
		return err != nil
	})
	close(r.api.hold)
	if answer := <-inFlight; answer == nil || !answer.Allowed {
		t.Fatalf("the call in flight was answered %+v, want an admission", answer)
	}
	if err := <-r.result; err != nil {
		t.Fatal(err)
	}
	written, agents := r.api.seen()
	if diff := cmp.Diff([]string{"harvester-system UpgradeAdmitted"}, written); diff != "" {
		t.Errorf("events: %s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"upgrade-gate/v0.0.1": true}, agents); diff != "" {
		t.Errorf("user agents: %s", diff)
	}
}

func TestTheServerSpeaksHTTP2AndNoOldTLS(t *testing.T) {
	r := run(t, nil)
	r.awaitReadiness(t, http.StatusOK)
	trusted := r.client.Transport.(*http.Transport).TLSClientConfig
	for version, welcome := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		config := &tls.Config{RootCAs: trusted.RootCAs, MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}}
		connection, err := tls.Dial("tcp", r.options.Listen, config)
		if (err == nil) != welcome {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err != nil {
			continue
		}
		if got := connection.ConnectionState().NegotiatedProtocol; got != "h2" {
			t.Errorf("%s: the protocol is %q, want h2", tls.VersionName(version), got)
		}
		connection.Close()
	}
}

func TestACallThatDoesNotEndIsNotWaitedForForever(t *testing.T) {
	r := run(t, func(s *Server) { s.options.ShutdownTimeout = 50 * time.Millisecond })
	defer close(r.api.hold)
	r.awaitReadiness(t, http.StatusOK)
	r.call(t, ValidatingPath)
	<-r.api.held
	r.stop()
	r.drained <- time.Time{}
	if err := <-r.result; err == nil || !strings.Contains(err.Error(), "still in flight") {
		t.Errorf("the server ended with %v, want an error that tells of the call", err)
	}
}

func TestAPortThatIsTakenEndsTheServerAtOnce(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r := run(t, func(s *Server) { s.options.Listen = taken.Addr().String() })
	if err := <-r.result; err == nil || !strings.Contains(err.Error(), "the webhook server failed") {
		t.Errorf("the server ended with %v, want an error that names the part", err)
	}
}

func TestTheObserverShowsTheClusterWithoutBeingAsked(t *testing.T) {
	r := run(t, func(s *Server) { s.observer.gate.Checks = pausedVMsOnly(t) })
	poll(t, "an outcome of the check", func() bool {
		_, text := r.health("/metrics")
		return strings.Contains(text, `upgrade_gate_check_outcome{check="paused-vms",outcome="Passed"} 1`) &&
			strings.Contains(text, `upgrade_gate_verdict{verdict="Ready"} 1`) &&
			strings.Contains(text, "\nupgrade_gate_serving_certificate_expiry_timestamp_seconds 3.") &&
			strings.Contains(text, `upgrade_gate_cache_age_seconds{kind="nodes"} 0`)
	})
	if status, text := r.health("/healthz"); status != http.StatusOK || text != "ok\n" {
		t.Errorf("the process is alive and says %d %q", status, text)
	}
	if status, text := r.health("/readyz?verbose"); status != http.StatusOK || strings.Count(text, "[+] ") != 4 {
		t.Errorf("readiness says %d %q, want every condition", status, text)
	}
	r.stop()
	r.drained <- time.Time{}
	if err := <-r.result; err != nil {
		t.Error(err)
	}
}

func TestReadinessSaysWhatIsMissing(t *testing.T) {
	handler := healthHandler([]condition{
		{"the cache is filled", func(context.Context) error { return errors.New("nodes are not there yet") }},
		{"the certificate is trusted", func(context.Context) error { return nil }},
	}, NewMetrics().Gatherer())
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	want := "[-] the cache is filled: nodes are not there yet\n[+] the certificate is trusted\n"
	if diff := cmp.Diff(want, answer.Body.String()); diff != "" || answer.Code != http.StatusServiceUnavailable {
		t.Errorf("%d: %s", answer.Code, diff)
	}
}

func TestOptionsAreJudgedWhole(t *testing.T) {
	_, err := New(Options{Listen: "9443", HealthListen: ":0", DrainDelay: -1})
	if err == nil {
		t.Fatal("bad options were taken")
	}
	for _, want := range []string{"API server", "logger", `"9443" is not HOST:PORT`, `":0" has no port`, "drain delay -1ns is negative", "mode"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

func TestABadPolicyFileIsAnErrorAtTheStart(t *testing.T) {
	o := options(t, "http://127.0.0.1:1")
	o.PolicyFile = "testdata/no-such-policy.yaml"
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "no-such-policy.yaml") {
		t.Errorf("the error is %v, want one that names the file", err)
	}
}
