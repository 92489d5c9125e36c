package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// pages is an API server that serves nodes in pages of one, and fails where it is told to.
type pages struct {
	client.Reader
	nodes   int
	fail    error
	expires int
	calls   int
}

func (p *pages) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	p.calls++
	if p.fail != nil {
		return p.fail
	}
	asked := (&client.ListOptions{}).ApplyOptions(options)
	if asked.Limit == 0 {
		return errors.New("a list without a limit")
	}
	if asked.Continue != "" && p.expires > 0 {
		p.expires--
		return apierrors.NewResourceExpired("the continue token is too old")
	}
	at := len(asked.Continue)
	nodes := list.(*corev1.NodeList)
	nodes.ResourceVersion = "77"
	nodes.Items = []corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", at+1)}}}
	if at+1 < p.nodes {
		nodes.Continue = strings.Repeat("x", at+1)
	}
	return nil
}

func liveList(t *testing.T, reader client.Reader, kind cluster.Kind) ([]client.Object, cluster.Evidence) {
	t.Helper()
	resource, ok := cluster.Lookup(kind)
	if !ok {
		t.Fatalf("%s is not in the table", kind)
	}
	return cluster.NewLive(reader, nil, clustertest.Now).List(context.Background(), resource)
}

func TestALiveListIsReadPageByPage(t *testing.T) {
	for name, reader := range map[string]*pages{
		"three pages": {nodes: 3},
		"three pages, of which the second had expired once": {nodes: 3, expires: 1},
	} {
		t.Run(name, func(t *testing.T) {
			objects, evidence := liveList(t, reader, cluster.Nodes)
			if len(objects) != 3 || evidence.State != cluster.Read || evidence.ResourceVersion != "77" {
				t.Errorf("%d objects, evidence %+v; want 3, read at version 77", len(objects), evidence)
			}
		})
	}
	if _, evidence := liveList(t, &pages{nodes: 3, expires: 2}, cluster.Nodes); evidence.State != cluster.Unread {
		t.Errorf("a list that expired twice is %+v, want unread", evidence)
	}
}

func TestALiveListThatFailsIsUnreadWithTheReason(t *testing.T) {
	group := schema.GroupResource{Group: "longhorn.io", Resource: "volumes"}
	for name, test := range map[string]struct {
		kind  cluster.Kind
		fail  error
		state cluster.ReadState
		want  string
	}{
		"forbidden":                 {cluster.Volumes, apierrors.NewForbidden(group, "", errors.New("no rule")), cluster.Unread, "not allowed to list volumes.longhorn.io"},
		"credentials expired":       {cluster.Volumes, apierrors.NewUnauthorized("token expired"), cluster.Unread, "does not accept our credentials"},
		"a required CRD is missing": {cluster.Volumes, apierrors.NewNotFound(group, ""), cluster.Unread, "its CRD is missing"},
		"an optional CRD is missing": {cluster.UpgradePlans, apierrors.NewNotFound(group, ""), cluster.NotInstalled,
			"the upgrade manager add-on is not installed"},
		"the deadline is over": {cluster.Volumes, fmt.Errorf("list: %w", context.DeadlineExceeded), cluster.Unread, "no answer before the deadline"},
		"the server is ill":    {cluster.Volumes, apierrors.NewInternalError(errors.New("etcd\nis gone")), cluster.Unread, "listing failed: Internal error occurred: etcd"},
	} {
		t.Run(name, func(t *testing.T) {
			objects, evidence := liveList(t, &pages{fail: test.fail}, test.kind)
			if len(objects) != 0 || evidence.State != test.state || !strings.Contains(evidence.Because, test.want) {
				t.Errorf("evidence is %+v, want %s because %q", evidence, test.state, test.want)
			}
			if strings.Contains(evidence.Because, "\n") {
				t.Errorf("the reason is more than one line: %q", evidence.Because)
			}
		})
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
