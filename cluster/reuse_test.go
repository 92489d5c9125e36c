package cluster

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
)

func TestALiveReadHoldsTheCachesObjectOnlyInTheVeryVersion(t *testing.T) {
	pods, _ := Lookup(Pods)
	informer := toolscache.NewSharedIndexInformer(&toolscache.ListWatch{}, &corev1.Pod{}, 0, nil)
	cached := &Cached{informers: map[Kind]toolscache.SharedIndexInformer{Pods: informer}, memo: newMemo()}
	held := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", ResourceVersion: "7"}}
	held.Spec.NodeName = "node-1"
	if err := informer.GetStore().Add(held); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		metadata string
		reused   bool
	}{
		"the same version":      {`"name":"web","namespace":"shop","resourceVersion":"7","managedFields":[{"manager":"x"}]`, true},
		"in another order":      {`"resourceVersion":"7","managedFields":[],"namespace":"shop","labels":{"name":"x","resourceVersion":"8"},"name":"web"`, true},
		"a later version":       {`"name":"web","namespace":"shop","resourceVersion":"8"`, false},
		"an earlier version":    {`"name":"web","namespace":"shop","resourceVersion":"6"`, false},
		"no version":            {`"name":"web","namespace":"shop"`, false},
		"another namespace":     {`"name":"web","namespace":"other","resourceVersion":"7"`, false},
		"another name":          {`"name":"db","namespace":"shop","resourceVersion":"7"`, false},
		"the version elsewhere": {`"name":"web","namespace":"shop","labels":{"resourceVersion":"7"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, fmt.Sprintf(`{"metadata":{"resourceVersion":"9"},"items":[{"metadata":{%s},"spec":{"nodeName":"node-2"}}]}`, test.metadata))
			}))
			defer server.Close()
			reader, err := NewReader(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			live := NewLive(LiveOptions{Reader: reader, Now: time.Now})
			live.Reuse(cached)
			objects, evidence := live.List(t.Context(), pods)
			if len(objects) != 1 || evidence.State != Read {
				t.Fatalf("objects %v, evidence %+v", objects, evidence)
			}
			if got := objects[0].(*corev1.Pod); (got == held) != test.reused || !test.reused && got.Spec.NodeName != "node-2" {
				t.Errorf("the cache's object is held: %t, want %t; the node is %s", got == held, test.reused, got.Spec.NodeName)
			}
		})
	}
}
