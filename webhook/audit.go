package webhook

import (
	"time"

	"go.uber.org/zap"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// What stands in the place of a report's verdict where there is no report.
const (
	// verdictError is that of a request that the gate failed to judge; it is refused.
	verdictError = "Error"
	// verdictNotSure is that of an advance call that leaves the decision to the validating phase.
	verdictNotSure = "NotSure"
)

// decision is what a request came to.
type decision struct {
	phase   phase
	request admission.Request
	upgrade upgrade
	// final is false for an advance call that leaves the decision to the validating phase: it is no decision to be audited.
	final   bool
	verdict string
	answer  admission.Response
	// event is nil unless the decision is final.
	event *eventsv1.Event
	// fields go into the log.
	fields []zap.Field
	took   time.Duration
}

func (d decision) dryRun() bool { return d.request.DryRun != nil && *d.request.DryRun }

// audit records a decision exactly once: a refusal in the mutating phase ends the request, so that the validating phase
// never hears of it, and everything else is decided in the validating phase. Nothing here waits for the API server.
func (h *Handler) audit(d decision) {
	h.options.Metrics.answered(d)
	if !d.final {
		h.options.Logger.Debug("left an upgrade to the validating phase", d.logFields()...)
		return
	}
	log := h.options.Logger.Info
	if d.verdict == verdictError {
		log = h.options.Logger.Error
	}
	log("decided on an upgrade", d.logFields()...)
	if !d.dryRun() {
		h.options.Events(d.event)
	}
}

func (d decision) logFields() []zap.Field {
	fields := append(requestFields(d.phase, d.request, d.upgrade),
		zap.String("verdict", d.verdict), zap.Bool("allowed", d.answer.Allowed), zap.Bool("dryRun", d.dryRun()),
		zap.Duration("duration", d.took), zap.String("target", d.upgrade.Version), zap.String("image", d.upgrade.Image))
	return append(fields, d.fields...)
}

func requestFields(p phase, req admission.Request, u upgrade) []zap.Field {
	return []zap.Field{
		zap.String("uid", string(req.UID)), zap.String("phase", string(p)), zap.String("operation", string(req.Operation)),
		zap.String("kind", u.Object.Kind), zap.String("namespace", u.Object.Namespace), zap.String("name", u.Object.Name),
		zap.String("user", req.UserInfo.Username),
	}
}

// reportFields name what a verdict rests on.
func reportFields(r report.Report) []zap.Field {
	var failed, unknown, waivers []string
	for _, c := range r.Checks {
		if c.Outcome == checks.Failed {
			failed = append(failed, c.Name)
		}
		if c.Outcome == checks.Unknown || len(c.Unknown) > 0 {
			unknown = append(unknown, c.Name)
		}
	}
	for _, w := range r.Waivers {
		waivers = append(waivers, waiverText(w))
	}
	return []zap.Field{zap.String("source", r.Source), zap.Strings("failedChecks", failed), zap.Strings("unknownChecks", unknown), zap.Strings("waivers", waivers)}
}

func waiverText(w policy.Waiver) string {
	text := w.Check
	if w.Rule != "" {
		text += "/" + w.Rule
	}
	text += " by " + w.By
	if w.Refused != "" {
		text += ", without effect: " + w.Refused
	}
	return text
}

// logPassed tells of a request that the registrations should have kept away: nobody has judged it.
func (h *Handler) logPassed(p phase, req admission.Request, u upgrade) {
	fields := append(requestFields(p, req, u), zap.String("subresource", req.SubResource), zap.String("because", u.passed))
	h.options.Logger.Warn("let a request pass that the gate does not judge", fields...)
}
