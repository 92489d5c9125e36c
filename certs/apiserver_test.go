package certs

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// apiServer is as much of an API server as a Provider talks to: named objects of
// three kinds with optimistic concurrency, watches that start with the present
// state, and strategic merge patches. It refuses a list or watch without a
// metadata.name selector, as our RBAC does.
type apiServer struct {
	t      *testing.T
	server *httptest.Server

	mu      sync.Mutex
	version int
	objects map[string]client.Object // by path
	events  []apiEvent
	changed chan struct{}
	denied  map[string]bool // by collection
	// patches counts those that were not refused.
	patches int
}

type apiEvent struct {
	Type   string        `json:"type"`
	Object client.Object `json:"object"`
	path   string
}

const (
	secretsPath    = "/api/v1/namespaces/upgrade-gate/secrets"
	validatingPath = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
	mutatingPath   = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
)

func newAPIServer(t *testing.T) *apiServer {
	api := &apiServer{
		t:       t,
		objects: map[string]client.Object{},
		changed: make(chan struct{}),
		denied:  map[string]bool{},
	}
	api.server = httptest.NewServer(api)
	t.Cleanup(api.server.Close)
	return api
}

func (api *apiServer) restConfig() *rest.Config {
	return &rest.Config{Host: api.server.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
}

// get returns the stored object, or nil.
func (api *apiServer) get(path string) client.Object {
	api.mu.Lock()
	defer api.mu.Unlock()
	if object, ok := api.objects[path]; ok {
		return object.DeepCopyObject().(client.Object)
	}
	return nil
}

// put stores the object whatever its resourceVersion, as an operator's edit would.
func (api *apiServer) put(path string, object client.Object) {
	api.mu.Lock()
	defer api.mu.Unlock()
	api.store(path, object)
}

func (api *apiServer) remove(path string) {
	api.mu.Lock()
	defer api.mu.Unlock()
	if object, ok := api.objects[path]; ok {
		delete(api.objects, path)
		api.publish("DELETED", path, object)
	}
}

func (api *apiServer) deny(collection string) {
	api.mu.Lock()
	defer api.mu.Unlock()
	api.denied[collection] = true
}

func (api *apiServer) patchCount() int {
	api.mu.Lock()
	defer api.mu.Unlock()
	return api.patches
}

func (api *apiServer) store(path string, object client.Object) {
	kind := "ADDED"
	if _, exists := api.objects[path]; exists {
		kind = "MODIFIED"
	}
	api.objects[path] = object
	api.publish(kind, path, object)
}

func (api *apiServer) publish(kind, path string, object client.Object) {
	api.version++
	object.SetResourceVersion(strconv.Itoa(api.version))
	api.events = append(api.events, apiEvent{kind, object.DeepCopyObject().(client.Object), path})
	close(api.changed)
	api.changed = make(chan struct{})
}

func (api *apiServer) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	path := request.URL.Path
	for _, collection := range []string{secretsPath, validatingPath, mutatingPath} {
		name, found := strings.CutPrefix(path, collection)
		if !found {
			continue
		}
		resource := schema.GroupResource{Resource: collection[strings.LastIndex(collection, "/")+1:]}
		api.mu.Lock()
		denied := api.denied[collection]
		api.mu.Unlock()
		switch selected, named := strings.CutPrefix(request.URL.Query().Get("fieldSelector"), "metadata.name="); {
		case denied:
			api.fail(w, apierrors.NewForbidden(resource, selected, fmt.Errorf("no role allows it")))
		case name == "" && request.Method == http.MethodGet && !named:
			api.fail(w, apierrors.NewForbidden(resource, "", fmt.Errorf("only single names are allowed")))
		case request.URL.Query().Get("watch") != "":
			api.watch(w, request, path+"/"+selected)
		case name == "" && request.Method == http.MethodGet:
			api.list(w, path+"/"+selected)
		default:
			api.serveObject(w, request, resource)
		}
		return
	}
	http.NotFound(w, request)
}

