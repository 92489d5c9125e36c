package report

import (
	"regexp"
	"slices"
	"strings"
)

// step is a part of a remedy: prose, or a command to paste.
type step struct {
	text    string
	command bool
}

// stepsOf takes a remedy apart into prose and the commands that stand on their own in it: after a colon, a semicolon, "then" or "with", up to
// the next semicolon, full stop or comma. A command that the sentence goes on from ("kubectl get pods shows them") stays prose, for what is
// pasted must be a command and nothing else. The texts of the steps are the remedy but for the punctuation and the spaces around commands.
func stepsOf(remedy string) []step {
	text := printable(remedy)
	var steps []step
	from := 0
	prose := func(text string) {
		if text = between(text); text != "" {
			steps = append(steps, step{text: text})
		}
	}
	for _, command := range commandsIn(text) {
		if command.alone && text == remedy {
			prose(text[from:command.begin])
			steps = append(steps, step{text: text[command.begin:command.end], command: true})
			from = command.end
		}
	}
	prose(text[from:])
	return steps
}

// between is a text without the stops that parted it from the command before it.
func between(text string) string { return strings.TrimSpace(strings.TrimLeft(text, " ;,.")) }

// programs begin a command in a remedy.
var programs = [...]string{"kubectl", "virtctl", "helm", "crictl", "systemctl", "timedatectl", "df", "upgrade-gate"}

// commandStart finds where a command may begin: its program, and an argument or the end of the text.
var commandStart = regexp.MustCompile(`(^|[ (])(` + strings.Join(programs[:], "|") + `)( [a-z-]|$)`)

// proseAfter begins a sentence that goes on after a command without a stop between them.
var proseAfter = regexp.MustCompile(`^ (and (set|` + strings.Join(programs[:], "|") + `)|shows|lists|names|finds|on the node)\b`)

// safeWord is what a command may hold outside of quotes. Names of the cluster stand in commands, and those of a file may be anything: what a
// shell would take for more than words is not offered to be copied.
var safeWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+~*\[\]{}-]*$`)

// commandSpan is where a command stands in a text. alone is true for one that is a step of its own, and not a part of a sentence.
type commandSpan struct {
	begin, end int
	alone      bool
}

// commandsIn finds the commands in a remedy. A text that only looks like a command is none.
func commandsIn(text string) []commandSpan {
	var all []commandSpan
	for from := 0; from < len(text); {
		match := commandStart.FindStringSubmatchIndex(text[from:])
		if match == nil {
			break
		}
		begin := from + match[4]
		end, ok := commandEnd(text, begin)
		if ok && safeCommand(text[begin:end]) {
			all = append(all, commandSpan{begin, end, standsAlone(text[:begin], text[end:])})
		} else {
			end = begin + 1
		}
		from = end
	}
	return all
}

// commandEnd returns where a command ends: at a stop outside of quotes, or where the sentence goes on. It is false for open quotes.
func commandEnd(text string, begin int) (int, bool) {
	quote, depth := byte(0), 0
	for i := begin; i < len(text); i++ {
		c, last := text[i], i+1 == len(text)
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(':
			depth++
		case c == ')' && depth == 0, c == ';':
			return i, true
		case c == ')':
			depth--
		case (c == '.' || c == ',' || c == ':') && (last || text[i+1] == ' '):
			return i, true
		case c == ' ' && proseAfter.MatchString(text[i:]):
			return i, true
		}
	}
	return len(text), quote == 0
}

// safeCommand tells whether a shell runs exactly the programs that a remedy can mean, with words as their arguments.
func safeCommand(command string) bool {
	program := true
	for i, part := range strings.Split(command, "'") {
		if i%2 == 1 {
			continue // What stands between quotes is a word, whatever it is.
		}
		for word := range strings.FieldsSeq(part) {
			switch {
			case word == "&&":
				program = true
				continue
			case program && !slices.Contains(programs[:], word), !safeWord.MatchString(word):
				return false
			}
			program = false
		}
	}
	return strings.Count(command, "'")%2 == 0
}

// standsAlone tells whether a command between two texts is a step of its own.
func standsAlone(before, after string) bool {
	before = strings.TrimRight(before, " ")
	begins := slices.ContainsFunc([]string{":", ";", " then", " with"}, func(end string) bool { return strings.HasSuffix(before, end) })
	return (begins || before == "") && (after == "" || strings.ContainsAny(after[:1], ";.,"))
}
