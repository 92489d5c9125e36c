package checks

import (
	"fmt"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// longestQuote is how many characters of another's message a finding quotes: those of Rancher and Fleet hold whole objects.
const longestQuote = 160

// abridge joins names, of many only the first three and how many more there are.
func abridge(names []string) string {
	const shown = 3
	if len(names) <= shown+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

// counted returns the singular or the plural form.
func counted(count int, one, many string) string {
	if count == 1 {
		return one
	}
	return many
}

// countedVolumes returns "1 volume" or "5 volumes".
func countedVolumes(n int) string { return counted(n, "1 volume", fmt.Sprintf("%d volumes", n)) }

// inParentheses returns " (TEXT)", or nothing where there is no text.
func inParentheses(text string) string {
	if text = cluster.Text(text); text == "" {
		return ""
	}
	return " (" + text + ")"
}

// quote returns another's message on one short line.
func quote(message string) string {
	line := []rune(strings.Join(strings.Fields(cluster.Text(message)), " "))
	if len(line) > longestQuote {
		return string(line[:longestQuote]) + "…"
	}
	return string(line)
}

// quoted returns ": MESSAGE", or nothing where there is none.
func quoted(message string) string {
	if message = quote(message); message == "" {
		return ""
	}
	return ": " + message
}

// explain returns what a condition says of itself, "REASON: MESSAGE", as far as it does.
func explain(reason, message string) string {
	if reason = cluster.Text(reason); reason == "" {
		return quote(message)
	}
	return reason + quoted(message)
}

// phaseInWords returns a phase, or words where there is none.
func phaseInWords(phase string) string {
	if phase = cluster.Text(phase); phase == "" {
		return "not yet set"
	}
	return phase
}
