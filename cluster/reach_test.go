package cluster

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestARequestThatDoesNotReachTheAPIServerMakesItsKindUnread(t *testing.T) {
	clock := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	began := clock
	r := newReach(func() time.Time { return clock })
	server := httptest.NewServer(http.NotFoundHandler()) // an answer is an answer
	address := server.URL
	client := &http.Client{Transport: r.watch(&http.Transport{DisableKeepAlives: true})}
	ask := func(ctx context.Context, url string) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}
	nodes, _ := Lookup(Nodes)
	ask(t.Context(), address+nodes.Path())
	if failure, failed := r.failure(nodes.Path()); failed {
		t.Errorf("an answer counts as none: %v", failure.err)
	}

	server.Close()
	for range 2 {
		ask(t.Context(), address+nodes.Path())
		clock = clock.Add(time.Minute)
	}
	failure, failed := r.failure(nodes.Path())
	if !failed || !failure.since.Equal(began) {
		t.Fatalf("the failure is %v, %+v; want one since %s", failed, failure, began)
	}
	if evidence := explainList(nodes, failure.err); evidence.State != Unread || !strings.HasPrefix(evidence.Because, "the API server cannot be reached: dial tcp ") {
		t.Errorf("the evidence is %+v, want that the API server cannot be reached", evidence)
	}
	if _, failed := r.failure("/api/v1/pods"); failed {
		t.Error("what was not asked for has failed")
	}

	again := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(again.Close)
	ask(t.Context(), again.URL+nodes.Path())
	if _, failed := r.failure(nodes.Path()); failed {
		t.Error("the failure is remembered after an answer")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	ask(ended, address+nodes.Path())
	if _, failed := r.failure(nodes.Path()); failed {
		t.Error("what we ended ourselves counts as a failure")
	}
}
