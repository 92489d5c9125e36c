package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// kubeconfig writes a kubeconfig for a server.
func kubeconfig(t *testing.T, server string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: server}
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{Token: "test"}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
}

func apiServer(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return kubeconfig(t, server.URL)
}

// status answers as an API server refuses.
func status(w http.ResponseWriter, code int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": reason, "code": code, "message": reason + " says the server",
	})
}

// lists answers every list of the table of kinds, empty but for the VMI of testdata/paused.
func lists(t *testing.T, agents chan<- string) http.HandlerFunc {
	t.Helper()
	kinds := map[string]cluster.Resource{}
	for _, r := range cluster.Resources() {
		path := "/apis/" + r.GVK.Group + "/" + r.GVK.Version + "/" + r.Plural
		if r.GVK.Group == "" {
			path = "/api/" + r.GVK.Version + "/" + r.Plural
		}
		kinds[path] = r
	}
	paused := map[string]any{
		"metadata": map[string]any{"name": "web-2", "namespace": "shop"},
		"status": map[string]any{"nodeName": "node-2", "phase": "Running", "conditions": []any{
			map[string]any{"type": "Paused", "status": "True", "reason": "PausedIOError"}}},
	}
	return func(w http.ResponseWriter, request *http.Request) {
		select {
		case agents <- request.UserAgent():
		default:
		}
		resource, ok := kinds[request.URL.Path]
		if !ok {
			status(w, http.StatusNotFound, "NotFound")
			return
		}
		items := []any{}
		if resource.Kind == cluster.VMIs {
			items = append(items, paused)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"apiVersion": resource.GVK.GroupVersion().String(), "kind": resource.GVK.Kind + "List",
			"metadata": map[string]any{"resourceVersion": "7"}, "items": items,
		})
	}
}

func TestALiveClusterIsJudged(t *testing.T) {
	agents := make(chan string, 1)
	config := apiServer(t, lists(t, agents))
	got := call(t, "check", "--kubeconfig", config, "--policy", only(t, "paused-vms", "block"), "--version", "v1.4.2")
	if got.code != 2 || !strings.Contains(got.stdout, "VM shop/web-2 on node-2 is paused") || !strings.Contains(got.stdout, "a live read of the API server") {
		t.Errorf("got %+v", got)
	}
	if agent := <-agents; !strings.HasPrefix(agent, "upgrade-gate/") {
		t.Errorf("the user agent is %q", agent)
	}
}

func TestAnAPIServerThatForbidsEverythingIsIncomplete(t *testing.T) {
	config := apiServer(t, func(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusForbidden, "Forbidden") })
	missing := fmt.Sprintf("This account has no right to list nodes, list pods, list services, list persistentvolumeclaims, list events, %d more. "+
		"upgrade-gate rbac prints all that it needs.\n", len(cluster.Resources())-5)
	got := call(t, "check", "--kubeconfig", config, "--policy", only(t, "paused-vms", "block"))
	if got.code != 3 || !strings.Contains(got.stdout, "not allowed to list") || got.stderr != missing {
		t.Errorf("got %+v", got)
	}
}

func TestAnAPIServerThatCannotBeAskedIsExitCode1(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, config := range map[string]string{
		"nobody answers":                    kubeconfig(t, gone.URL),
		"our credentials are not accepted":  apiServer(t, func(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusUnauthorized, "Unauthorized") }),
		"the address is that of a web page": apiServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>\n")) }),
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, "check", "--kubeconfig", config)
			if got.code != 1 || !strings.HasPrefix(got.stderr, "upgrade-gate: reach the API server at http://") || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestAnUnknownContextIsExitCode1(t *testing.T) {
	got := call(t, "check", "--kubeconfig", kubeconfig(t, "http://localhost"), "--context", "none")
	if got.code != 1 || !strings.Contains(got.stderr, `context "none" does not exist`) {
		t.Errorf("got %+v", got)
	}
}

func TestAKubeletCAThatIsAbsentIsExitCode1(t *testing.T) {
	got := call(t, "check", "--kubeconfig", kubeconfig(t, "https://localhost"), "--kubelet-ca", "testdata/none.pem")
	if got.code != 1 || !strings.Contains(got.stderr, "read the CA of the kubelets") {
		t.Errorf("got %+v", got)
	}
}

// hangs is an API server that tells when it is asked, and does not answer.
func hangs(asked chan<- struct{}, done <-chan struct{}) http.HandlerFunc {
	return func(_ http.ResponseWriter, request *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		select {
		case <-done:
		case <-request.Context().Done():
		}
	}
}

func TestAnInterruptDoesNotWaitForAServerThatHangs(t *testing.T) {
	asked, done := make(chan struct{}, 1), make(chan struct{})
	config := apiServer(t, hangs(asked, done))
	ctx, interrupt := context.WithCancel(context.Background())
	go func() {
		<-asked
		interrupt()
	}()
	started := time.Now()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"check", "--kubeconfig", config, "--timeout", "1h"}, &stdout, &stderr)
	close(done)
	if code != 1 || stderr.String() != "upgrade-gate: interrupted\n" || time.Since(started) > 10*time.Second {
		t.Errorf("got exit code %d after %s, stderr %q", code, time.Since(started), stderr.String())
	}
}

func TestTheConnectionIsNotThrottled(t *testing.T) {
	var options connectionOptions
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	options.addFlags(flags)
	if err := flags.Parse([]string{"--kubeconfig", kubeconfig(t, "https://localhost")}); err != nil {
		t.Fatal(err)
	}
	config, err := options.config()
	if err != nil {
		t.Fatal(err)
	}
	if config.QPS != -1 || config.DisableCompression || !strings.HasPrefix(config.UserAgent, "upgrade-gate/") {
		t.Errorf("QPS %v, compression disabled %v, user agent %q", config.QPS, config.DisableCompression, config.UserAgent)
	}
}

func TestAKubeconfigThatIsNoneNamesItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte("clusters: {\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := call(t, "check", "--kubeconfig", file)
	if got.code != 1 || !strings.Contains(got.stderr, file) || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("got %+v", got)
	}
}
