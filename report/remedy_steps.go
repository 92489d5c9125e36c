package report

import (
	"slices"
	"strings"
)

// step is a part of a remedy: prose, or a command to paste.
type step struct {
	text    string
	command bool
}

// stepsOf takes a remedy apart into prose and the commands that stand on their own in it: after a colon or a semicolon, up to the next
// semicolon, full stop or comma. A command that the sentence goes on from ("kubectl get pods shows them") stays prose, for what is pasted
// must be a command and nothing else. The texts of the steps are the remedy but for the punctuation and the spaces around commands.
func stepsOf(remedy string) []step {
	words := strings.Fields(printable(remedy))
	var steps []step
	var prose []string
	flush := func() {
		if len(prose) > 0 {
			steps = append(steps, step{text: strings.Join(prose, " ")})
			prose = nil
		}
	}
	for i := 0; i < len(words); {
		end := commandAt(words, i)
		if end == i {
			prose = append(prose, words[i])
			i++
			continue
		}
		flush()
		command := strings.TrimRight(strings.Join(words[i:end], " "), ";,.")
		steps = append(steps, step{text: command, command: true})
		i = end
	}
	flush()
	return steps
}

// commandAt returns where a command that begins at a word ends; the same place where none begins.
func commandAt(words []string, begin int) int {
	programs := []string{"kubectl", "virtctl", "crictl", "upgrade-gate", "timedatectl"}
	stands := begin == 0 || strings.HasSuffix(words[begin-1], ":") || strings.HasSuffix(words[begin-1], ";")
	if !stands || !slices.Contains(programs, words[begin]) {
		return begin
	}
	quoted := false
	for i := begin; i < len(words); i++ {
		word := words[i]
		quoted = quoted != (strings.Count(word, "'")%2 == 1)
		switch {
		case quoted:
		case strings.HasSuffix(word, ";"), strings.HasSuffix(word, ","), strings.HasSuffix(word, "."):
			return i + 1
		case isProse(word):
			return begin
		}
	}
	if quoted {
		return begin
	}
	return len(words)
}

// isProse tells whether a word is one that no command has and that sentences go on with.
func isProse(word string) bool {
	return slices.Contains([]string{
		"and", "or", "then", "lists", "shows", "tells", "with", "until", "on", "for", "in", "to", "of", "is", "which", "where", "without", "if", "by",
	}, word) || strings.ContainsAny(word, "()") && !strings.ContainsAny(word, "$'\"=")
}
