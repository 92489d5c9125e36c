package report

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// What the API server takes of a response (k8s.io/apiserver, pkg/endpoints/filters/warning.go): it cuts warnings to 256
// characters when all of one request are longer than 4,096 together, and drops those that then do not fit.
const (
	longestWarning = 256
	allWarnings    = 4096
	// maxCauses bounds the machine-readable part of a refusal.
	maxCauses = 100
	// longestAnnotation bounds one audit annotation, in bytes.
	longestAnnotation = 1024
)

// Warnings returns one warning for each finding and each check that could not be judged, what refuses first: at most 256
// characters each and without control characters, 4,096 together. The last one counts those that were left out. They are
// headers, of which a browser takes every byte for a character: nothing that we write ourselves is more than ASCII.
func Warnings(r Report) []string {
	items := append(r.findings(true), r.undecided()...)
	refusing := len(items)
	items = append(items, r.findings(false)...)
	var warnings []string
	room := allWarnings - longestWarning
	for i, it := range items {
		text := it.String()
		if i >= refusing {
			text = "(does not refuse) " + text
		}
		text = header(text)
		if room -= utf8.RuneCountInString(text); room < 0 {
			return append(warnings, fmt.Sprintf("%d more; to see everything: %s", len(items)-i, r.command()))
		}
		warnings = append(warnings, text)
	}
	return warnings
}

// header makes a text fit to be a warning. An ellipsis becomes three dots, which are two characters more.
func header(text string) string {
	dots := strings.NewReplacer("….", "...", "…", "...")
	return dots.Replace(clip(dots.Replace(text), longestWarning-len("..")))
}

// Causes returns what refuses the upgrade for programs: type is the check, field the object, message the fact and the
// remedy in full. There are at most a hundred; the last one then counts the rest.
func Causes(r Report) []metav1.StatusCause {
	var causes []metav1.StatusCause
	items := append(r.findings(true), r.undecidedSingly()...)
	for i, it := range items {
		if i == maxCauses-1 && len(items) > maxCauses {
			return append(causes, metav1.StatusCause{Message: fmt.Sprintf("%d more; to see everything: %s", len(items)-i, r.command())})
		}
		cause := metav1.StatusCause{Type: metav1.CauseType(it.check), Message: sentence(it.whole())}
		if it.object != (checks.Object{}) {
			cause.Field = it.object.String()
		}
		if it.remedy != "" {
			cause.Message += " To fix: " + sentence(printable(it.remedy))
		}
		causes = append(causes, cause)
	}
	return causes
}

// AuditAnnotations returns what the API server's audit log keeps of the decision. verdict is always there; target,
// failed-checks, unknown-checks, waivers, policy and findings where there is something to say. No value is longer than 1 KiB
// or has a line break.
func AuditAnnotations(r Report) map[string]string {
	failed := r.named(func(c Check) bool { return c.Outcome == checks.Failed })
	unknown := r.named(func(c Check) bool { return c.Outcome == checks.Unknown || len(c.Unknown) > 0 })
	annotations := map[string]string{
		"verdict":        string(r.Verdict),
		"target":         cmp.Or(r.Image, r.Target),
		"failed-checks":  strings.Join(failed, ","),
		"unknown-checks": strings.Join(unknown, ","),
		"waivers":        r.waivers(),
		"policy":         r.policy(),
		"findings":       numbered(r.decisive()),
	}
	for key, value := range annotations {
		if value == "" {
			delete(annotations, key)
			continue
		}
		annotations[key] = clipBytes(printable(value), longestAnnotation)
	}
	return annotations
}

// decisive returns what the verdict rests on: what refuses, or of an admission, what it warns of.
func (r Report) decisive() []item {
	if r.Verdict == policy.Ready {
		return r.findings(false)
	}
	return append(r.findings(true), r.undecided()...)
}

// numbered is the items in one line, without remedies, as many as an annotation or a note may have room for.
func numbered(items []item) string {
	var line strings.Builder
	for i, it := range items {
		if line.Len() > longestAnnotation {
			break
		}
		fmt.Fprintf(&line, "(%d) %s ", i+1, sentence(it.check+": "+it.fact()))
	}
	return strings.TrimSpace(line.String())
}
