package checks

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// Outcome is what a check came to.
type Outcome string

// The four outcomes.
const (
	// Passed means that all evidence was read and nothing is wrong.
	Passed Outcome = "Passed"
	// Failed means that something is wrong; there is a finding for each.
	Failed Outcome = "Failed"
	// Skipped means that the check does not apply; Because says why.
	Skipped Outcome = "Skipped"
	// Unknown means that the check could not be judged; Because says why.
	Unknown Outcome = "Unknown"
)

// Result is what one check came to.
type Result struct {
	// Check is the check.
	Check Check
	// Outcome is what it came to.
	Outcome Outcome
	// Because gives the reason of Skipped and Unknown; otherwise it is empty.
	Because string
	// Findings are what is wrong, sorted; empty unless Failed.
	Findings []Finding
	// Gaps are the objects that could not be judged, sorted. A Failed check can have them too.
	Gaps []Gap
	// LeftOut are the parts of itself that the check did not look at, each with its reason, sorted and without duplicates.
	// They do not change the outcome; mostly there are none.
	LeftOut []string
	// Duration is how long the check ran.
	Duration time.Duration
}

// Input is what the chain runs on.
type Input struct {
	Snapshot *cluster.Snapshot
	Request  Request
	Settings Settings
	// Plans keeps what the rolling upgrade would do from one run to the next; nil keeps nothing.
	Plans *drain.Plans

	plan func() drain.Plan
}

// Run runs checks over a Snapshot, several at once, and returns one result for each, in their order. It returns when all
// are done or ctx ends; a check that is not done by then is Unknown. A check that panics or errs is Unknown for itself only.
func Run(ctx context.Context, list []Check, input Input) []Result {
	type numbered struct {
		at     int
		result Result
	}
	input.plan = sync.OnceValue(func() drain.Plan { return input.Plans.Of(input.Snapshot, input.Request.targetName()) })
	done := make(chan numbered, len(list))
	next := make(chan int, len(list))
	for i := range list {
		next <- i
	}
	close(next)
	for range min(runtime.GOMAXPROCS(0), len(list)) {
		go func() {
			for i := range next {
				if ctx.Err() != nil {
					return
				}
				done <- numbered{i, runOne(list[i], input)}
			}
		}()
	}
	results := make([]Result, len(list))
	for range list {
		select {
		case n := <-done:
			results[n.at] = n.result
		case <-ctx.Done():
			return giveUpOnRest(list, results)
		}
	}
	return results
}

func giveUpOnRest(list []Check, results []Result) []Result {
	for i := range results {
		if results[i].Outcome == "" {
			results[i] = Result{Check: list[i], Outcome: Unknown, Because: "the check was not done before the deadline"}
		}
	}
	return results
}

func runOne(check Check, input Input) (result Result) {
	started := time.Now()
	defer func() {
		if failure := recover(); failure != nil {
			result = Result{Check: check, Outcome: Unknown, Because: fmt.Sprintf("the check itself failed: %v", failure)}
		}
		result.Duration = time.Since(started)
	}()
	if outcome, because := applicable(check, input); outcome != "" {
		return Result{Check: check, Outcome: outcome, Because: because}
	}
	pass := &Pass{Snapshot: input.Snapshot, Request: input.Request, Settings: input.Settings, plan: input.plan}
	if err := check.Run(pass); err != nil {
		return Result{Check: check, Outcome: Unknown, Because: err.Error()}
	}
	for _, part := range partlyRead(check, input.Snapshot) {
		pass.UnknownPart(part)
	}
	return conclude(check, pass)
}

