package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/upgrade-gate/upgrade-gate/report"
)

// styleOf says how a text is laid out for a writer: as wide as the terminal and in colour, or plain where it is no terminal. The
// environment may forbid colour (https://no-color.org).
func styleOf(out io.Writer, getenv func(string) string) report.Style {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return report.Style{}
	}
	style := report.Style{Colour: getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
		style.Width = width
	}
	return style
}

// isTerminal tells whether a person watches what is written.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
