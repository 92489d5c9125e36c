package webhook

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

func TestAnEventOfAnUpgradePlanStandsInTheDefaultNamespace(t *testing.T) {
	h := newHarness(t, folder(t, "paused"), hanging{}, nil)
	h.ask(t, ValidatingPath, request(func(r *admissionv1.AdmissionRequest) {
		r.Kind = metav1.GroupVersionKind{Group: "management.harvesterhci.io", Version: "v1beta1", Kind: "UpgradePlan"}
		r.Name, r.Namespace = "plan", ""
		r.Object.Raw = []byte(`{"metadata":{"name":"plan"},"spec":{"version":"v1.4.2"}}`)
	}))
	event := h.events[0]
	want := corev1.ObjectReference{APIVersion: "management.harvesterhci.io/v1beta1", Kind: "UpgradePlan", Name: "plan"}
	if diff := cmp.Diff(want, event.Regarding); diff != "" {
		t.Error(diff)
	}
	want = corev1.ObjectReference{APIVersion: "harvesterhci.io/v1beta1", Kind: "Version", Namespace: "harvester-system", Name: "v1.4.2"}
	if diff := cmp.Diff(&want, event.Related); diff != "" {
		t.Error(diff)
	}
	if event.Namespace != "default" {
		t.Errorf("the event stands in %q, want default", event.Namespace)
	}
}

func TestARefusedUpgradeHasAUIDOnlyIfItExisted(t *testing.T) {
	for operation, want := range map[admissionv1.Operation]string{admissionv1.Create: "", admissionv1.Update: "u-1"} {
		h := newHarness(t, folder(t, "paused"), hanging{}, nil)
		h.ask(t, ValidatingPath, request(func(r *admissionv1.AdmissionRequest) { r.Operation = operation }))
		if got := h.events[0].Regarding.UID; string(got) != want {
			t.Errorf("after %s the event is about UID %q, want %q", operation, got, want)
		}
	}
}

func TestAnUpgradeWhoseNameIsStillToBeGeneratedIsNamedByItsPrefix(t *testing.T) {
	h := newHarness(t, folder(t, "paused"), hanging{}, nil)
	h.ask(t, ValidatingPath, request(func(r *admissionv1.AdmissionRequest) {
		r.Name = ""
		r.Object.Raw = []byte(`{"metadata":{"generateName":"hvst-upgrade-"},"spec":{"image":"harvester-system/iso"}}`)
	}))
	event := h.events[0]
	if event.Regarding.Name != "hvst-upgrade-…" || !strings.HasPrefix(event.Name, "hvst-upgrade.") || event.Related != nil {
		t.Errorf("the event %s is about %q, related to %v", event.Name, event.Regarding.Name, event.Related)
	}
}

func TestAnEventHasAValidNameOfItsOwn(t *testing.T) {
	names := map[string]string{}
	for _, name := range []string{"hvst-upgrade-x1", "", "…", "-…", "Über/etwas", strings.Repeat("a", 253), strings.Repeat("a.", 126), strings.Repeat("ü", 200)} {
		got := eventName(name, "uid of "+name)
		if problems := validation.IsDNS1123Subdomain(got); len(problems) > 0 {
			t.Errorf("the event of %q is named %q: %v", name, got, problems)
		}
		if other, taken := names[got]; taken {
			t.Errorf("the events of %q and %q have the same name %q", name, other, got)
		}
		names[got] = name
	}
	first, again, other := eventName("a", "1"), eventName("a", "1"), eventName("a", "2")
	if first != again || first == other {
		t.Error("an event's name does not follow the admission request")
	}
}

func TestTextIsCutBetweenCharacters(t *testing.T) {
	for limit, want := range map[int]string{0: "", 1: "a", 2: "a", 3: "aü", 4: "aüb", 9: "aüb"} {
		if got := cut("aüb", limit); got != want {
			t.Errorf("at %d bytes the text is %q, want %q", limit, got, want)
		}
	}
}
