package report

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// longestShortRemedy is how much of a remedy the message of a refusal gives.
const longestShortRemedy = 100

// remedy says what to do about a finding: for a state that ends by itself, first of all to wait.
func (f Finding) remedy() string {
	if f.Transient && !strings.HasPrefix(strings.ToLower(f.Remedy[:min(4, len(f.Remedy))]), "wait") {
		return "wait and retry; if it stays, " + f.Remedy
	}
	return f.Remedy
}

// shortRemedy is a remedy's first step: up to the first semicolon or full stop, and not much of that.
func shortRemedy(remedy string) string {
	end := len(remedy)
	for _, stop := range []string{". ", "; ", "\n"} {
		if at := strings.Index(remedy[:end], stop); at > 0 {
			end = at
		}
	}
	step := plain(remedy[:end])
	if utf8.RuneCountInString(step) <= longestShortRemedy {
		return step
	}
	// A command that is cut in half is worse than none, so the cut is before it.
	head := string([]rune(step)[:longestShortRemedy])
	if at := strings.LastIndex(head, ": "); at > longestShortRemedy/3 {
		return head[:at]
	}
	return clip(step, longestShortRemedy)
}

// age says how long before now a finding's state began: "14m ago", or "just now".
func (f Finding) age(now time.Time) string {
	if f.Since == nil || now.Sub(*f.Since) < time.Second {
		return "just now"
	}
	return elapsed(now.Sub(*f.Since)) + " ago"
}

// elapsed is a duration in its two largest units: "40s", "14m", "2h51m", "3d4h".
func elapsed(d time.Duration) string {
	seconds, minutes, hours := int(d.Seconds()), int(d.Minutes()), int(d.Hours())
	switch {
	case minutes < 1:
		return fmt.Sprintf("%ds", seconds)
	case hours < 1:
		return fmt.Sprintf("%dm", minutes)
	case hours < 24:
		return fmt.Sprintf("%dh%dm", hours, minutes%60)
	}
	return fmt.Sprintf("%dd%dh", hours/24, hours%24)
}
