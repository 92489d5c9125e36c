package traffic

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
)

// Outcome is what became of one call.
type Outcome string

const (
	// InAdvance and Validated are our verdict on the stuck cluster, from the mutating and the validating phase.
	InAdvance Outcome = "refused by us in advance"
	Validated Outcome = "refused by us"
	// Undecided is our refusal because something could not be read or judged.
	Undecided Outcome = "refused by us, undecided"
	// FailedClosed is a call that the API server could not put to the gate, and therefore refused.
	FailedClosed Outcome = "refused because the gate could not be called"
	// Lost is a call to which the API server itself gave no answer: the connection failed, or it told of a failure of its own.
	Lost Outcome = "lost on the way to the gate"
	// Admitted is right on a healthy cluster, and must never be on a stuck one.
	Admitted Outcome = "ADMITTED"
	// Other is an answer that nobody expected.
	Other Outcome = "something else"
)

// classify tells what became of a call. Only the whole verdict on the stuck cluster counts as ours.
func classify(err error) Outcome {
	if err == nil {
		return Admitted
	}
	text := err.Error()
	status := apierrors.APIStatus(nil)
	says := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case says("failed calling webhook"):
		return FailedClosed
	case !errors.As(err, &status), status.Status().Code != http.StatusForbidden && !says("admission webhook"):
		return Lost
	case !apierrors.IsForbidden(err):
		return Other
	case says("denied the request: Upgrade Gate could not judge this upgrade, so it is refused: "),
		says("denied the request: Upgrade to v1.4.2 refused: nothing that blocks was found, but ") && says(" could not be judged, and what was not read does not count as passed"):
		return Undecided
	case !says("denied the request: Upgrade to v1.4.2 refused"), !says("VM billing/ledger-1 on node-2 is paused"):
		return Other
	case says(fmt.Sprintf("%q", manifests.MutatingWebhookName)):
		return InAdvance
	}
	return Validated
}
