package stories_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	registrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
)

// sentence is how Harvester's own webhook turns an upgrade down; it knows nothing of ours.
const sentence = "managed chart harvester is not ready, please wait for it to be ready"

// Story 6.
func TestANeighbourThatDeniesAtOnceDoesNotHideOurText(t *testing.T) {
	cluster := gatetest.Start(t, stuck, gate.ClusterOptions{})
	neighbour(t, cluster)
	gatetest.Await(t, patience, func(context.Context) error {
		refused := kubectl(t, cluster, "", "apply", "--dry-run=server", "-f", manifest)
		if !strings.Contains(refused.stderr, sentence) {
			return errors.New("the neighbour has not denied: " + refused.stderr)
		}
		return nil
	})
	gatetest.Guard(t, cluster, gate.Options{})
	for try := range 10 {
		refused := kubectl(t, cluster, "", "apply", "-f", manifest)
		if refused.code != 1 {
			t.Errorf("try %d: kubectl ended with %d, want 1", try, refused.code)
		}
		if strings.Contains(refused.stderr, sentence) {
			t.Errorf("try %d: the neighbour's denial reached the user", try)
		}
		namesEveryGuiltyObject(t, refused.stderr)
	}
}

// neighbour registers a validating webhook that denies every Upgrade at once.
func neighbour(t *testing.T, cluster *gate.Cluster) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(deny))
	certificate, err := cluster.ClusterCA.Serving("neighbour", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)

	client, err := kubernetes.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	webhooks := client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	// The example's own registration leads to nobody.
	if err := webhooks.Delete(t.Context(), "harvester-validator", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = webhooks.Create(t.Context(), &registrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "harvester-validator"},
		Webhooks: []registrationv1.ValidatingWebhook{{
			Name:         "validator.harvesterhci.io",
			ClientConfig: registrationv1.WebhookClientConfig{URL: &server.URL, CABundle: cluster.ClusterCA.PEM()},
			Rules: []registrationv1.RuleWithOperations{{
				Operations: []registrationv1.OperationType{registrationv1.Create},
				Rule:       registrationv1.Rule{APIGroups: []string{"harvesterhci.io"}, APIVersions: []string{"v1beta1"}, Resources: []string{"upgrades"}},
			}},
			SideEffects:             new(registrationv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func deny(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil {
		http.Error(w, "no admission review", http.StatusBadRequest)
		return
	}
	review.Response = &admissionv1.AdmissionResponse{
		UID:    review.Request.UID,
		Result: &metav1.Status{Status: metav1.StatusFailure, Code: http.StatusBadRequest, Reason: metav1.StatusReasonBadRequest, Message: sentence},
	}
	review.Request = nil
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review) // the API server reports what it does not get
}
