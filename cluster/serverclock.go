package cluster

import (
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

// maxClockSkew is how far our clock and the API server's may differ: far more than the second to which an HTTP date is rounded and
// the time that an answer is under way, far less than the ages and the validity of certificates that checks judge by.
const maxClockSkew = time.Minute

// ServerClock compares our clock with the API server's, which dates every answer. Ages, and whether a certificate is valid, are
// judged by our clock: where it is wrong, they are. It is safe for use by several goroutines.
type ServerClock struct {
	host string
	now  func() time.Time
	// elapsed is a clock that nobody sets.
	elapsed func() time.Duration
	heard   atomic.Pointer[dated]
}

// dated is the date of an answer, and when it arrived.
type dated struct {
	server  time.Time
	elapsed time.Duration
}

// NewServerClock returns a clock of the API server at that URL, which Watch makes listen. now is the clock that is compared.
func NewServerClock(apiServer string, now func() time.Time) (*ServerClock, error) {
	address, err := url.Parse(apiServer)
	if err != nil {
		return nil, fmt.Errorf("the API server's URL: %w", err)
	}
	host := address.Host
	if host == "" { // HOST:PORT, which client-go takes as well
		host = apiServer
	}
	started := time.Now()
	return &ServerClock{host: host, now: now, elapsed: func() time.Duration { return time.Since(started) }}, nil
}

// Watch returns a transport that notes the dates of the API server's answers. It is the hook for rest.Config.Wrap. Answers of
// others, such as kubelets, say nothing of the API server.
func (c *ServerClock) Watch(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		if err == nil && request.URL.Host == c.host {
			c.note(response.Header.Get("Date"))
		}
		return response, err
	})
}

func (c *ServerClock) note(date string) {
	if at, err := http.ParseTime(date); err == nil {
		c.heard.Store(&dated{server: at, elapsed: c.elapsed()})
	}
}

// Disagreement returns nil while the clocks agree to a minute, or before the API server has answered for the first time. It
// knows of a clock that is set without asking the API server again.
func (c *ServerClock) Disagreement() error {
	last := c.heard.Load()
	if last == nil {
		return nil
	}
	server := last.server.Add(c.elapsed() - last.elapsed)
	skew := c.now().Round(0).Sub(server) // Round: by what the clock shows, not by what has elapsed
	switch {
	case skew.Abs() <= maxClockSkew:
		return nil
	case skew < 0:
		return fmt.Errorf("the clock of this replica's node is %s behind the API server's; one of the two is to be set right", duration.HumanDuration(-skew))
	}
	return fmt.Errorf("the clock of this replica's node is %s ahead of the API server's; one of the two is to be set right", duration.HumanDuration(skew))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
