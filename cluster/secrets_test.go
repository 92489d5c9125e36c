package cluster_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// aTLSSecret holds the certificate "cert", and a key in all the places where one can stand: "key" is a2V5 in base64.
const aTLSSecret = `{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/tls",
"metadata":{"name":"serving-cert","namespace":"cattle-system","resourceVersion":"7","labels":{"app":"rancher"},
"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"tls.key\":\"a2V5\"}}","harvesterhci.io/pre-hook":"{}"},
"managedFields":[{"manager":"a2V5"}]},
"data":{"tls.crt":"Y2VydA==","tls.key":"a2V5"},"stringData":{"tls.key":"a2V5"}}`

func TestASecretIsDecodedWithoutItsKey(t *testing.T) {
	secret := &cluster.Secret{}
	if err := json.Unmarshal([]byte(aTLSSecret), secret); err != nil {
		t.Fatal(err)
	}
	if string(secret.Data.Certificate) != "cert" || secret.Type != "kubernetes.io/tls" || secret.Annotations[cluster.AnnotationPreHook] != "{}" {
		t.Errorf("got %+v, want the certificate and the hook", secret)
	}
	secret.ManagedFields = nil
	text, err := json.Marshal(secret.DeepCopyObject())
	if err != nil {
		t.Fatal(err)
	}
	for _, all := range []string{string(text), fmt.Sprintf("%#v", secret), fmt.Sprintf("%s", secret.Data)} {
		if strings.Contains(all, "a2V5") || strings.Contains(all, "key") {
			t.Errorf("the key is in %s", all)
		}
	}
}

func TestTheErrorOfABrokenSecretDoesNotQuoteIt(t *testing.T) {
	err := json.Unmarshal([]byte(`{"metadata":{"name":"x"},"data":{"tls.crt":"a2V5!!!"}}`), &cluster.Secret{})
	if err == nil || strings.Contains(err.Error(), "a2V5") {
		t.Errorf("error is %v", err)
	}
}

