package certs

import (
	"fmt"
	"net/http"
)

// readOnlyWhile returns a transport wrapper that refuses to write while wrong says
// why. The certificate authority is renewed by a library that goes by the clock
// alone: with a clock that is a year ahead it would replace the authority by one
// that is valid in a year, and never replace that again.
func readOnlyWhile(wrong func() error) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			if request.Method == http.MethodGet {
				return next.RoundTrip(request)
			}
			if err := wrong(); err != nil {
				if request.Body != nil {
					_ = request.Body.Close() // as a RoundTripper must
				}
				return nil, fmt.Errorf("nothing is written for now: %w", err)
			}
			return next.RoundTrip(request)
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
