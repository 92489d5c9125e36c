package webhook

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

func TestABlockedUpgradeIsRefusedFromTheCacheInBothPhases(t *testing.T) {
	for _, path := range []string{ValidatingPath, MutatingPath} {
		t.Run(path, func(t *testing.T) {
			h := newHarness(t, folder(t, "paused"), hanging{}, nil)
			answer := h.ask(t, path, request(nil))
			if answer.Allowed || answer.Result.Code != http.StatusForbidden || answer.Result.Reason != metav1.StatusReasonForbidden {
				t.Fatalf("the answer is %+v, want a refusal with 403 Forbidden", answer)
			}
			if !strings.Contains(answer.Result.Message, "default/db-1") {
				t.Errorf("the message does not name the guilty object: %s", answer.Result.Message)
			}
			if len(answer.Result.Details.Causes) != 1 || answer.Result.Details.Causes[0].Type != "paused-vms" {
				t.Errorf("the causes are %+v, want one of paused-vms", answer.Result.Details.Causes)
			}
			if len(answer.Warnings) != 1 || answer.AuditAnnotations["verdict"] != "Blocked" || len(answer.Patch) > 0 {
				t.Errorf("warnings %q, annotations %v, patch %q", answer.Warnings, answer.AuditAnnotations, answer.Patch)
			}
			h.wantEvent(t, report.ReasonRejected, corev1.EventTypeWarning)
			h.wantCount(t, "Blocked", "false")
			line := h.logged(t, "decided on an upgrade")
			if line["verdict"] != "Blocked" || line["user"] != "user-k7x2p" || line["name"] != "hvst-upgrade-x1" || line["target"] != "v1.4.2" {
				t.Errorf("the log line is %v", line)
			}
			if diff := cmp.Diff([]any{"paused-vms"}, line["failedChecks"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAReadyUpgradeIsAdmittedOnTheLiveRead(t *testing.T) {
	h := newHarness(t, folder(t, "ready"), folder(t, "ready"), nil)
	if answer := h.ask(t, ValidatingPath, request(nil)); !answer.Allowed || answer.AuditAnnotations["verdict"] != "Ready" {
		t.Fatalf("the answer is %+v, want an admission", answer)
	}
	h.wantEvent(t, report.ReasonAdmitted, corev1.EventTypeNormal)
	h.wantCount(t, "Ready", "false")
	if got := h.events[0].Regarding.UID; got != "u-1" {
		t.Errorf("the event is about UID %q, want the one that the Upgrade has from now on", got)
	}
}

func TestWhatOnlyTheLiveReadShowsIsRefusedInTheValidatingPhase(t *testing.T) {
	h := newHarness(t, folder(t, "ready"), folder(t, "paused"), nil)
	if answer := h.ask(t, MutatingPath, request(nil)); !answer.Allowed {
		t.Fatalf("the advance call answered %+v, want it to leave the decision", answer)
	}
	if len(h.events) != 0 || h.counted(t, "upgrade_gate_admissions_total") != nil {
		t.Error("a call that decides nothing was audited")
	}
	if answer := h.ask(t, ValidatingPath, request(nil)); answer.Allowed {
		t.Fatal("stale evidence admitted an upgrade")
	}
	h.wantEvent(t, report.ReasonRejected, corev1.EventTypeWarning)
}

func TestADryRunGetsTheSameVerdictAndWritesNoEvent(t *testing.T) {
	for cluster, allowed := range map[string]bool{"paused": false, "ready": true} {
		h := newHarness(t, folder(t, cluster), folder(t, cluster), nil)
		answer := h.ask(t, ValidatingPath, request(func(r *admissionv1.AdmissionRequest) { r.DryRun = new(true) }))
		if answer.Allowed != allowed {
			t.Errorf("%s: allowed is %v", cluster, answer.Allowed)
		}
		if len(h.events) != 0 {
			t.Errorf("%s: a dry run wrote %v", cluster, h.events[0])
		}
		h.wantCount(t, answer.AuditAnnotations["verdict"], "true")
		h.logged(t, "decided on an upgrade")
	}
}

func TestWhatIsUndecidedAtTheDeadlineRefuses(t *testing.T) {
	h := newHarness(t, hanging{}, hanging{}, nil)
	answer := h.ask(t, ValidatingPath+"?timeout=2s", request(nil))
	const because = "virtualmachineinstances.kubevirt.io could not be read: no answer before the deadline"
	if answer.Allowed || answer.AuditAnnotations["verdict"] != "Incomplete" || !strings.Contains(answer.Result.Message, because) {
		t.Fatalf("the answer is %+v, want a refusal that names what was not read before the deadline", answer.Result)
	}
	h.wantEvent(t, report.ReasonUndecided, corev1.EventTypeWarning)
	if answer := h.ask(t, MutatingPath+"?timeout=100ms", request(nil)); !answer.Allowed {
		t.Error("the advance call refused what it could not read")
	}
}

func TestAFailureOfTheGateItselfRefusesOnlyWhereItDecides(t *testing.T) {
	for name, change := range map[string]func(*HandlerOptions){
		"a source panics":    func(o *HandlerOptions) { o.Cached, o.Live = panicking{}, panicking{} },
		"there is no policy": func(o *HandlerOptions) { o.Policy = func() *policy.Policy { return nil } },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, folder(t, "ready"), folder(t, "ready"), change)
			answer := h.ask(t, ValidatingPath, request(nil))
			if answer.Allowed || answer.Result.Code != http.StatusForbidden || !strings.Contains(answer.Result.Message, "could not judge this upgrade") {
				t.Fatalf("the answer is %+v, want a refusal that says why", answer.Result)
			}
			h.wantEvent(t, report.ReasonUndecided, corev1.EventTypeWarning)
			h.wantCount(t, verdictError, "false")
			h.logged(t, "judging an upgrade panicked")
			if answer := h.ask(t, MutatingPath, request(nil)); !answer.Allowed || len(h.events) != 1 {
				t.Errorf("the advance call answered %+v and left %d events, want it to leave the decision", answer, len(h.events))
			}
		})
	}
}

func TestNothingIsJudgedByAWrongClock(t *testing.T) {
	for _, name := range []string{"ready", "paused"} {
		h := newHarness(t, folder(t, name), folder(t, name), func(o *HandlerOptions) {
			o.Clock = func() error { return errors.New("the clock is 365d ahead") }
		})
		if answer := h.ask(t, MutatingPath, request(nil)); !answer.Allowed {
			t.Errorf("%s: the advance call answered %+v, want it to leave the decision", name, answer)
		}
		if answer := h.ask(t, ValidatingPath, request(nil)); answer.Allowed || !strings.Contains(answer.Result.Message, "could not judge this upgrade, so it is refused: the clock is 365d ahead.") {
			t.Errorf("%s: the answer is %+v, want a refusal that names the clock", name, answer)
		}
	}
}

func TestTooManyUpgradesAtOnceWaitForTheirTurn(t *testing.T) {
	h := newHarness(t, folder(t, "ready"), folder(t, "ready"), nil)
	for range maxJudged {
		h.turns[validate].slots <- struct{}{}
		h.turns[advance].slots <- struct{}{}
	}
	if answer := h.ask(t, MutatingPath+"?timeout=50ms", request(nil)); !answer.Allowed {
		t.Errorf("the advance call answered %+v, want it to leave the decision", answer)
	}
	if answer := h.ask(t, ValidatingPath+"?timeout=50ms", request(nil)); answer.Allowed || !strings.Contains(answer.Result.Message, "4 other upgrades") {
		t.Errorf("the answer is %+v, want a refusal that tells of the others", answer)
	}
	<-h.turns[validate].slots
	for range 2 {
		if answer := h.ask(t, ValidatingPath, request(nil)); !answer.Allowed {
			t.Errorf("the answer is %+v, want an admission", answer)
		}
	}
}

func TestAPanicWhileAKindIsReadIsUnknown(t *testing.T) {
	h := newHarness(t, panickingList{}, panickingList{}, nil)
	if answer := h.ask(t, ValidatingPath, request(nil)); answer.Allowed || answer.AuditAnnotations["verdict"] != "Incomplete" {
		t.Fatalf("the answer is %+v, want Incomplete", answer)
	}
}

func TestWhatTheGateDoesNotJudgePassesWithALogLine(t *testing.T) {
	old := func(text string) func(*admissionv1.AdmissionRequest) {
		return func(r *admissionv1.AdmissionRequest) {
			r.Operation = admissionv1.Update
			r.OldObject.Raw = []byte(text)
		}
	}
	for name, change := range map[string]func(*admissionv1.AdmissionRequest){
		"another kind":            func(r *admissionv1.AdmissionRequest) { r.Kind.Kind = "Version" },
		"another group":           func(r *admissionv1.AdmissionRequest) { r.Kind.Group = "apps" },
		"a deletion":              func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Delete; r.Object.Raw = nil },
		"a connection":            func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Connect },
		"a subresource":           func(r *admissionv1.AdmissionRequest) { r.SubResource = "status" },
		"an update of the status": old(strings.Replace(upgradeToV142, `"spec"`, `"status":{},"spec"`, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, panicking{}, panicking{}, nil)
			for _, path := range []string{ValidatingPath, MutatingPath} {
				if answer := h.ask(t, path, request(change)); !answer.Allowed {
					t.Errorf("%s refused: %+v", path, answer.Result)
				}
			}
			if len(h.events) != 0 || h.logs.FilterMessage("let a request pass that the gate does not judge").Len() != 2 {
				t.Errorf("%d events and the log %+v, want no event and one line for each call", len(h.events), h.logs.All())
			}
		})
	}
}