// vault is an API server that serves Secrets and notes how it was asked.
type vault struct {
	secrets map[string][]string
	forbids string

	mu    sync.Mutex
	asked map[string]string
}

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	namespace := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/"), "/secrets")
	v.mu.Lock()
	v.asked[namespace] = r.URL.Query().Get("fieldSelector") + " " + r.Header.Get("Accept")
	v.mu.Unlock()
	if namespace == v.forbids {
		answer(w, apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", errors.New("no rule")))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"metadata":{"resourceVersion":"7"},"items":[%s]}`, strings.Join(v.secrets[namespace], ","))
}

func (v *vault) list(t *testing.T, granted bool) ([]client.Object, cluster.Evidence) {
	t.Helper()
	v.asked = map[string]string{}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	reader, err := cluster.NewReader(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	secrets, _ := cluster.Lookup(cluster.Secrets)
	return cluster.NewLive(cluster.LiveOptions{Reader: reader, Now: clustertest.Now, ReadSecrets: granted}).List(t.Context(), secrets)
}

func TestSecretsAreListedInFourNamespacesAndNoMoreOfThemThanIsRead(t *testing.T) {
	v := &vault{secrets: map[string][]string{
		"cattle-system": {aTLSSecret},
		"fleet-local": {`{"metadata":{"name":"custom-1-machine-plan","namespace":"fleet-local","annotations":{"rke.cattle.io/pre-drain":"x","other":"y"}}}`,
			`{"metadata":{"name":"something-else","namespace":"fleet-local"}}`},
	}}
	objects, evidence := v.list(t, true)
	if evidence.State != cluster.Read || !evidence.ReadAt.Equal(clustertest.Now()) {
		t.Errorf("evidence is %+v, want read", evidence)
	}
	var got []string
	for _, object := range objects {
		secret := object.(*cluster.Secret)
		got = append(got, fmt.Sprintf("%s/%s %s %s %v", secret.Namespace, secret.Name, secret.Type, secret.Data.Certificate, secret.Annotations))
	}
	want := []string{"fleet-local/custom-1-machine-plan   map[rke.cattle.io/pre-drain:x]", "cattle-system/serving-cert kubernetes.io/tls cert map[harvesterhci.io/pre-hook:{}]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Secrets (-want +got):\n%s", diff)
	}
	tls := "type=kubernetes.io/tls application/json"
	if diff := cmp.Diff(map[string]string{
		"fleet-local":   " application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
		"cattle-system": tls, "cattle-fleet-system": tls, "harvester-system": tls,
	}, v.asked); diff != "" {
		t.Errorf("the API server was asked (-want +got):\n%s", diff)
	}
}

func TestSecretsThatAreNotGrantedAreNotAskedFor(t *testing.T) {
	v := &vault{}
	objects, evidence := v.list(t, false)
	if len(objects) != 0 || len(v.asked) != 0 || evidence.State != cluster.NotGranted {
		t.Errorf("%d objects, evidence %+v, asked %v", len(objects), evidence, v.asked)
	}
	if want := "reading Secrets is not granted (--read-secrets, see docs/secrets.md)"; evidence.Because != want {
		t.Errorf("because %q, want %q", evidence.Because, want)
	}
}

func TestSecretsThatAreGrantedAndForbiddenAreUnreadAndNameTheRole(t *testing.T) {
	v := &vault{forbids: "cattle-fleet-system"}
	objects, evidence := v.list(t, true)
	want := "not allowed to list them in cattle-fleet-system, which Role upgrade-gate-secrets there should allow"
	if len(objects) != 0 || evidence.State != cluster.Unread || evidence.Because != want {
		t.Errorf("%d objects, evidence %+v, want unread because %s", len(objects), evidence, want)
	}
}

func TestTheSecretsOfAFolderAreThoseThatAClusterWouldBeAskedFor(t *testing.T) {
	secret := func(namespace, name, kind string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: %s, labels: {a: b}}\ntype: %s\ndata: {tls.crt: Y2VydA==, tls.key: a2V5}\n---\n", name, namespace, kind)
	}
	for name, test := range map[string]struct {
		content string
		state   cluster.ReadState
		want    []string
	}{
		"none":                                {aNode, cluster.NotGranted, nil},
		"an empty list":                       {aNode + "---\napiVersion: v1\nkind: SecretList\nitems: []\n", cluster.Read, nil},
		"a TLS Secret has its certificate":    {secret("harvester-system", "a", "kubernetes.io/tls"), cluster.Read, []string{"harvester-system/a cert"}},
		"a machine plan has its labels alone": {secret("fleet-local", "x-machine-plan", "rke.cattle.io/machine-plan"), cluster.Read, []string{"fleet-local/x-machine-plan "}},
		"others are passed over": {secret("default", "a", "kubernetes.io/tls") + secret("cattle-system", "b", "Opaque") +
			secret("fleet-local", "c", "Opaque") + secret("fleet-local", "local-kubeconfig", "Opaque"), cluster.Read, []string{"fleet-local/local-kubeconfig "}},
	} {
		t.Run(name, func(t *testing.T) {
			snapshot := load(t, map[string]string{"a.yaml": test.content}, cluster.FolderOptions{AssumeComplete: true, Strict: true})
			var got []string
			for _, secret := range snapshot.Secrets() {
				got = append(got, secret.Namespace+"/"+secret.Name+" "+string(secret.Data.Certificate))
				if snapshot.Secret(secret.Namespace, secret.Name) != secret || secret.Labels["a"] != "b" {
					t.Errorf("%s is not found, or without its labels", secret.Name)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Secrets (-want +got):\n%s", diff)
			}
			if e := snapshot.Evidence(cluster.Secrets); e.State != test.state {
				t.Errorf("evidence is %+v, want %s", e, test.state)
			}
		})
	}
}

func TestSecretsAreNeitherWatchedNorAmongTheRights(t *testing.T) {
	for _, resource := range cluster.Resources() {
		if resource.Kind == cluster.Secrets {
			t.Error("Secrets are in the table of what is watched")
		}
	}
	if !cluster.Known(cluster.Secrets) || !cluster.Polled(cluster.Secrets) {
		t.Error("Secrets are not known, or not known to be polled")
	}
}
