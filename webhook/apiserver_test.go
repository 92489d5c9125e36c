package webhook

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// emptyCluster is an API server over a cluster without objects. Its live lists of nodes can be held up.
type emptyCluster struct {
	*httptest.Server
	lists map[string]metav1.TypeMeta
	// held is told of each live list of nodes while hold is open; the list is answered when hold is closed.
	held chan struct{}
	hold chan struct{}

	mu     sync.Mutex
	events []string
	agents map[string]bool
}

func newEmptyCluster(t *testing.T) *emptyCluster {
	t.Helper()
	c := &emptyCluster{lists: map[string]metav1.TypeMeta{}, held: make(chan struct{}, 8), hold: make(chan struct{}), agents: map[string]bool{}}
	for _, r := range cluster.Resources() {
		path := "/apis/" + r.GVK.GroupVersion().String() + "/" + r.Plural
		if r.GVK.Group == "" {
			path = "/api/v1/" + r.Plural
		}
		c.lists[path] = metav1.TypeMeta{APIVersion: r.GVK.GroupVersion().String(), Kind: r.GVK.Kind + "List"}
	}
	c.Server = httptest.NewServer(c)
	t.Cleanup(func() { c.CloseClientConnections(); c.Close() })
	return c
}

func (c *emptyCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.agents[r.UserAgent()] = true
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	listed, known := c.lists[r.URL.Path]
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/events"):
		c.takeEvent(w, r)
	case !known || r.Method != http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
		c.write(w, metav1.Status{Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound})
	case query.Get("sendInitialEvents") == "true":
		// As an API server that does not know this kind of watch.
		w.WriteHeader(http.StatusUnprocessableEntity)
		c.write(w, metav1.Status{Status: metav1.StatusFailure, Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid})
	case query.Has("watch"):
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	default:
		if live := query.Get("resourceVersion") == ""; live && strings.HasSuffix(r.URL.Path, "/nodes") && strings.HasPrefix(r.URL.Path, "/api/") {
			c.held <- struct{}{}
			<-c.hold
		}
		c.write(w, metav1.List{TypeMeta: listed, ListMeta: metav1.ListMeta{ResourceVersion: "7"}})
	}
}

func (c *emptyCluster) write(w http.ResponseWriter, object any) {
	_ = json.NewEncoder(w).Encode(object)
}

func (c *emptyCluster) takeEvent(w http.ResponseWriter, r *http.Request) {
	var event eventsv1.Event
	raw, err := io.ReadAll(r.Body)
	if err == nil {
		_, _, err = scheme.Codecs.UniversalDeserializer().Decode(raw, nil, &event)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.events = append(c.events, event.Namespace+" "+event.Reason)
	c.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
	event.TypeMeta = metav1.TypeMeta{APIVersion: eventsv1.SchemeGroupVersion.String(), Kind: "Event"}
	c.write(w, event)
}

func (c *emptyCluster) seen() (events []string, agents map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events, c.agents
}
