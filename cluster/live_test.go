package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// pages is an API server that serves nodes in pages of one, and fails where it is told to.
type pages struct {
	nodes   int
	fail    *apierrors.StatusError
	expires int
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	switch {
	case p.fail != nil:
		answer(w, p.fail)
	case asked.Get("limit") == "":
		answer(w, apierrors.NewBadRequest("a list without a limit"))
	case asked.Get("continue") != "" && p.expires > 0:
		p.expires--
		answer(w, apierrors.NewResourceExpired("the continue token is too old"))
	default:
		at := len(asked.Get("continue"))
		list := corev1.NodeList{ListMeta: metav1.ListMeta{ResourceVersion: "77"}}
		list.Items = []corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", at+1)}}}
		if at+1 < p.nodes {
			list.Continue = strings.Repeat("x", at+1)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(list)
	}
}

func answer(w http.ResponseWriter, err *apierrors.StatusError) {
	status := err.Status()
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(status.Code))
	_ = json.NewEncoder(w).Encode(status)
}

func liveList(t *testing.T, ctx context.Context, handler http.Handler, kind cluster.Kind) ([]client.Object, cluster.Evidence) {
	t.Helper()
	resource, ok := cluster.Lookup(kind)
	if !ok {
		t.Fatalf("%s is not in the table", kind)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	reader, err := cluster.NewReader(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return cluster.NewLive(cluster.LiveOptions{Reader: reader, Now: clustertest.Now}).List(ctx, resource)
}

func TestALiveListIsReadPageByPage(t *testing.T) {
	for name, reader := range map[string]*pages{
		"three pages": {nodes: 3},
		"three pages, of which the second had expired once": {nodes: 3, expires: 1},
	} {
		t.Run(name, func(t *testing.T) {
			objects, evidence := liveList(t, t.Context(), reader, cluster.Nodes)
			if len(objects) != 3 || evidence.State != cluster.Read || evidence.ResourceVersion != "77" {
				t.Errorf("%d objects, evidence %+v; want 3, read at version 77", len(objects), evidence)
			}
		})
	}
	if _, evidence := liveList(t, t.Context(), &pages{nodes: 3, expires: 2}, cluster.Nodes); evidence.State != cluster.Unread {
		t.Errorf("a list that expired twice is %+v, want unread", evidence)
	}
}

func TestALiveListThatFailsIsUnreadWithTheReason(t *testing.T) {
	group := schema.GroupResource{Group: "longhorn.io", Resource: "volumes"}
	for name, test := range map[string]struct {
		kind  cluster.Kind
		fail  *apierrors.StatusError
		state cluster.ReadState
		want  string
	}{
		"forbidden":                 {cluster.Volumes, apierrors.NewForbidden(group, "", errors.New("no rule")), cluster.Unread, "not allowed to list them, which ClusterRole upgrade-gate-reader should allow"},
		"credentials expired":       {cluster.Volumes, apierrors.NewUnauthorized("token expired"), cluster.Unread, "does not accept our credentials"},
		"a required CRD is missing": {cluster.Volumes, apierrors.NewNotFound(group, ""), cluster.Unread, "its CRD is missing"},
		"an optional CRD is missing": {cluster.UpgradePlans, apierrors.NewNotFound(group, ""), cluster.NotInstalled,
			"the upgrade manager add-on is not installed"},
		"the server is ill": {cluster.Volumes, apierrors.NewInternalError(errors.New("etcd\nis gone")), cluster.Unread, "listing failed: Internal error occurred: etcd"},
	} {
		t.Run(name, func(t *testing.T) {
			objects, evidence := liveList(t, t.Context(), &pages{fail: test.fail}, test.kind)
			if len(objects) != 0 || evidence.State != test.state || !strings.Contains(evidence.Because, test.want) {
				t.Errorf("evidence is %+v, want %s because %q", evidence, test.state, test.want)
			}
			if strings.Contains(evidence.Because, "\n") {
				t.Errorf("the reason is more than one line: %q", evidence.Because)
			}
		})
	}
}

func TestALiveListThatTakesTooLongIsUnread(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, evidence := liveList(t, ctx, &pages{nodes: 1}, cluster.Nodes); evidence.State != cluster.Unread || evidence.Because != "no answer before the deadline" {
		t.Errorf("evidence is %+v, want unread, no answer before the deadline", evidence)
	}
}

func TestALiveListWhoseConnectionIsLostOnceIsReadOverAnother(t *testing.T) {
	for _, lost := range []int32{1, 2} {
		asked := atomic.Int32{}
		whole := &pages{nodes: 1}
		objects, evidence := liveList(t, t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) <= lost {
				panic(http.ErrAbortHandler)
			}
			whole.ServeHTTP(w, r)
		}), cluster.Nodes)
		switch {
		case lost == 1 && (evidence.State != cluster.Read || len(objects) != 1):
			t.Errorf("lost once, the list is %+v, want it read", evidence)
		case lost == 2 && (evidence.State != cluster.Unread || !strings.Contains(evidence.Because, "the API server cannot be reached")):
			t.Errorf("lost twice, the list is %+v, want it unread with the reason", evidence)
		case asked.Load() != 2:
			t.Errorf("the API server was asked %d times, want 2", asked.Load())
		}
	}
}

func TestALiveListThatIsCutShortIsUnread(t *testing.T) {
	whole := `{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"77"},"items":[{"metadata":{"name":"node-1"}}]}`
	for length := range len(whole) {
		cut := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, whole[:length]) })
		if objects, evidence := liveList(t, t.Context(), cut, cluster.Nodes); len(objects) != 0 || evidence.State != cluster.Unread {
			t.Errorf("%d of %d bytes: %d objects, evidence %+v; want unread", length, len(whole), len(objects), evidence)
		}
	}
}

func TestALiveListIsTrimmed(t *testing.T) {
	text := `{"items":[{"metadata":{"name":"node-1","managedFields":[{"manager":"kubelet"}],"labels":{"a":"b"}},"spec":{"providerID":"rke2://node-1","unschedulable":true}}],"metadata":{}}`
	serve := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
	objects, evidence := liveList(t, t.Context(), serve, cluster.Nodes)
	want := []client.Object{&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", Labels: map[string]string{"a": "b"}}, Spec: corev1.NodeSpec{Unschedulable: true}}}
	if diff := cmp.Diff(want, objects); diff != "" || evidence.State != cluster.Read {
		t.Errorf("evidence %+v, objects (-want +got):\n%s", evidence, diff)
	}
}

func TestTheRightsAreThoseOfTheTableAndNoOthers(t *testing.T) {
	for _, rule := range cluster.PolicyRules() {
		for _, word := range append(append(append([]string{}, rule.APIGroups...), rule.Resources...), rule.Verbs...) {
			if word == "*" || word == "secrets" || word == "nodes/proxy" {
				t.Errorf("rule %+v asks for %s", rule, word)
			}
		}
		for _, verb := range rule.Verbs {
			if verb != "get" && verb != "list" && verb != "watch" {
				t.Errorf("rule %+v asks for more than reading: %s", rule, verb)
			}
		}
	}
}
