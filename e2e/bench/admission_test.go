package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

// patience bounds every wait.
const patience = 2 * time.Minute

// atLeast is how many measurements a median is taken of, however short -benchtime is.
const atLeast = 15

// measure calls the functions in turn, interleaved, so that noise of the machine meets all of them alike. It returns each
// one's median.
func measure(b *testing.B, functions ...func() error) []time.Duration {
	b.Helper()
	times := make([][]time.Duration, len(functions))
	round := func() {
		for i, function := range functions {
			begun := time.Now()
			err := function()
			times[i] = append(times[i], time.Since(begun))
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		round()
	}
	for len(times[0]) < atLeast {
		round()
	}
	b.ReportMetric(0, "ns/op")
	medians := make([]time.Duration, len(functions))
	for i := range times {
		slices.Sort(times[i])
		medians[i] = times[i][len(times[i])/2]
	}
	return medians
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// reviewer posts an AdmissionReview to the gate as the API server does, over a connection that is kept alive.
type reviewer struct {
	client *http.Client
	url    string
	body   []byte
}

func newReviewer(ctx context.Context) (*reviewer, error) {
	admin, err := kubernetes.NewForConfig(loaded.Config)
	if err != nil {
		return nil, err
	}
	configuration, err := admin.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(ctx, manifests.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the gate's authority: %w", err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(configuration.Webhooks[0].ClientConfig.CABundle)
	object, err := json.Marshal(upgrade())
	if err != nil {
		return nil, err
	}
	dryRun := true
	kind := metav1.GroupVersionKind{Group: "harvesterhci.io", Version: "v1beta1", Kind: "Upgrade"}
	resource := metav1.GroupVersionResource{Group: "harvesterhci.io", Version: "v1beta1", Resource: "upgrades"}
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "benchmark", Kind: kind, Resource: resource, RequestKind: &kind, RequestResource: &resource,
			Name: upgrade().GetName(), Namespace: upgrade().GetNamespace(), Operation: admissionv1.Create,
			Object: runtime.RawExtension{Raw: object}, DryRun: &dryRun,
		},
	})
	return &reviewer{
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}}},
		url:    fmt.Sprintf("https://localhost:%d%s?timeout=30s", loaded.gate.Port, manifests.ValidatingPath), body: body,
	}, err
}

// review returns an error unless the answer is as wanted.
func (r *reviewer) review(ctx context.Context, wantAllowed bool) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(response.Body).Decode(&review); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	switch {
	case review.Response == nil:
		return fmt.Errorf("no answer in the review, status %s", response.Status)
	case review.Response.Allowed != wantAllowed && review.Response.Result != nil:
		return fmt.Errorf("allowed is %t: %s", review.Response.Allowed, review.Response.Result.Message)
	case review.Response.Allowed != wantAllowed:
		return fmt.Errorf("allowed is %t", review.Response.Allowed)
	case !wantAllowed && !strings.Contains(review.Response.Result.Message, "the watch cache"):
		return fmt.Errorf("not refused from the watch cache: %s", review.Response.Result.Message)
	}
	return nil
}

// upgrade is the button.
func upgrade() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "harvesterhci.io/v1beta1", "kind": "Upgrade",
		"metadata": map[string]any{"name": "to-v1.4.2", "namespace": cluster.HarvesterNamespace},
		"spec":     map[string]any{"version": "v1.4.2"},
	}}
}

// setPaused pauses a virtual machine, or lets it run again, and waits until the gate says what follows from that.
func setPaused(b *testing.B, reviewer *reviewer, paused bool) {
	b.Helper()
	if err := patchPaused(b.Context(), loaded.loader, paused); err != nil {
		b.Fatal(err)
	}
	if err := gate.Await(b.Context(), patience, func(ctx context.Context) error { return reviewer.review(ctx, !paused) }); err != nil {
		b.Fatal(err)
	}
}

// pausedNamespace and pausedName name the virtual machine that is paused.
const pausedNamespace, pausedName = "team-0", "vm-00000"

func patchPaused(ctx context.Context, loader *load.Loader, paused bool) error {
	conditions := []any{map[string]any{"type": "Ready", "status": "True"}, map[string]any{"type": "LiveMigratable", "status": "True"}}
	if paused {
		conditions = append(conditions, map[string]any{"type": "Paused", "status": "True", "reason": "PausedByUser", "message": "VMI was paused by user"})
	}
	vmi := load.Reference{
		Kind:      schema.GroupVersionKind{Group: "kubevirt.io", Version: "v1", Kind: "VirtualMachineInstance"},
		Namespace: pausedNamespace, Name: pausedName,
	}
	return loader.Patch(ctx, vmi, map[string]any{"status": map[string]any{"conditions": conditions}})
}

// BenchmarkRefuse measures a refusal: handler-ms is the gate's own answer, api-server-ms the whole request as kubectl sends it.
func BenchmarkRefuse(b *testing.B) {
	needCluster(b)
	reviewer, err := newReviewer(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	setPaused(b, reviewer, true)
	defer setPaused(b, reviewer, false)
	config := rest.CopyConfig(loaded.Config)
	config.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		b.Fatal(err)
	}
	upgrades := client.Resource(schema.GroupVersionResource{Group: "harvesterhci.io", Version: "v1beta1", Resource: "upgrades"})
	medians := measure(b,
		func() error { return reviewer.review(b.Context(), false) },
		func() error {
			_, err := upgrades.Namespace(cluster.HarvesterNamespace).Create(b.Context(), upgrade(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if err == nil || !strings.Contains(err.Error(), "denied the request") {
				return fmt.Errorf("not refused by the gate: %w", errors.Join(errors.New("error"), err))
			}
			return nil
		})
	b.ReportMetric(milliseconds(medians[0]), "handler-ms")
	b.ReportMetric(milliseconds(medians[1]), "api-server-ms")
}

// BenchmarkAllow measures an admission, which rests on a live read, beside the floor: the same lists fetched raw, all at
// once, by the same identity, and thrown away.
func BenchmarkAllow(b *testing.B) {
	needCluster(b)
	reviewer, err := newReviewer(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if err := gate.Await(b.Context(), patience, func(ctx context.Context) error { return reviewer.review(ctx, true) }); err != nil {
		b.Fatal(err)
	}
	identity, err := loaded.Identity(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	floor, err := newFloor(identity.Config)
	if err != nil {
		b.Fatal(err)
	}
	medians := measure(b,
		func() error { return floor.fetch(b.Context()) },
		func() error { return reviewer.review(b.Context(), true) })
	b.ReportMetric(milliseconds(medians[0]), "floor-ms")
	b.ReportMetric(milliseconds(medians[1]), "allow-ms")
	b.ReportMetric(float64(medians[1])/float64(medians[0]), "x-floor")
	b.ReportMetric(float64(floor.bytes.Load())/1e6, "lists-MB")
	report(b, loaded.gate)
}
