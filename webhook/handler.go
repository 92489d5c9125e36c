package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// phase is when the API server asks.
type phase string

// The phases. Mutating comes before validating: see the advance refusal in the documentation of Handler.
const (
	advance  phase = "advance"
	validate phase = "validate"
)

// Handler judges admission requests, in two phases. In the validating phase it decides. In the mutating phase it refuses in
// advance what the watch cache shows to be blocked, so that the refusal reaches the user whatever other webhooks say later;
// what it is not sure of it lets pass to the validating phase. It never changes an object.
type Handler struct {
	options HandlerOptions
	leave   atomic.Bool
	turns   map[phase]*turns
}

// maxJudged is how many upgrades are judged at once in each phase; more wait for their turn. Anybody who can reach our port can ask for
// a judgement, each of which needs memory and time on a large cluster, though the cluster is read for all of them together; and with hundreds
// at work at once the health server would not get to say that the process is well. People ask for one upgrade at a time.
const maxJudged = 4

// turnInAdvance is how long a call of the mutating phase waits for its turn. The API server gives an object 34 seconds for
// everything, 30 of which are the validating phase's: who waits here for longer gets no answer there, in the place of a refusal that
// says why.
const turnInAdvance = time.Second

// maxFailure bounds, in bytes, what a refusal tells of a failure of the gate itself.
const maxFailure = 300

// HandlerOptions configure NewHandler. All fields are required.
type HandlerOptions struct {
	// Gate judges.
	Gate *gate.Gate
	// Cached is what is fast to refuse from, Live what an admission rests on.
	Cached, Live cluster.Source
	// Policy returns the policy that applies now.
	Policy func() *policy.Policy
	// Events takes the event of a decision. It must not block.
	Events func(*eventsv1.Event)
	// Metrics counts.
	Metrics *Metrics
	// Instance names this replica in events: the pod's name.
	Instance string
	// Now is the clock, and Clock says why it cannot be trusted; nil while it can.
	Now   func() time.Time
	Clock func() error
	// Logger gets one line for each decision.
	Logger *zap.Logger
}

// NewHandler returns a Handler.
func NewHandler(options HandlerOptions) *Handler {
	return &Handler{options: options, turns: map[phase]*turns{advance: newTurns(maxJudged), validate: newTurns(maxJudged)}}
}

// Validating returns the HTTP handler of the validating phase.
func (h *Handler) Validating() http.Handler { return h.door(validate) }

// Mutating returns the HTTP handler of the mutating phase, the advance refusal.
func (h *Handler) Mutating() http.Handler { return h.door(advance) }

// Leave makes every answer from now on end its connection, so that callers move to another replica. Calls are answered as
// before.
func (h *Handler) Leave() { h.leave.Store(true) }

func (h *Handler) door(p phase) http.Handler {
	judge := admission.HandlerFunc(func(ctx context.Context, req admission.Request) admission.Response { return h.handle(ctx, p, req) })
	return newDoor(judge, h.options.Now, &h.leave, h.options.Clock, h.options.Logger)
}

// handle turns a request into a decision, and that into an answer and what remains of it.
func (h *Handler) handle(ctx context.Context, p phase, req admission.Request) admission.Response {
	c := callOf(ctx, h.options.Now)
	if req.UID == "" {
		h.options.Logger.Warn("turned away an admission request without a UID", zap.String("phase", string(p)))
		return admission.Errored(http.StatusBadRequest, errors.New("the admission request has no uid"))
	}
	c.understood = true
	u, err := readUpgrade(req)
	if u.passed != "" {
		h.logPassed(p, req, u)
		return admission.Allowed("")
	}
	var d decision
	if err != nil {
		d = h.undecidable(p, req, u, err)
	} else {
		d = h.decide(ctx, p, req, u)
	}
	d.took = h.options.Now().Sub(c.arrived)
	h.audit(d)
	return d.answer
}

// decide judges an upgrade and prepares everything that is said of it. Whatever panics on the way costs this request only,
// and those that share its turn, and refuses them: a gate that fails open is none.
func (h *Handler) decide(ctx context.Context, p phase, req admission.Request, u upgrade) (d decision) {
	defer func() {
		if failure := recover(); failure != nil {
			d = h.undecidable(p, req, u, &panicked{failure, debug.Stack()})
		}
	}()
	rules := h.options.Policy()
	asked, err := newQuestion(u.Request, rules)
	if err != nil {
		return h.undecidable(p, req, u, err)
	}
	turnBy, judge := ctx, func(ctx context.Context) (report.Report, bool) {
		return h.options.Gate.Admit(ctx, h.options.Cached, h.options.Live, u.Request, rules), true
	}
	if p == advance {
		if err := h.options.Clock(); err != nil {
			return notSure(p, req, u, err.Error())
		}
		var cancel context.CancelFunc
		turnBy, cancel = context.WithTimeout(ctx, turnInAdvance)
		defer cancel()
		judge = func(ctx context.Context) (report.Report, bool) {
			return h.options.Gate.Advance(ctx, h.options.Cached, u.Request, rules)
		}
	}
	verdict, final, err := h.turns[p].take(ctx, turnBy, asked, judge)
	switch {
	case err != nil:
		return h.undecidable(p, req, u, err)
	case !final:
		return notSure(p, req, u, "only a live read can tell")
	}
	// Only now: a live read has heard the API server's clock.
	if err := h.options.Clock(); err != nil {
		return h.undecidable(p, req, u, err)
	}
	return h.decided(p, req, u, verdict)
}

// decided is the decision that a report makes.
func (h *Handler) decided(p phase, req admission.Request, u upgrade, r report.Report) decision {
	d := decision{phase: p, request: req, upgrade: u, final: true, verdict: string(r.Verdict), answer: answer(r), fields: reportFields(r)}
	d.event = h.event(req, u, note{reason: report.EventReason(r), text: report.EventNote(r, req.UserInfo.Username), admitted: d.answer.Allowed})
	return d
}

// undecidable is the decision about an upgrade that the gate itself fails to judge.
func (h *Handler) undecidable(p phase, req admission.Request, u upgrade, err error) decision {
	if failure := (*panicked)(nil); errors.As(err, &failure) {
		h.options.Logger.Error("judging an upgrade panicked", zap.Any("panic", failure.value), zap.ByteString("stack", failure.stack),
			zap.String("uid", string(req.UID)), zap.String("phase", string(p)))
	}
	if p == advance {
		return notSure(p, req, u, err.Error())
	}
	text := fmt.Sprintf("Upgrade Gate could not judge this upgrade, so it is refused: %s. Nothing was changed. Try again; if it stays, the log of pod %s says more under uid %s.",
		cut(strings.Join(strings.Fields(err.Error()), " "), maxFailure), h.options.Instance, req.UID)
	d := decision{phase: p, request: req, upgrade: u, final: true, verdict: verdictError, answer: refused(text), fields: []zap.Field{zap.Error(err)}}
	d.event = h.event(req, u, note{reason: report.ReasonUndecided, text: fmt.Sprintf("%s (asked for by %s)", text, req.UserInfo.Username)})
	return d
}

// notSure lets a request of the mutating phase pass to the validating phase, which decides.
func notSure(p phase, req admission.Request, u upgrade, because string) decision {
	return decision{
		phase: p, request: req, upgrade: u, verdict: verdictNotSure, answer: admission.Allowed(""),
		fields: []zap.Field{zap.String("because", because)},
	}
}
