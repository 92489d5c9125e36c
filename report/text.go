package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// WriteText writes a Report for a terminal: the verdict, what refuses, what only warns, what is not known, and in one line
// each what passed, what a check did not look at, and what does not apply.
func WriteText(w io.Writer, r Report, style Style) error {
	var out bytes.Buffer
	text := textWriter{&out, r, style}
	text.verdict()
	text.findings(red, "What blocks", true)
	text.findings(yellow, "What only warns", false)
	text.unknown()
	text.rest()
	return writeOut(w, "the report", out.Bytes())
}

type textWriter struct {
	out    *bytes.Buffer
	report Report
	style  Style
}

// line writes a text, wrapped, with a first and a following indentation.
func (t textWriter) line(first, following, text string) { wrap(t.out, t.style, first, following, text) }

func (t textWriter) heading(c colour, text string) {
	fmt.Fprintf(t.out, "\n%s\n", t.style.paint(c, text+":"))
}

func (t textWriter) verdict() {
	r := t.report
	word, text := r.headline()
	colours := map[policy.Verdict]colour{policy.Ready: green, policy.Blocked: red, policy.Incomplete: yellow}
	t.line("", "  ", t.style.paint(colours[r.Verdict], word)+": "+text)
	t.line("", "  ", r.origin())
	for _, aside := range r.asides() {
		t.line("", "  ", aside)
	}
}

func (t textWriter) findings(c colour, heading string, blocking bool) {
	n := 0
	for _, check := range t.report.Checks {
		for _, f := range check.Findings {
			if f.Blocks != blocking {
				continue
			}
			if n++; n == 1 {
				t.heading(c, heading)
			}
			t.finding(n, check, f)
		}
	}
}

func (t textWriter) finding(n int, c Check, f Finding) {
	const indent = "     "
	t.line(fmt.Sprintf("%3d. ", n), indent, t.style.paint(bold, c.Name+":")+" "+printable(f.Object.String()))
	t.line(indent, indent, t.report.fact(f))
	if f.WaivedBy != "" {
		t.line(indent, indent, "Waived by "+printable(f.WaivedBy)+".")
	}
	if remedy := f.remedy(); remedy != "" {
		t.line(indent+"To fix: ", indent+"  ", sentence(printable(remedy)))
	}
}

// unknown lists the checks that could not be judged, or not for every object. Checks that lack the same evidence share a line.
func (t textWriter) unknown() {
	var order []string
	names, gaps := map[string][]string{}, map[string][]Unknown{}
	for _, c := range t.report.Checks {
		if c.Outcome != checks.Unknown && len(c.Unknown) == 0 {
			continue
		}
		name := t.style.paint(bold, c.Name)
		if !c.Undecided {
			name += " (does not refuse)"
		}
		key, shared := c.lacks()
		if !shared {
			key = "check " + c.Name
			gaps[key] = c.Unknown
		}
		if names[key] == nil {
			order = append(order, key)
		}
		names[key] = append(names[key], name)
	}
	if len(order) > 0 {
		t.heading(yellow, "What could not be judged")
	}
	for _, key := range order {
		title := strings.Join(names[key], ", ") + ":"
		if gaps[key] == nil {
			t.line("  - ", "    ", title+" "+sentence(printable(key)))
			continue
		}
		t.line("  - ", "    ", title)
		for _, u := range gaps[key] {
			t.line("    - ", "      ", sentence(printable(u.String())))
		}
	}
}

// rest names the checks that found nothing.
func (t textWriter) rest() {
	passed := t.report.named(func(c Check) bool { return c.Outcome == checks.Passed })
	var skipped []string
	for _, c := range t.report.Checks {
		if c.Outcome == checks.Skipped {
			skipped = append(skipped, fmt.Sprintf("%s (%s)", c.Name, printable(c.Because)))
		}
	}
	t.out.WriteByte('\n')
	if len(passed) > 0 {
		t.line("", "  ", t.style.paint(green, "Passed:")+" "+strings.Join(passed, ", ")+".")
	}
	for _, c := range t.report.Checks {
		if leftOut, ok := strings.CutPrefix(c.Because, notLookedAt); ok {
			t.line("  ", "    ", sentence("not looked at in "+c.Name+": "+printable(leftOut)))
		}
	}
	if len(skipped) > 0 {
		t.line("", "  ", t.style.paint(bold, "Skipped:")+" "+strings.Join(skipped, ", ")+".")
	}
}

// wrap writes a text in lines that are as long as the style allows, broken between words.
func wrap(out *bytes.Buffer, style Style, first, following, text string) {
	out.WriteString(first)
	used, atStart, width := columnsOf(first), true, style.width()
	for _, word := range strings.Fields(text) {
		size := columnsOf(word)
		switch {
		case atStart:
		case used+1+size > width:
			out.WriteString("\n" + following)
			used = columnsOf(following)
		default:
			out.WriteByte(' ')
			used++
		}
		out.WriteString(word)
		used += size
		atStart = false
	}
	out.WriteByte('\n')
}
