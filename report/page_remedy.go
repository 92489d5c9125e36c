package report

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// step is a part of a remedy: what to do, and the command that does it where there is one.
type step struct {
	Text    []piece
	Command string
}

// piece is a part of a sentence: plain, a command within it, or the name of a check with a link to it.
type piece struct {
	Text string
	Code bool
	Href string
}

// programs begin a command in a remedy.
var programs = [...]string{"kubectl", "virtctl", "helm", "crictl", "systemctl", "timedatectl", "df", "upgrade-gate"}

// commandStart finds where a command may begin: its program, and an argument.
var commandStart = regexp.MustCompile(`(^|[ (])(` + strings.Join(programs[:], "|") + `) [a-z-]`)

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

// linker finds the names of checks in texts. A page has a place for each check.
type linker map[string]bool

func newLinker(r Report) linker {
	names := linker{}
	for _, c := range r.Checks {
		names[c.Name] = true
	}
	return names
}

// remedy takes a remedy apart into what to do and the commands that do it. Where it holds what cannot be seen, as a name may, its commands
// would not name what they seem to, and none is offered.
func (l linker) remedy(raw string) []step {
	text := sentence(clip(printable(raw), longestText))
	if printable(raw) != raw {
		return []step{{Text: l.names(text)}}
	}
	return l.steps(text)
}

// steps takes a printable remedy apart. No word is lost.
func (l linker) steps(text string) []step {
	var steps []step
	from := 0
	for _, command := range commandsIn(text) {
		if command.alone {
			steps = append(steps, step{Text: l.pieces(between(text[from:command.begin])), Command: text[command.begin:command.end]})
			from = command.end
		}
	}
	if rest := l.pieces(between(text[from:])); len(rest) > 0 {
		steps = append(steps, step{Text: rest})
	}
	for _, s := range steps {
		if len(s.Text) > 0 && s.Text[0].isProse() {
			s.Text[0].Text = capital(s.Text[0].Text)
		}
	}
	return steps
}

// isProse tells whether a piece is words, and no command that begins with a program.
func (p piece) isProse() bool {
	first, _, _ := strings.Cut(p.Text, " ")
	return !p.Code && p.Href == "" && first != "" && first[0] < utf8.RuneSelf && !slices.Contains(programs[:], first)
}

// between is a text without the stops that parted it from the command before it.
func between(text string) string { return strings.TrimSpace(strings.TrimLeft(text, " ;,.")) }

// pieces takes a text apart into plain words, commands and names of checks.
func (l linker) pieces(text string) []piece {
	var all []piece
	from := 0
	for _, command := range commandsIn(text) {
		all = append(all, l.names(text[from:command.begin])...)
		all = append(all, piece{Text: text[command.begin:command.end], Code: true})
		from = command.end
	}
	return append(all, l.names(text[from:])...)
}

// names takes a text apart at the names of checks.
func (l linker) names(text string) []piece {
	var all []piece
	plainFrom := 0
	for at := 0; at < len(text); {
		end := at + wordLength(text[at:])
		word := strings.TrimRight(text[at:end], ".")
		if l[word] {
			if plainFrom < at {
				all = append(all, piece{Text: text[plainFrom:at]})
			}
			all = append(all, piece{Text: word, Href: "#check-" + word})
			plainFrom = at + len(word)
		}
		at = max(end, at+1)
	}
	if plainFrom < len(text) {
		all = append(all, piece{Text: text[plainFrom:]})
	}
	return all
}

// wordLength is how long the word is that a text begins with.
func wordLength(text string) int {
	if end := strings.IndexAny(text, " ,;:()"); end >= 0 {
		return end
	}
	return len(text)
}
