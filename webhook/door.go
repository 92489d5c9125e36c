package webhook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const (
	// maxBody is what an AdmissionReview may weigh: two objects of 3 MiB, which is the API server's own limit, and the rest.
	maxBody = 7 << 20
	// bodyTimeout is how long a caller may take to send it.
	bodyTimeout = 10 * time.Second
	// defaultTimeout is the API server's when a webhook configuration names none.
	defaultTimeout = 10 * time.Second
	// maxTimeout is the largest that a webhook configuration can name.
	maxTimeout = 30 * time.Second
	// maxMargin is what is kept back of the API server's timeout for the answer's way back.
	maxMargin = 500 * time.Millisecond
)

// door stands between HTTP and a Handler. It turns away what is no admission call with the right HTTP status, gives each call
// its deadline, and moves callers to another replica while this one shuts down.
type door struct {
	hook  http.Handler
	now   func() time.Time
	leave *atomic.Bool
	// clock says why this replica can judge nothing, so that callers had better ask another; nil while it can.
	clock  func() error
	logger *zap.Logger
}

// call is what the door tells the handler about one HTTP call, and hears back.
type call struct {
	arrived time.Time
	// understood is set once the body has turned out to be an admission request.
	understood bool
}

type callKey struct{}

// callOf returns the call that ctx belongs to; a fresh one for a handler that is called without a door.
func callOf(ctx context.Context, now func() time.Time) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{arrived: now()}
}

// newDoor returns the HTTP side of a handler.
func newDoor(handler admission.Handler, now func() time.Time, leave *atomic.Bool, clock func() error, logger *zap.Logger) *door {
	hook := &admission.Webhook{
		Handler:        handler,
		LogConstructor: func(logr.Logger, *admission.Request) logr.Logger { return zapr.NewLogger(logger) },
	}
	return &door{hook: hook, now: now, leave: leave, clock: clock, logger: logger}
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{arrived: d.now()}
	ctx, cancel := d.deadline(r)
	defer cancel()
	if d.leave.Load() || d.clock() != nil {
		// Ends a kept-alive connection after this answer, in HTTP/2 as well; the API server's next call opens one elsewhere.
		w.Header().Set("Connection", "close")
	}
	body, status, err := readBody(w, r)
	if err != nil {
		d.logger.Warn("turned away a call that is no admission request", zap.Int("status", status), zap.Error(err),
			zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.String("remote", r.RemoteAddr))
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		http.Error(w, err.Error(), status)
		return
	}
	inner := r.WithContext(context.WithValue(ctx, callKey{}, c))
	inner.Body = io.NopCloser(bytes.NewReader(body))
	inner.Header.Set("Content-Type", "application/json")
	w.Header().Set("Content-Type", "application/json")
	d.hook.ServeHTTP(&answerWriter{ResponseWriter: w, call: c}, inner)
}

// readBody returns the body of an admission call, or the HTTP status that says what is wrong with it.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, int, error) {
	if r.Method != http.MethodPost {
		return nil, http.StatusMethodNotAllowed, errors.New("an admission call is a POST")
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, http.StatusUnsupportedMediaType, errors.New("the content type of an admission call is application/json")
	}
	// Not every ResponseWriter can do this; those of real servers can.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody-1))
	_ = control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, http.StatusRequestEntityTooLarge, errors.New("an admission call is smaller than 7 MiB")
	case err != nil:
		return nil, http.StatusBadRequest, errors.New("the body could not be read")
	case len(body) == 0:
		return nil, http.StatusBadRequest, errors.New("the body is empty")
	}
	return body, http.StatusOK, nil
}

// deadline gives a call the time that the API server grants. The server's own context ends as soon as a shutdown closes the
// listener, and calls in flight must then still be answered: a call gives up early only when its caller has.
func (d *door) deadline(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), budgetOf(r.URL.Query().Get("timeout")))
	stop := context.AfterFunc(r.Context(), func() {
		if !d.leave.Load() {
			cancel()
		}
	})
	return ctx, func() { stop(); cancel() }
}

// budgetOf returns how long a call may take of the API server's timeout, "10s": nine tenths, or all but half a second.
func budgetOf(timeout string) time.Duration {
	granted, err := time.ParseDuration(timeout)
	if err != nil || granted <= 0 {
		granted = defaultTimeout
	}
	granted = min(granted, maxTimeout)
	return granted - min(granted/10, maxMargin)
}

// answerWriter gives an answer to something that was no admission request the HTTP status 400; the admission library
// writes 200 and says so in the body only.
type answerWriter struct {
	http.ResponseWriter
	call    *call
	started bool
}

func (w *answerWriter) Write(body []byte) (int, error) {
	if !w.started && !w.call.understood {
		w.WriteHeader(http.StatusBadRequest)
	}
	w.started = true
	return w.ResponseWriter.Write(body)
}