func newObject(path string) client.Object {
	switch {
	case strings.HasPrefix(path, secretsPath):
		return &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}}
	case strings.HasPrefix(path, validatingPath):
		return &admissionv1.ValidatingWebhookConfiguration{TypeMeta: metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: validatingKind}}
	default:
		return &admissionv1.MutatingWebhookConfiguration{TypeMeta: metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: mutatingKind}}
	}
}

func (api *apiServer) list(w http.ResponseWriter, path string) {
	api.mu.Lock()
	defer api.mu.Unlock()
	items := []client.Object{}
	if object, ok := api.objects[path]; ok {
		items = append(items, object)
	}
	kind := newObject(path).GetObjectKind().GroupVersionKind()
	api.reply(w, http.StatusOK, map[string]any{
		"apiVersion": kind.GroupVersion().String(), "kind": kind.Kind + "List",
		"metadata": map[string]any{"resourceVersion": strconv.Itoa(api.version)}, "items": items,
	})
}

func (api *apiServer) watch(w http.ResponseWriter, request *http.Request, path string) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	api.mu.Lock()
	next, _ := strconv.Atoi(request.URL.Query().Get("resourceVersion"))
	if request.URL.Query().Get("sendInitialEvents") == "true" {
		next = api.version
		if object, ok := api.objects[path]; ok {
			_ = encoder.Encode(apiEvent{Type: "ADDED", Object: object})
		}
		bookmark := newObject(path)
		bookmark.SetResourceVersion(strconv.Itoa(next))
		bookmark.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
		_ = encoder.Encode(apiEvent{Type: "BOOKMARK", Object: bookmark})
	}
	for {
		// Versions count from one and each event has its own.
		for ; next < len(api.events); next++ {
			if event := api.events[next]; event.path == path {
				_ = encoder.Encode(event)
			}
		}
		changed := api.changed
		api.mu.Unlock()
		_ = http.NewResponseController(w).Flush()
		select {
		case <-request.Context().Done():
			return
		case <-changed:
		}
		api.mu.Lock()
	}
}

func (api *apiServer) serveObject(w http.ResponseWriter, request *http.Request, resource schema.GroupResource) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		api.fail(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	api.mu.Lock()
	defer api.mu.Unlock()
	path := request.URL.Path
	sent := newObject(path)
	if request.Method == http.MethodPost {
		if err := json.Unmarshal(body, sent); err != nil {
			api.fail(w, apierrors.NewBadRequest(err.Error()))
			return
		}
		path += "/" + sent.GetName()
	}
	stored, exists := api.objects[path]
	switch {
	case request.Method == http.MethodPost && exists:
		api.fail(w, apierrors.NewAlreadyExists(resource, sent.GetName()))
		return
	case request.Method != http.MethodPost && !exists:
		api.fail(w, apierrors.NewNotFound(resource, path))
		return
	case request.Method == http.MethodGet:
		api.reply(w, http.StatusOK, stored)
		return
	case request.Method == http.MethodPut:
		err = json.Unmarshal(body, sent)
	case request.Method == http.MethodPatch:
		err = mergeInto(sent, stored, body)
	}
	if err != nil {
		api.fail(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	if exists && sent.GetResourceVersion() != stored.GetResourceVersion() {
		api.fail(w, apierrors.NewConflict(resource, sent.GetName(), fmt.Errorf("the object has been modified")))
		return
	}
	if request.Method == http.MethodPatch {
		api.patches++
	}
	api.store(path, sent)
	api.reply(w, http.StatusOK, sent)
}

func mergeInto(result, stored client.Object, patch []byte) error {
	original, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	merged, err := strategicpatch.StrategicMergePatch(original, patch, result)
	if err != nil {
		return err
	}
	return json.Unmarshal(merged, result)
}

func (api *apiServer) fail(w http.ResponseWriter, err *apierrors.StatusError) {
	status := err.Status()
	status.APIVersion, status.Kind = "v1", "Status"
	api.reply(w, int(status.Code), status)
}

func (api *apiServer) reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		api.t.Errorf("encoding an answer: %v", err)
	}
}