// applicable says whether a check is Skipped or Unknown before it runs; the outcome is empty if it can run.
func applicable(check Check, input Input) (Outcome, string) {
	if because := outsideVersions(check, input.Request); because != "" {
		return Skipped, because
	}
	var missing []string
	for _, kind := range check.Needs {
		switch evidence := input.Snapshot.Evidence(kind); evidence.State {
		case cluster.Unread:
			return Unknown, fmt.Sprintf("%s could not be read: %s", kind, evidence.Because)
		case cluster.NotInstalled, cluster.NotGranted:
			missing = append(missing, evidence.Because)
		}
	}
	for _, kind := range check.Uses {
		if evidence := input.Snapshot.Evidence(kind); evidence.State == cluster.Unread {
			return Unknown, fmt.Sprintf("%s could not be read: %s", kind, evidence.Because)
		}
	}
	if parts := partlyRead(check, input.Snapshot); len(parts) > 0 && !check.ByNamespace {
		return Unknown, strings.Join(parts, "; ") // Whether what is missing explains what is there, nobody can tell.
	}
	if len(missing) > 0 {
		return Skipped, strings.Join(missing, "; ")
	}
	return "", ""
}

// partlyRead says why evidence of a check is Partial, each reason once: checks that lack the same say so in the same words. Kinds that the
// check asks about itself are left to it.
func partlyRead(check Check, s *cluster.Snapshot) []string {
	var reasons []string
	for _, kind := range slices.Concat(check.Needs, check.Uses) {
		evidence := s.Evidence(kind)
		if evidence.State != cluster.Partial || slices.Contains(check.AsksKnown, kind) {
			continue
		}
		if reason := "the evidence could be read only in part: " + evidence.Because; !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

// outsideVersions says why a check does not apply to a request's target; empty where it does. Where the target is not known, a
// check with bounds does not apply: whether it is within them cannot be said, and the reason says so.
func outsideVersions(check Check, request Request) string {
	bounds, target := check.Bounds(), request.target()
	switch {
	case bounds == "":
		return ""
	case target == nil:
		return bounds + ", and " + targetless(request)
	case check.Since != "" && !atLeast(target, check.Since):
		return bounds
	case check.Until != "" && target.GreaterThan(version.MustParseSemantic(check.Until)):
		return bounds // A pre-release of a later release is greater, too; one of Until's own is not.
	}
	return ""
}

// targetless says why the target version of a request is not known.
func targetless(request Request) string {
	switch {
	case request.Image != "":
		return "an upgrade from an image does not tell its version"
	case request.Version == "":
		return "no version was named"
	}
	return request.Version + " is no release number"
}

func conclude(check Check, pass *Pass) Result {
	slices.Sort(pass.leftOut)
	result := Result{Check: check, Outcome: Passed, Findings: pass.findings, Gaps: pass.gaps, LeftOut: slices.Compact(pass.leftOut)}
	for i := range result.Findings {
		f := &result.Findings[i]
		if f.Severity == "" || check.Severity == Warn {
			f.Severity = check.Severity
		}
		if f.Remedy == "" {
			f.Remedy = check.Remedy
		}
	}
	sortFindings(result.Findings)
	sortGaps(result.Gaps)
	switch {
	case len(result.Findings) > 0:
		result.Outcome = Failed
	case len(result.Gaps) > 0:
		result.Outcome = Unknown
		result.Because = becauseOf(result.Gaps)
	case pass.skipped != "":
		result.Outcome = Skipped
		result.Because = pass.skipped
	}
	return result
}

// becauseOf sums up gaps: how many objects could not be judged, and what of it belongs to none.
func becauseOf(gaps []Gap) string {
	first := gaps[0].String()
	if len(gaps) == 1 {
		return first
	}
	objects := len(gaps)
	var rest []string
	for _, gap := range gaps {
		if gap.Object == (Object{}) {
			objects--
			rest = append(rest, gap.Because)
		}
	}
	text := strings.Join(rest, "; ")
	if objects > 0 {
		text = strings.TrimSuffix(fmt.Sprintf("%s could not be judged, the first is %s; %s", counted(objects, "1 object", fmt.Sprintf("%d objects", objects)), first, text), "; ")
	}
	return text
}

// Blocks tells whether the result holds a finding that blocks, before policy.
func (r Result) Blocks() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == Block })
}
