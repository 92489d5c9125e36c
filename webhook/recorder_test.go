package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	logobserver "go.uber.org/zap/zaptest/observer"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	eventsclient "k8s.io/client-go/kubernetes/typed/events/v1"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"
)

// tape is a Recorder over a fake API server whose answers a test gives, one for each attempt.
type tape struct {
	*Recorder
	metrics  *Metrics
	attempts chan string
	answers  chan error
	ended    chan struct{}
	stop     func()
	// over stands for the time that a flush may take.
	over chan time.Time
}

func newTape(t *testing.T) *tape {
	t.Helper()
	api := fake.NewClientset()
	r := &tape{
		metrics: NewMetrics(), attempts: make(chan string), answers: make(chan error),
		ended: make(chan struct{}), over: make(chan time.Time),
	}
	api.PrependReactor("create", "events", func(action clienttesting.Action) (bool, runtime.Object, error) {
		event := action.(clienttesting.CreateAction).GetObject().(*eventsv1.Event)
		r.attempts <- event.Name
		return true, event, <-r.answers
	})
	r.Recorder = NewRecorder(api.EventsV1(), r.metrics, zap.NewNop())
	r.after = func(d time.Duration) <-chan time.Time {
		if d == flushTimeout {
			return r.over
		}
		soon := make(chan time.Time, 1)
		soon <- time.Time{}
		return soon
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	t.Cleanup(cancel)
	go func() { defer close(r.ended); r.Run(ctx) }()
	return r
}

// expect waits for an attempt at an event and answers it.
func (r *tape) expect(t *testing.T, name string, answer error) {
	t.Helper()
	select {
	case got := <-r.attempts:
		if got != name {
			t.Fatalf("the event %s was written, want %s", got, name)
		}
		r.answers <- answer
	case <-r.ended:
		t.Fatalf("the recorder ended without writing %s", name)
	}
}

func (r *tape) wantDropped(t *testing.T, want float64) {
	t.Helper()
	if diff := cmp.Diff(map[string]float64{"": want}, samples(t, r.metrics.Gatherer(), "upgrade_gate_events_dropped_total")); diff != "" {
		t.Errorf("events dropped: %s", diff)
	}
}

func eventNamed(name string) *eventsv1.Event {
	return &eventsv1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "harvester-system", Name: name}}
}

func events() schema.GroupResource { return eventsv1.Resource("events") }

func TestAnEventIsTriedAgain(t *testing.T) {
	lost := errors.New("connection reset")
	later := apierrors.NewTooManyRequests("the API server has other things to do", 1)
	for name, c := range map[string]struct {
		answers []error
		dropped float64
	}{
		"written at once":          {[]error{nil}, 0},
		"written the third time":   {[]error{lost, lost, nil}, 0},
		"written, the answer lost": {[]error{lost, apierrors.NewAlreadyExists(events(), "a")}, 0},
		"given up after three":     {[]error{lost, lost, lost}, 1},
		"written when asked later": {[]error{later, later, nil}, 0},
		"asked later three times":  {[]error{later, later, later}, 1},
		"forbidden":                {[]error{apierrors.NewForbidden(events(), "a", errors.New("no"))}, 1},
		"no such namespace":        {[]error{apierrors.NewNotFound(events(), "a")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTape(t)
			r.Record(eventNamed("a"))
			for _, answer := range c.answers {
				r.expect(t, "a", answer)
			}
			// The next event's turn shows that this one's is over.
			r.Record(eventNamed("b"))
			r.expect(t, "b", nil)
			r.stop()
			<-r.ended
			r.wantDropped(t, c.dropped)
		})
	}
}

