package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

func TestWhatIsNoAdmissionCallGetsTheRightStatusAndALogLine(t *testing.T) {
	good := body(t, request(nil))
	for name, c := range map[string]struct {
		method, contentType, body string
		want                      int
	}{
		"a GET":                           {method: http.MethodGet, contentType: "application/json", want: http.StatusMethodNotAllowed},
		"a PUT":                           {method: http.MethodPut, contentType: "application/json", body: good, want: http.StatusMethodNotAllowed},
		"no content type":                 {method: http.MethodPost, body: good, want: http.StatusUnsupportedMediaType},
		"a form":                          {method: http.MethodPost, contentType: "application/x-www-form-urlencoded", body: good, want: http.StatusUnsupportedMediaType},
		"protobuf":                        {method: http.MethodPost, contentType: "application/vnd.kubernetes.protobuf", body: good, want: http.StatusUnsupportedMediaType},
		"an empty body":                   {method: http.MethodPost, contentType: "application/json", want: http.StatusBadRequest},
		"no JSON":                         {method: http.MethodPost, contentType: "application/json", body: "{", want: http.StatusBadRequest},
		"another object":                  {method: http.MethodPost, contentType: "application/json", body: `{"apiVersion":"v1","kind":"Pod"}`, want: http.StatusBadRequest},
		"an AdmissionReview without type": {method: http.MethodPost, contentType: "application/json", body: `{"request":null}`, want: http.StatusBadRequest},
		"a review without a request":      {method: http.MethodPost, contentType: "application/json", body: `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, want: http.StatusBadRequest},
		"a request without uid":           {method: http.MethodPost, contentType: "application/json", body: strings.Replace(good, string(request(nil).UID), "", 1), want: http.StatusBadRequest},
		"7 MiB":                           {method: http.MethodPost, contentType: "application/json", body: strings.Repeat(" ", 7<<20), want: http.StatusRequestEntityTooLarge},
		"an older review":                 {method: http.MethodPost, contentType: "application/json", body: strings.Replace(good, "admission.k8s.io/v1", "admission.k8s.io/v1beta1", 1), want: http.StatusOK},
		"a content type with a charset":   {method: http.MethodPost, contentType: "application/json; charset=utf-8", body: good, want: http.StatusOK},
		"just below 7 MiB":                {method: http.MethodPost, contentType: "application/json", body: good + strings.Repeat(" ", 7<<20-1-len(good)), want: http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, folder(t, "ready"), folder(t, "ready"), nil)
			call, err := http.NewRequestWithContext(t.Context(), c.method, h.url+ValidatingPath, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			call.Header.Set("Content-Type", c.contentType)
			answer, err := h.client.Do(call)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != c.want {
				t.Errorf("the answer is %s %.300s (%v), want %d", answer.Status, text, err, c.want)
			}
			if decided := c.want == http.StatusOK; decided != (len(h.events) == 1) {
				t.Errorf("%d events", len(h.events))
			}
			if h.logs.Len() != 1 {
				t.Errorf("%d log lines, want one: %+v", h.logs.Len(), h.logs.All())
			}
			if allow := answer.Header.Get("Allow"); c.want == http.StatusMethodNotAllowed && allow != http.MethodPost {
				t.Errorf("the header Allow is %q, want POST", allow)
			}
		})
	}
}

func TestABudgetLeavesTimeForTheWayBack(t *testing.T) {
	for timeout, want := range map[string]time.Duration{
		"": 9500 * time.Millisecond, "30s": 29500 * time.Millisecond, "5s": 4500 * time.Millisecond, "1s": 900 * time.Millisecond,
		"2m": 29500 * time.Millisecond, "-1s": 9500 * time.Millisecond, "0s": 9500 * time.Millisecond, "soon": 9500 * time.Millisecond,
	} {
		if got := budgetOf(timeout); got != want {
			t.Errorf("of ?timeout=%s a call gets %s, want %s", timeout, got, want)
		}
	}
}

// doorTo returns a door to a handler that understands every call and does what handle does.
func doorTo(h *Handler, handle func(context.Context)) http.Handler {
	clock := h.options.Clock
	if clock == nil {
		clock = func() error { return nil }
	}
	return newDoor(admission.HandlerFunc(func(ctx context.Context, _ admission.Request) admission.Response {
		callOf(ctx, time.Now).understood = true
		handle(ctx)
		return admission.Allowed("")
	}), time.Now, &h.leave, clock, zap.NewNop())
}

func TestACallEndsWithItsCallerButNotWithTheListener(t *testing.T) {
	for name, leaving := range map[string]bool{"the caller hangs up": false, "the server closes": true} {
		t.Run(name, func(t *testing.T) {
			var h Handler
			if leaving {
				h.Leave()
			}
			served, hangUp := context.WithCancel(t.Context())
			var seen error
			door := doorTo(&h, func(ctx context.Context) {
				hangUp()
				if !leaving {
					<-ctx.Done()
				}
				seen = ctx.Err()
			})
			call := httptest.NewRequestWithContext(served, http.MethodPost, ValidatingPath, strings.NewReader(body(t, request(nil))))
			call.Header.Set("Content-Type", "application/json")
			door.ServeHTTP(httptest.NewRecorder(), call)
			if (seen == nil) != leaving {
				t.Errorf("the call's context ended with %v; it ends with its caller, not with the listener", seen)
			}
		})
	}
}

func TestAReplicaThatLeavesOrWhoseClockIsWrongEndsKeptAliveConnections(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			var wrong atomic.Bool
			h := NewHandler(HandlerOptions{Clock: func() error {
				if wrong.Load() {
					return errors.New("the clock is 365d ahead")
				}
				return nil
			}})
			server := httptest.NewUnstartedServer(doorTo(h, func(context.Context) {}))
			server.EnableHTTP2 = http2
			server.StartTLS()
			defer server.Close()
			reused := func() bool {
				var got bool
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { got = info.Reused }})
				call, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(body(t, request(nil))))
				if err != nil {
					t.Fatal(err)
				}
				call.Header.Set("Content-Type", "application/json")
				answer, err := server.Client().Do(call)
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK || answer.ProtoMajor == 2 != http2 {
					t.Fatalf("the answer is %s over %s: %v", answer.Status, answer.Proto, err)
				}
				return got
			}
			if reused() || !reused() {
				t.Fatal("a connection is not kept alive while the replica serves")
			}
			wrong.Store(true)
			reused()
			poll(t, "a new connection after an answer by a wrong clock", func() bool { return !reused() })
			wrong.Store(false)
			reused()
			poll(t, "a connection that is kept alive once the clock is right", reused)
			h.Leave()
			reused()
			poll(t, "a new connection after an answer of a replica that leaves", func() bool { return !reused() })
		})
	}
}
