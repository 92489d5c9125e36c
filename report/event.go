package report

import (
	"fmt"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// Reasons of the event that every decision leaves.
const (
	ReasonAdmitted  = "UpgradeAdmitted"
	ReasonRejected  = "UpgradeRejected"
	ReasonUndecided = "UpgradeUndecided"
)

// longestNote is what the API server takes of an event's note, in bytes (k8s.io/kubernetes, pkg/apis/core/validation, events.go).
const longestNote = 1024

// longestUser is how much of a user's name a note gives.
const longestUser = 60

// EventReason returns the reason of the event that tells of a decision.
func EventReason(r Report) string {
	switch r.Verdict {
	case policy.Ready:
		return ReasonAdmitted
	case policy.Blocked:
		return ReasonRejected
	}
	return ReasonUndecided
}

// EventNote returns what the event says: who asked, the failed checks, the waivers, and as many findings as fit into 1,024 bytes.
func EventNote(r Report, user string) string {
	parts := []string{r.summary(), fmt.Sprintf("Asked for by %s.", shortenWord(strings.ReplaceAll(printable(user), " ", "_"), longestUser))}
	failed := r.named(func(c Check) bool { return c.Outcome == checks.Failed })
	unknown := r.named(func(c Check) bool { return c.Undecided })
	for _, list := range []struct {
		word  string
		names []string
	}{{"Failed", failed}, {"Not judged", unknown}} {
		if len(list.names) > 0 {
			parts = append(parts, sentence(clip(list.word+": "+strings.Join(list.names, ", "), longestAside)))
		}
	}
	for _, aside := range []string{r.waivers(), r.policy()} {
		if aside != "" {
			parts = append(parts, sentence(clip(aside, longestAside)))
		}
	}
	if findings := numbered(r.decisive()); findings != "" {
		parts = append(parts, findings)
	}
	return clipBytes(strings.Join(parts, " "), longestNote)
}
