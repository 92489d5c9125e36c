package cluster

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestAPollWaitsItsIntervalAndRetriesSoonWhereThereIsNobodyToAsk(t *testing.T) {
	now := time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	asked, somebody := 0, false
	p := newPoll(certificateInterval, func() time.Time { return now }, func(context.Context) (int, bool) {
		asked++
		return asked, somebody
	})
	if wait := p.renew(t.Context()); wait != retryInterval || p.get() != 0 {
		t.Errorf("with nobody to ask it waits %s and answers %d", wait, p.get())
	}
	somebody = true
	if wait := p.renew(t.Context()); wait != 10*time.Minute || p.get() != 2 {
		t.Errorf("with somebody to ask it waits %s and answers %d", wait, p.get())
	}
	now = now.Add(9 * time.Minute)
	p.get()
	select {
	case <-p.stale:
		t.Error("certificates were asked for out of turn")
	default:
	}
}

func TestAPollWithAFreshnessIsRenewedOutOfTurnWhenItIsUsed(t *testing.T) {
	now := time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	p := newPoll(kubeletInterval, func() time.Time { return now }, func(context.Context) (int, bool) { return 1, true })
	p.freshness = kubeletFreshness
	p.renew(t.Context())
	p.get()
	if len(p.stale) != 0 {
		t.Error("a fresh answer is renewed")
	}
	now = now.Add(21 * time.Second)
	p.get()
	p.get()
	if len(p.stale) != 1 {
		t.Errorf("an old answer is renewed %d times, want once", len(p.stale))
	}
}

func TestAPollThatPanicsHasNoAnswer(t *testing.T) {
	ill := false
	p := newPoll(time.Minute, time.Now, func(context.Context) (int, bool) {
		if ill {
			panic("an answer that cannot be decoded")
		}
		return 1, true
	})
	p.renew(t.Context())
	ill = true
	if wait := p.renew(t.Context()); wait != time.Minute || p.get() != 0 {
		t.Errorf("it waits %s and answers %d, want a minute and nothing", wait, p.get())
	}
}

// pollerOf returns a poller of an API server.
func pollerOf(t *testing.T, apiServer http.HandlerFunc, granted bool) *Poller {
	t.Helper()
	server := httptest.NewServer(apiServer)
	t.Cleanup(server.Close)
	config := &rest.Config{Host: server.URL}
	reader, err := NewReader(config)
	if err != nil {
		t.Fatal(err)
	}
	prober, err := NewProber(config, "", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return NewPoller(NewLive(LiveOptions{Reader: reader, Prober: prober, Now: time.Now, ReadSecrets: granted}))
}

func TestTheCachedSecretsAreThoseOfTheLastPoll(t *testing.T) {
	status, version := http.StatusOK, "7"
	apiServer := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		if r.URL.Path == "/api/v1/namespaces/harvester-system/secrets" {
			_, _ = w.Write([]byte(`{"metadata":{},"items":[{"type":"kubernetes.io/tls","metadata":{"name":"a","namespace":"harvester-system","uid":"u","resourceVersion":"` + version + `"}}]}`))
			return
		}
		_, _ = w.Write([]byte(`{"metadata":{},"items":[]}`))
	}
	p := pollerOf(t, apiServer, true)
	if _, evidence := p.list(secretRow()); evidence.State != Unread || evidence.Because != "not read yet" {
		t.Errorf("before the first poll: %+v", evidence)
	}
	read := func() client.Object {
		t.Helper()
		p.lists[Secrets].renew(t.Context())
		objects, evidence := p.list(secretRow())
		if len(objects) != 1 || evidence.State != Read {
			t.Fatalf("%d objects, evidence %+v", len(objects), evidence)
		}
		return objects[0]
	}
	first := read()
	if read() != first {
		t.Error("a Secret that did not change is another object, so a Snapshot would be indexed again")
	}
	version = "8"
	if read() == first {
		t.Error("a Secret that changed is the old object")
	}
	status = http.StatusForbidden
	p.lists[Secrets].renew(t.Context())
	if objects, evidence := p.list(secretRow()); len(objects) != 0 || evidence.State != Unread {
		t.Errorf("what can no longer be read: %d objects, evidence %+v", len(objects), evidence)
	}
}

func TestTheCachedSecretsAreNotGrantedByDefault(t *testing.T) {
	p := pollerOf(t, func(http.ResponseWriter, *http.Request) { t.Error("the API server was asked") }, false)
	p.lists[Secrets].renew(t.Context())
	if _, evidence := p.list(secretRow()); evidence.State != NotGranted {
		t.Errorf("evidence is %+v, want not granted", evidence)
	}
}

func TestCertificatesArePolledWhenEveryTargetIsKnown(t *testing.T) {
	serving, connections := tlsServer(t)
	p := pollerOf(t, http.NotFound, false)
	node := nodeServing(t, "node-1", serving)
	for _, unknown := range []Targets{{}, {Nodes: []*corev1.Node{node}, Unknown: "not listed yet"}, {APIServers: []string{serving}}} {
		p.targets = func() Targets { return unknown }
		if wait := p.certificates.renew(t.Context()); wait != retryInterval || connections.Load() != 0 {
			t.Errorf("of %+v it waits %s after %d connections", unknown, wait, connections.Load())
		}
	}
	p.targets = func() Targets { return Targets{Nodes: []*corev1.Node{node}, APIServers: []string{serving}} }
	if wait := p.certificates.renew(t.Context()); wait != certificateInterval || len(p.Last().Certificates) != 2 {
		t.Errorf("it waits %s and has %+v", wait, p.Last().Certificates)
	}
	before := connections.Load()
	c := &Cached{poller: p}
	if probed := c.Probe(t.Context(), Targets{Unknown: "gone"}); probed.CertificatesUnread != "gone" || connections.Load() != before {
		t.Errorf("the cached view is %+v after %d connections, want the last poll's after %d", probed, connections.Load(), before)
	}
	live := NewLive(LiveOptions{Prober: &Prober{client: http.DefaultClient, dialer: dialer{timeout: time.Minute}, now: time.Now}, Now: time.Now})
	live.Probe(t.Context(), Targets{Nodes: []*corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "node-2"}}}, APIServers: []string{serving}})
	if connections.Load() != before+1 {
		t.Errorf("a live read made %d connections, want one", connections.Load()-before)
	}
}
