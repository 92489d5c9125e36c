package report

import (
	"strings"
	"unicode/utf8"
)

// Style says how a text for a terminal is laid out.
type Style struct {
	// Width is how many columns there are; 0 means 100. Text uses 120 of them at most. Only a word that is longer runs over.
	Width int
	// Colour marks the verdict and headings by ANSI escape sequences. Colour never says anything that the words do not.
	Colour bool
}

func (s Style) width() int {
	if s.Width == 0 {
		return columns
	}
	return min(max(s.Width, narrowest), widest)
}

// columns is how wide text is for a reader whose width is not known.
const columns = 100

// narrowest is the width below which a text is not squeezed further, and widest the one above which lines would be too long to read.
const (
	narrowest = 40
	widest    = 120
)

// colour is the parameter of an ANSI escape sequence that marks a text.
type colour string

// The colours. All are bold as well, so that they stand out for those who tell them apart badly.
const (
	red    colour = "1;31"
	green  colour = "1;32"
	yellow colour = "1;33"
	bold   colour = "1"
)

const (
	escapeStart = "\x1b["
	escapeEnd   = "m"
)

// paint marks a text, word by word: it may be wrapped, and pagers forget colours at the end of a line.
func (s Style) paint(c colour, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	words := strings.Split(text, " ")
	for i, word := range words {
		words[i] = escapeStart + string(c) + escapeEnd + word + escapeStart + escapeEnd
	}
	return strings.Join(words, " ")
}

// columnsOf is how many columns a text takes: escape sequences take none.
func columnsOf(text string) int {
	taken := 0
	for {
		before, after, found := strings.Cut(text, escapeStart)
		taken += utf8.RuneCountInString(before)
		if !found {
			return taken
		}
		_, text, _ = strings.Cut(after, escapeEnd)
	}
}
