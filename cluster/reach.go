package cluster

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// reach knows which of the watch cache's requests never reached the API server. client-go tells of a watch that was refused,
// but tries for ever, without a word, where the connection is: the cache would hold on to what it knew, and call it present.
type reach struct {
	now func() time.Time

	mu     sync.Mutex
	failed map[string]watchFailure // by path
}

func newReach(now func() time.Time) *reach {
	return &reach{now: now, failed: map[string]watchFailure{}}
}

// watch returns a transport that notes what becomes of requests. It is the hook for rest.Config.Wrap.
func (r *reach) watch(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		if !errors.Is(err, context.Canceled) {
			r.note(request.URL.Path, err)
		}
		return response, err
	})
}

func (r *reach) note(path string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		delete(r.failed, path)
		return
	}
	failure, again := r.failed[path]
	if !again {
		failure.since = r.now()
	}
	failure.err = unreachable{err}
	r.failed[path] = failure
}

// failure returns why the last request for a path had no answer; false if it had one.
func (r *reach) failure(path string) (watchFailure, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	failure, failed := r.failed[path]
	return failure, failed
}

// unreachable is an error on the way to the API server.
type unreachable struct{ error }

func (u unreachable) Unwrap() error { return u.error }
