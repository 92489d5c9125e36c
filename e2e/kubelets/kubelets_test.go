package kubelets_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/kubelets"
)

// plane is the control plane that all tests of this package share.
var plane *controlplane.ControlPlane

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	var err error
	plane, err = controlplane.Start(context.Background(), controlplane.Options{Progress: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping:", err)
			code = 1
		}
	}()
	return m.Run()
}

const (
	stats   = `{"node":{"nodeName":"node1","fs":{"availableBytes":1000,"capacityBytes":5000}}}`
	configz = `{"kubeletconfig":{"imageGCHighThresholdPercent":85}}`
)

// fleet starts the kubelet of node1, with recorded answers, and of node2, without.
func fleet(t *testing.T) *kubelets.Fleet {
	t.Helper()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "kubelet"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"node1.stats.json": stats, "node1.configz.json": configz} {
		if err := os.WriteFile(filepath.Join(folder, "kubelet", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	started, err := kubelets.Start(kubelets.Options{
		Folder: folder, Nodes: []string{"node2"}, Authority: plane.ClusterCA, Config: plane.Config,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := started.Stop(); err != nil {
			t.Error(err)
		}
	})
	return started
}

// token returns the token of a service account with these rights on subresources of nodes.
func token(t *testing.T, subresources ...string) string {
	t.Helper()
	var rights controlplane.Rights
	if len(subresources) > 0 {
		rights.Rules = []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: subresources, Verbs: []string{"get"}}}
	}
	name := fmt.Sprintf("bearer-%d", time.Now().UnixNano())
	identity, err := plane.AddServiceAccount(t.Context(), "default", name, rights)
	if err != nil {
		t.Fatal(err)
	}
	return identity.Config.BearerToken
}

// get asks a kubelet, verifying its certificate against the cluster CA.
func get(ctx context.Context, url, token string) (status int, body string, err error) {
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: plane.ClusterCA.Pool(), MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true,
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// eventuallyStatus asks until the answer has that status: the authorizer learns of new rights through a
// watch.
func eventuallyStatus(t *testing.T, url, token string, want int) string {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		status, body, err := get(t.Context(), url, token)
		if err == nil && status == want {
			return body
		}
		select {
		case <-deadline.C:
			t.Fatalf("GET %s: %d %q, %v; want %d", url, status, body, err, want)
		case <-tick.C:
		}
	}
}

func TestOnlyAnAllowedTokenGetsTheRecordedAnswer(t *testing.T) {
	node1 := fleet(t).Node("node1")
	for _, c := range []struct {
		name, path, token string
		status            int
		body              string
	}{
		{"stats with nodes/stats", "/stats/summary", token(t, "nodes/stats"), 200, stats},
		{"configz with nodes/configz", "/configz", token(t, "nodes/configz"), 200, configz},
		{"configz with nodes/proxy, as before Kubernetes 1.33", "/configz", token(t, "nodes/proxy"), 200, configz},
		{"stats with nodes/configz", "/stats/summary", token(t, "nodes/configz"), 403, ""},
		{"stats without rights", "/stats/summary", token(t), 403, ""},
		{"stats without token", "/stats/summary", "", 401, ""},
		{"stats with somebody's invention", "/stats/summary", "abc", 401, ""},
		{"exec with nodes/stats", "/exec/default/pod/container", token(t, "nodes/stats"), 403, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := eventuallyStatus(t, node1.URL(c.path), c.token, c.status)
			if c.body != "" && body != c.body {
				t.Errorf("body (-want +got):\n%s", cmp.Diff(c.body, body))
			}
		})
	}
}

func TestANodeWithoutRecordedAnswersSaysNotFound(t *testing.T) {
	fleet := fleet(t)
	bearer := token(t, "nodes/stats")
	eventuallyStatus(t, fleet.Node("node2").URL("/stats/summary"), bearer, 404)
	if err := fleet.Node("node2").SetStats([]byte(stats)); err != nil {
		t.Fatal(err)
	}
	eventuallyStatus(t, fleet.Node("node2").URL("/stats/summary"), bearer, 200)
}

