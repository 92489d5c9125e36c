// Package ui_test tells what people see who press the upgrade button in Harvester's UI: it sends what the UI's two
// pages send through the real Steve, the real API server and the real gate, and shows the answer as the pages do.
package ui_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
)

const (
	// collection is the address that both pages create an Upgrade at.
	collection = "/v1/harvester/harvesterhci.io.upgrades/harvester-system"
	// plainCollection is the same in Steve itself, without Harvester's own routes.
	plainCollection = "/v1/harvesterhci.io.upgrades/harvester-system"
	// namespace is that of every Upgrade.
	namespace = "harvester-system"
	// steveAccount is who Harvester's Steve is for the API server.
	steveAccount = "system:serviceaccount:harvester-system:harvester"

	// patience bounds the wait for something that takes milliseconds on an idle machine.
	patience = 30 * time.Second
)

var (
	update   = flag.Bool("update", false, "write the golden files anew")
	pictures = flag.String("pictures", "", "folder to leave pictures of the pages in, to be looked at")
)

// site is a cluster with a gate, and the UI's way to it.
type site struct {
	*gate.Cluster
	steve  *controlplane.Component
	client *http.Client
}

// begin starts a cluster that holds an example, and Steve before it, as Harvester runs it: with a service account that
// may do everything. Both end with the test.
func begin(t *testing.T, example string) *site {
	t.Helper()
	cluster := gatetest.Start(t, example, gate.ClusterOptions{})
	account, err := cluster.AddServiceAccount(t.Context(), namespace, "harvester", controlplane.Rights{ClusterRoles: []string{"cluster-admin"}})
	if err != nil {
		t.Fatal(err)
	}
	steve, err := cluster.StartSteve(t.Context(), os.Stderr, account)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: cluster.ClusterCA.Pool(), MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &site{Cluster: cluster, steve: steve, client: &http.Client{Transport: transport, Timeout: time.Minute}}
}

// answer is what the UI gets.
type answer struct {
	status   int
	warnings []string
	// body is the answer's; object is the same, decoded.
	body   string
	object map[string]any
}

// text returns a field of the answer, empty if it is not there or no text.
func (a answer) text(field string) string {
	value, _ := a.object[field].(string)
	return value
}

// send sends one request as the UI does. The headers that say in whose name are those of Rancher.
func (s *site) send(ctx context.Context, method, path, body string, as person) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, "https://"+s.steve.Address+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	as.sign(request.Header)
	request.Header.Set("Accept", "application/json")
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := s.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	got := answer{status: response.StatusCode, warnings: response.Header.Values("Warning"), body: string(text)}
	if err := json.Unmarshal(text, &got.object); err != nil {
		return got, fmt.Errorf("%s %s gives %s, which is no JSON object: %s", method, path, response.Status, text)
	}
	return got, nil
}

// press creates an Upgrade with the request of a page.
func press(t *testing.T, at *site, path, body string, as person) answer {
	t.Helper()
	got, err := at.send(t.Context(), http.MethodPost, path, body, as)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// golden compares text with testdata/NAME.golden, in which times, ages and generated names are replaced by words.
func golden(t *testing.T, name, text string) {
	t.Helper()
	text = regexp.MustCompile(`hvst-upgrade-[a-z0-9]{5}`).ReplaceAllString(gatetest.Timeless(text), "NAME")
	text = regexp.MustCompile(`localhost:\d+`).ReplaceAllString(text, "localhost:PORT")
	gatetest.Golden(t, *update, name, text+"\n")
}