// TestAnAPIServerThatAsksForPatience has the real client meet the real answer of an API server that has too much to do.
func TestAnAPIServerThatAsksForPatience(t *testing.T) {
	const always = 1 << 30
	const busy = "received too many requests" // what the client makes of the answer
	for name, c := range map[string]struct {
		refusals int
		header   string // of Retry-After; without one the client does not try again by itself
		written  []string
		dropped  float64
	}{
		"once, without a time":  {1, "", []string{"a", "b"}, 0},
		"twice, without a time": {2, "", []string{"a", "b"}, 0},
		// The third attempt is the last.
		"three times, without a time": {writeAttempts, "", []string{"b"}, 1},
		"five times, with a time":     {5, "0", []string{"a", "b"}, 0},
		"always":                      {always, "", nil, 2},
		"always, with a time":         {always, "0", nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			api := &busyAPI{refusals: c.refusals, header: c.header}
			server := httptest.NewServer(api)
			t.Cleanup(server.Close)
			client, err := eventsclient.NewForConfig(&rest.Config{
				Host: server.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeJSON},
			})
			if err != nil {
				t.Fatal(err)
			}
			core, logs := logobserver.New(zap.InfoLevel)
			r := NewRecorder(client, NewMetrics(), zap.New(core))
			r.after = func(d time.Duration) <-chan time.Time {
				if d == flushTimeout {
					return nil // never
				}
				soon := make(chan time.Time, 1)
				soon <- time.Time{}
				return soon
			}
			r.Record(eventNamed("a"))
			r.Record(eventNamed("b"))
			ctx, stop := context.WithCancel(t.Context())
			stop()
			r.Run(ctx) // writes what waits, and ends
			if diff := cmp.Diff(c.written, api.written); diff != "" {
				t.Errorf("the events that the API server has (-want +got):\n%s", diff)
			}
			if dropped := testutil.ToFloat64(r.dropped); dropped != c.dropped {
				t.Errorf("%v events were dropped, want %v", dropped, c.dropped)
			}
			lines := logs.FilterMessage("an event was not written").All()
			if len(lines) != int(c.dropped) {
				t.Fatalf("the log has %d lines of events that were not written, want %v: %v", len(lines), c.dropped, lines)
			}
			for _, line := range lines {
				if why := fmt.Sprint(line.ContextMap()["error"]); !strings.Contains(why, busy) {
					t.Errorf("the log says %q, which is not what the API server said", why)
				}
			}
		})
	}
}

// busyAPI is an API server that has no time for a number of requests, and then for every one.
type busyAPI struct {
	refusals int
	header   string
	written  []string
}

// ServeHTTP answers as API Priority and Fairness does. Requests come one after the other.
func (b *busyAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if b.refusals > 0 {
		b.refusals--
		if b.header != "" {
			w.Header().Set("Retry-After", b.header)
		}
		http.Error(w, "too busy", http.StatusTooManyRequests)
		return
	}
	var event eventsv1.Event
	if err := json.Unmarshal(body, &event); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.written = append(b.written, event.Name)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(body) // who does not get it asks again
}

func TestAFullQueueDropsAndNeverBlocks(t *testing.T) {
	r := newTape(t)
	r.Record(eventNamed("in hand"))
	<-r.attempts
	for i := range queueSize + 3 {
		r.Record(eventNamed(fmt.Sprint(i)))
	}
	r.wantDropped(t, 3)
	r.answers <- nil
	r.stop()
	for i := range queueSize {
		r.expect(t, fmt.Sprint(i), nil)
	}
	<-r.ended
	r.wantDropped(t, 3)
}

func TestWhatWaitsAtTheEndIsWrittenForALimitedTime(t *testing.T) {
	r := newTape(t)
	for _, name := range []string{"a", "b", "c"} {
		r.Record(eventNamed(name))
	}
	r.expect(t, "a", nil)
	if got := <-r.attempts; got != "b" {
		t.Fatalf("the event %s was written, want b", got)
	}
	r.stop()
	r.over <- time.Time{}
	for ended := false; !ended; {
		select {
		case <-r.attempts:
		case r.answers <- context.Canceled:
		case <-r.ended:
			ended = true
		}
	}
	if len(r.queue) != 0 {
		t.Errorf("%d events are still in the queue", len(r.queue))
	}
	r.wantDropped(t, 2)
}

func TestAStormOfRefusalsLeavesAHundredEventsAndEveryAdmission(t *testing.T) {
	core, logs := logobserver.New(zap.InfoLevel)
	r := NewRecorder(fake.NewClientset().EventsV1(), NewMetrics(), zap.New(core))
	r.limit.SetLimit(0) // no second passes
	for n := range eventsAtOnce + 50 {
		event := &eventsv1.Event{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint(n)}, Type: corev1.EventTypeWarning}
		r.Record(event)
	}
	if len(r.queue) != eventsAtOnce {
		t.Errorf("%d events wait to be written, want %d", len(r.queue), eventsAtOnce)
	}
	if dropped := testutil.ToFloat64(r.dropped); dropped != 50 || logs.Len() != 0 {
		t.Errorf("%v events were dropped, with %d lines in the log; want 50 and none", dropped, logs.Len())
	}
	r.Record(&eventsv1.Event{Type: corev1.EventTypeNormal})
	if len(r.queue) != eventsAtOnce+1 {
		t.Error("the event of an admission was dropped")
	}
}