func TestAnUpdateChangesOnlyTheAnswersItHolds(t *testing.T) {
	fleet := fleet(t)
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "kubelet"), 0o755); err != nil {
		t.Fatal(err)
	}
	const repaired = `{"node":{"nodeName":"node1","fs":{"availableBytes":4000,"capacityBytes":5000}}}`
	if err := os.WriteFile(filepath.Join(folder, "kubelet", "node1.stats.json"), []byte(repaired), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fleet.Update(folder); err != nil {
		t.Fatal(err)
	}
	bearer, node1 := token(t, "nodes/stats", "nodes/configz"), fleet.Node("node1")
	for path, want := range map[string]string{"/stats/summary": repaired, "/configz": configz} {
		if diff := cmp.Diff(want, eventuallyStatus(t, node1.URL(path), bearer, 200)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "kubelet", "node9.stats.json"), []byte(repaired), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fleet.Update(folder); err == nil {
		t.Error("answers of a node without a kubelet were taken")
	}
}

func TestConfigzMustBeWrapped(t *testing.T) {
	node := fleet(t).Node("node1")
	if err := node.SetConfigz([]byte(`{"imageGCHighThresholdPercent":85}`)); err == nil {
		t.Error("an unwrapped answer was taken")
	}
}

func TestAKubeletMisbehavesAsToldAndRecovers(t *testing.T) {
	node := fleet(t).Node("node1")
	url, bearer := node.URL("/stats/summary"), token(t, "nodes/stats")
	eventuallyStatus(t, url, bearer, 200)

	for name, misbehave := range map[string]func(){"hangs": node.Hang, "drips": node.Drip} {
		misbehave()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if _, body, err := get(ctx, url, bearer); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %q, %v; want the deadline", name, body, err)
		}
		cancel()
		node.Heal()
		eventuallyStatus(t, url, bearer, 200)
	}

	node.Fail(http.StatusInternalServerError)
	eventuallyStatus(t, url, bearer, 500)
	node.Heal()

	if err := node.Die(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := get(t.Context(), url, bearer); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dead: %v, want connection refused", err)
	}
	if err := node.Revive(); err != nil {
		t.Fatal(err)
	}
	eventuallyStatus(t, url, bearer, 200)
	if node.Requests() == 0 {
		t.Error("no request was counted")
	}
}

func TestAHangingRequestIsAnsweredWhenTheKubeletHeals(t *testing.T) {
	node := fleet(t).Node("node1")
	url, bearer := node.URL("/stats/summary"), token(t, "nodes/stats")
	eventuallyStatus(t, url, bearer, 200)
	node.Hang()
	before := node.Requests()
	answered := make(chan int, 1)
	go func() {
		status, _, _ := get(context.Background(), url, bearer)
		answered <- status
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); node.Requests() == before; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the request has not arrived after 10 s")
		}
	}
	node.Heal()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("status = %d, want 200", status)
	}
}

func TestMutatePointsANodeAtItsKubelet(t *testing.T) {
	fleet := fleet(t)
	node := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Node",
		"metadata": map[string]any{"name": "node1"},
		"status":   map[string]any{"phase": "Running", "addresses": []any{map[string]any{"type": "InternalIP", "address": "10.0.0.1"}}},
	}}
	longhornNode := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "longhorn.io/v1beta2", "kind": "Node", "metadata": map[string]any{"name": "node1"},
	}}
	fleet.Mutate(node)
	fleet.Mutate(longhornNode)
	want := map[string]any{
		"phase": "Running",
		"addresses": []any{
			map[string]any{"type": "InternalIP", "address": "127.0.0.1"},
			map[string]any{"type": "Hostname", "address": "node1"},
		},
		"daemonEndpoints": map[string]any{
			"kubeletEndpoint": map[string]any{"Port": int64(fleet.Node("node1").Port())},
		},
	}
	if diff := cmp.Diff(want, node.Object["status"]); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if _, found := longhornNode.Object["status"]; found {
		t.Error("Longhorn's Node was changed")
	}
}