func TestWhatTheGateJudges(t *testing.T) {
	plan := func(r *admissionv1.AdmissionRequest) {
		r.Kind = metav1.GroupVersionKind{Group: "management.harvesterhci.io", Version: "v1beta1", Kind: "UpgradePlan"}
		r.Namespace = ""
	}
	for name, change := range map[string]func(*admissionv1.AdmissionRequest){
		"an upgrade plan":         plan,
		"an upgrade without spec": func(r *admissionv1.AdmissionRequest) { r.Object.Raw = []byte(`{"metadata":{"name":"a"}}`) },
		"an upgrade from an image": func(r *admissionv1.AdmissionRequest) {
			r.Object.Raw = []byte(`{"spec":{"image":"harvester-system/iso"}}`)
		},
		"an update of the version": func(r *admissionv1.AdmissionRequest) {
			r.Operation = admissionv1.Update
			r.OldObject.Raw = []byte(strings.Replace(upgradeToV142, "v1.4.2", "v1.4.3", 1))
		},
		"an update whose old object cannot be read": func(r *admissionv1.AdmissionRequest) {
			r.Operation = admissionv1.Update
			r.OldObject.Raw = []byte(`{"spec":[]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, folder(t, "paused"), hanging{}, nil)
			if answer := h.ask(t, ValidatingPath, request(change)); answer.Allowed {
				t.Error("it passed without being judged")
			}
			if len(h.events) != 1 {
				t.Errorf("%d events, want one", len(h.events))
			}
		})
	}
}

func TestAnUpgradeThatCannotBeReadIsRefusedWhereItIsDecided(t *testing.T) {
	for name, raw := range map[string]string{"spec is a list": `{"spec":[1]}`, "there is no object": "", "the version is a number": `{"spec":{"version":7}}`} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, folder(t, "ready"), folder(t, "ready"), nil)
			change := func(r *admissionv1.AdmissionRequest) {
				if r.Object.Raw = nil; raw != "" {
					r.Object.Raw = []byte(raw)
				}
			}
			if answer := h.ask(t, ValidatingPath, request(change)); answer.Allowed || !strings.Contains(answer.Result.Message, "read the Upgrade") {
				t.Errorf("the answer is %+v, want a refusal that says what could not be read", answer.Result)
			}
			h.wantEvent(t, report.ReasonUndecided, corev1.EventTypeWarning)
			if answer := h.ask(t, MutatingPath, request(change)); !answer.Allowed {
				t.Error("the advance call refused what the API server's schema has still to judge")
			}
		})
	}
}

// counted returns the samples of a metric, each under its labels' values.
func (h *harness) counted(t *testing.T, name string) map[string]float64 {
	t.Helper()
	return samples(t, h.options.Metrics.Gatherer(), name)
}

func (h *harness) wantCount(t *testing.T, verdict, dryRun string) {
	t.Helper()
	want := map[string]float64{dryRun + " " + verdict: 1}
	if diff := cmp.Diff(want, h.counted(t, "upgrade_gate_admissions_total")); diff != "" {
		t.Error(diff)
	}
}

func (h *harness) wantEvent(t *testing.T, reason, eventType string) {
	t.Helper()
	if len(h.events) != 1 {
		t.Fatalf("%d events, want one", len(h.events))
	}
	want := &eventsv1.Event{
		ObjectMeta:          metav1.ObjectMeta{Namespace: "harvester-system"},
		ReportingController: "upgradegate.io/upgrade-gate", ReportingInstance: "upgrade-gate-abc",
		Action: "JudgeUpgrade", Reason: reason, Type: eventType,
		Regarding: corev1.ObjectReference{APIVersion: "harvesterhci.io/v1beta1", Kind: "Upgrade", Namespace: "harvester-system", Name: "hvst-upgrade-x1"},
		Related:   &corev1.ObjectReference{APIVersion: "harvesterhci.io/v1beta1", Kind: "Version", Namespace: "harvester-system", Name: "v1.4.2"},
	}
	ignored := cmp.Options{
		cmpopts.IgnoreFields(eventsv1.Event{}, "ObjectMeta.Name", "EventTime", "Note"), cmpopts.IgnoreFields(corev1.ObjectReference{}, "UID"),
	}
	got := h.events[0]
	if reason == report.ReasonUndecided && got.Related == nil {
		want.Related = nil // the object could not be read
	}
	if diff := cmp.Diff(want, got, ignored); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(got.Note, "user-k7x2p") || len(got.Note) > maxNote || got.EventTime.IsZero() {
		t.Errorf("the note (%d bytes) is %q", len(got.Note), got.Note)
	}
}
