package report

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// pageStep is a part of a remedy: what to do, and the command that does it where there is one.
type pageStep struct {
	Text    []piece
	Command string
}

// piece is a part of a sentence: plain, a command within it, or the name of a check with a link to it.
type piece struct {
	Text string
	Code bool
	Href string
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
func (l linker) remedy(raw string) []pageStep {
	text := sentence(clip(printable(raw), longestText))
	if printable(raw) != raw {
		return []pageStep{{Text: l.names(text)}}
	}
	return l.steps(text)
}

// steps takes a printable remedy apart. No word is lost.
func (l linker) steps(text string) []pageStep {
	var steps []pageStep
	from := 0
	for _, command := range commandsIn(text) {
		if command.alone {
			steps = append(steps, pageStep{Text: l.pieces(between(text[from:command.begin])), Command: text[command.begin:command.end]})
			from = command.end
		}
	}
	if rest := l.pieces(between(text[from:])); len(rest) > 0 {
		steps = append(steps, pageStep{Text: rest})
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
