package kubelets

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// remembered is how long a request that was allowed is allowed again without asking the API server: the
// kubelet's default for tokens.
const remembered = 2 * time.Minute

// access decides about requests the way a kubelet with webhook authentication and authorisation does:
// by TokenReview and SubjectAccessReview. It remembers what was allowed, never what was not.
type access struct {
	client kubernetes.Interface

	mu      sync.Mutex
	allowed map[question]time.Time // until when
}

// question is what the API server is asked: may the bearer do this at that node?
type question struct{ token, verb, node, subresources string }

func newAccess(client kubernetes.Interface) *access {
	return &access{client: client, allowed: map[question]time.Time{}}
}

func (a *access) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.allowed)
}

// check returns 200, or the HTTP status and text that refuse the request.
func (a *access) check(r *http.Request, node string) (status int, reason string) {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found || token == "" {
		return http.StatusUnauthorized, "Unauthorized"
	}
	subresources := subresources(r.URL.Path)
	ask := question{token, verb(r.Method), node, strings.Join(subresources, ",")}
	if a.knows(ask) {
		return http.StatusOK, ""
	}
	review, err := a.client.AuthenticationV1().TokenReviews().Create(r.Context(), &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token},
	}, metav1.CreateOptions{})
	if err != nil || !review.Status.Authenticated {
		return http.StatusUnauthorized, "Unauthorized"
	}
	user := review.Status.User
	for _, subresource := range subresources {
		allowed, err := a.may(r, user, ask.verb, node, subresource)
		if err != nil {
			return http.StatusInternalServerError, "Authorization error: " + err.Error()
		}
		if allowed {
			a.remember(ask)
			return http.StatusOK, ""
		}
	}
	return http.StatusForbidden, fmt.Sprintf("Forbidden (user=%s, verb=%s, resource=nodes, subresource(s)=%v)",
		user.Username, ask.verb, subresources)
}

// may asks the API server.
func (a *access) may(r *http.Request, user authenticationv1.UserInfo, verb, node, subresource string) (bool, error) {
	extra := map[string]authorizationv1.ExtraValue{}
	for key, values := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(values)
	}
	review, err := a.client.AuthorizationV1().SubjectAccessReviews().Create(r.Context(), &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user.Username, Groups: user.Groups, UID: user.UID, Extra: extra,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: verb, Version: "v1", Resource: "nodes", Subresource: subresource, Name: node,
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return review.Status.Allowed, nil
}

// subresources returns the subresources of nodes, one of which must be allowed for a request to the
// path: the kubelet's fine-grained authorisation, on by default from Kubernetes 1.33.
func subresources(path string) []string {
	switch strings.SplitN(strings.TrimPrefix(path, "/"), "/", 2)[0] {
	case "stats":
		return []string{"stats"}
	case "metrics":
		return []string{"metrics"}
	case "configz":
		return []string{"configz", "proxy"}
	case "healthz":
		return []string{"healthz", "proxy"}
	}
	return []string{"proxy"}
}

func verb(method string) string {
	switch method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	return "get"
}

func (a *access) knows(ask question) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Before(a.allowed[ask])
}

func (a *access) remember(ask question) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.allowed[ask] = time.Now().Add(remembered)
}
