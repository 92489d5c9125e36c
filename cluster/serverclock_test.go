package cluster

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// watched is a ServerClock whose time stands still, and an API server that it has heard.
type watched struct {
	*ServerClock
	wall    time.Time
	since   time.Duration
	date    time.Time
	ask     func(url string)
	address string
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{wall: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	w.date = w.wall
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Date", w.date.Format(http.TimeFormat))
	}))
	t.Cleanup(server.Close)
	w.address = server.URL
	var err error
	w.ServerClock, err = NewServerClock(server.URL, func() time.Time { return w.wall })
	if err != nil {
		t.Fatal(err)
	}
	w.elapsed = func() time.Duration { return w.since }
	client := &http.Client{Transport: w.Watch(http.DefaultTransport)}
	w.ask = func(url string) {
		t.Helper()
		response, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	return w
}

func (w *watched) want(t *testing.T, want string) {
	t.Helper()
	got := ""
	if err := w.Disagreement(); err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("the disagreement is %q, want %q", got, want)
	}
}

func TestAClockThatIsSetIsNoticedBeforeTheAPIServerAnswersAgain(t *testing.T) {
	w := watch(t)
	w.wall = w.wall.AddDate(1, 0, 0)
	w.want(t, "") // nobody to compare with
	w.wall = w.wall.AddDate(-1, 0, 0)
	w.ask(w.address)
	w.want(t, "")

	w.wall, w.since = w.wall.Add(time.Hour), time.Hour
	w.want(t, "") // an hour has passed for both
	w.wall = w.wall.AddDate(1, 0, 0)
	w.want(t, "the clock of this replica's node is 365d ahead of the API server's; one of the two is to be set right")
	w.wall = w.wall.AddDate(-2, 0, 0)
	w.want(t, "the clock of this replica's node is 365d behind the API server's; one of the two is to be set right")
	w.wall = w.wall.AddDate(1, 0, 0)
	w.want(t, "")
}

func TestClocksMayDifferByAMinute(t *testing.T) {
	w := watch(t)
	w.ask(w.address)
	w.wall = w.wall.Add(maxClockSkew)
	w.want(t, "")
	w.wall = w.wall.Add(time.Second)
	w.want(t, "the clock of this replica's node is 61s ahead of the API server's; one of the two is to be set right")
	w.date = w.wall
	w.ask(w.address)
	w.want(t, "")
}

func TestOnlyTheAPIServersDatesCount(t *testing.T) {
	w := watch(t)
	w.ask(w.address)
	kubelet := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Date", w.date.AddDate(1, 0, 0).Format(http.TimeFormat))
	}))
	t.Cleanup(kubelet.Close)
	w.ask(kubelet.URL)
	w.want(t, "")
	w.heard.Store(nil)
	w.note("yesterday")
	if w.heard.Load() != nil {
		t.Error("something that is no date was noted")
	}
}
