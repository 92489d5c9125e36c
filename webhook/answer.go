package webhook

import (
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// answer gives a report the form of an admission response.
func answer(r report.Report) admission.Response {
	response := admission.Allowed("")
	if r.Verdict != policy.Ready {
		response = refused(report.Message(r))
		response.Result.Details = &metav1.StatusDetails{Causes: report.Causes(r)}
	}
	response.Warnings = report.Warnings(r)
	response.AuditAnnotations = report.AuditAnnotations(r)
	return response
}

// refused denies with 403 Forbidden: of 422 kubectl shows only the causes, and after a 401 Harvester's UI logs the user out.
func refused(message string) admission.Response {
	return admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{
		Allowed: false,
		Result: &metav1.Status{
			Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: message,
		},
	}}
}
