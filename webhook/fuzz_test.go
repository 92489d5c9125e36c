package webhook

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FuzzAdmission sends bodies to both phases over a cluster that blocks every upgrade. Nothing may panic, and nothing that is
// judged in the validating phase may pass.
func FuzzAdmission(f *testing.F) {
	for _, seed := range []func(*admissionv1.AdmissionRequest){
		nil,
		func(r *admissionv1.AdmissionRequest) { r.DryRun = new(true) },
		func(r *admissionv1.AdmissionRequest) {
			r.Kind = metav1.GroupVersionKind{Group: "management.harvesterhci.io", Version: "v1beta1", Kind: "UpgradePlan"}
			r.Namespace = ""
		},
		func(r *admissionv1.AdmissionRequest) {
			r.Operation = admissionv1.Update
			r.OldObject.Raw = []byte(strings.Replace(upgradeToV142, "v1.4.2", "v1.4.3", 1))
		},
		func(r *admissionv1.AdmissionRequest) {
			r.Operation = admissionv1.Update
			r.OldObject = r.Object
		},
		func(r *admissionv1.AdmissionRequest) {
			r.Object.Raw = []byte(`{"metadata":{"generateName":"a-"},"spec":null}`)
		},
		func(r *admissionv1.AdmissionRequest) { r.Object.Raw = []byte(`{"metadata":[],"spec":"x"}`) },
		func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Delete },
	} {
		f.Add(body(f, request(seed)))
	}
	for _, garbage := range []string{"", "{", "null", `{"request":{}}`, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"\u0000","object":[]}}`} {
		f.Add(garbage)
	}
	h := newHarness(f, folder(f, "paused"), hanging{}, nil)
	f.Fuzz(func(t *testing.T, body string) {
		h.logs.TakeAll()
		h.events = nil
		for _, phase := range []http.Handler{h.Validating(), h.Mutating()} {
			call := httptest.NewRequest(http.MethodPost, "/?timeout=1s", strings.NewReader(body))
			call.Header.Set("Content-Type", "application/json")
			answer := httptest.NewRecorder()
			phase.ServeHTTP(answer, call)
			switch answer.Code {
			case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
				continue
			case http.StatusOK:
			default:
				t.Fatalf("the status is %d", answer.Code)
			}
			var review admissionv1.AdmissionReview
			if err := json.Unmarshal(answer.Body.Bytes(), &review); err != nil || review.Response == nil || review.Response.UID == "" {
				t.Fatalf("the answer %q is none: %v", answer.Body, err)
			}
		}
		if h.logs.FilterMessage("judging an upgrade panicked").Len() > 0 {
			t.Fatalf("judging panicked: %+v", h.logs.All())
		}
		for _, decided := range h.logs.FilterMessage("decided on an upgrade").All() {
			if allowed := decided.ContextMap()["allowed"]; allowed != false {
				t.Fatalf("an upgrade of a blocked cluster passed: %v", decided.ContextMap())
			}
		}
		for _, event := range h.events {
			if event.Namespace == "" || event.Name == "" || len(event.Note) > maxNote {
				t.Fatalf("the event %+v cannot be written", event)
			}
		}
	})
}
