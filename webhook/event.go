package webhook

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// controllerName is the reportingController of every event.
	controllerName = "upgradegate.io/upgrade-gate"
	// eventAction says what was attempted when the event came about.
	eventAction = "JudgeUpgrade"

	// The API server's limits for an event: bytes of the note, bytes of the reporting instance, and room for a name.
	maxNote     = 1024
	maxInstance = 128
	maxBaseName = 200
)

// note is what an event says.
type note struct {
	reason, text string
	admitted     bool
}

// event builds the event of a decision: regarding the Upgrade, related to the Version. Its name comes from the UID of the
// admission request, so that writing it twice, after an answer that got lost, gives one event.
func (h *Handler) event(req admission.Request, u upgrade, n note) *eventsv1.Event {
	namespace := cmp.Or(u.Object.Namespace, metav1.NamespaceDefault)
	event := &eventsv1.Event{
		ObjectMeta:          metav1.ObjectMeta{Namespace: namespace, Name: eventName(u.Object.Name, string(req.UID))},
		EventTime:           metav1.NewMicroTime(h.options.Now()),
		ReportingController: controllerName,
		ReportingInstance:   cut(cmp.Or(h.options.Instance, controllerName), maxInstance),
		Action:              eventAction,
		Reason:              n.reason,
		Type:                corev1.EventTypeWarning,
		Note:                cut(n.text, maxNote),
		Regarding: corev1.ObjectReference{
			APIVersion: u.Object.APIVersion, Kind: u.Object.Kind, Namespace: u.Object.Namespace, Name: u.Object.Name,
		},
	}
	if n.admitted || req.Operation != admissionv1.Create {
		// kubectl describe finds events by UID. A refused object has none that anything will ever bear.
		event.Regarding.UID = u.uid
	}
	if n.admitted {
		event.Type = corev1.EventTypeNormal
	}
	if u.Version != "" {
		event.Related = &corev1.ObjectReference{
			APIVersion: cluster.HarvesterGV().String(), Kind: "Version", Name: u.Version,
			Namespace: cmp.Or(u.Object.Namespace, cluster.HarvesterNamespace),
		}
	}
	return event
}

// eventName returns NAME.HASH; a name that an object cannot have, such as one that has still to be generated, loses its end.
func eventName(name, uid string) string {
	sum := sha256.Sum256([]byte(uid))
	base := strings.TrimRight(strings.TrimSuffix(cut(name, maxBaseName), "…"), "-.")
	if len(validation.IsDNS1123Subdomain(base)) > 0 {
		base = "upgrade"
	}
	return base + "." + hex.EncodeToString(sum[:8])
}

// cut returns at most limit bytes of text, never half a character.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}
