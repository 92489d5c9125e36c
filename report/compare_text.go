package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteDifferenceJSON writes a Difference as one JSON object. Lists are never null.
func WriteDifferenceJSON(w io.Writer, d Difference) error { return writeJSON(w, "the difference", d) }

// WriteDifferenceYAML writes the same object as YAML, its fields by name.
func WriteDifferenceYAML(w io.Writer, d Difference) error { return writeYAML(w, "the difference", d) }

// WriteDifferenceText writes a Difference for a terminal: whether it is worse, what is new, what is fixed, and what has changed otherwise.
func WriteDifferenceText(w io.Writer, d Difference, style Style) error {
	text := differenceText{style: style}
	text.line("", "  ", d.painted(style))
	for _, line := range d.header() {
		text.line("", "  ", line)
	}
	text.parts(d)
	if n := len(d.Unchanged); n > 0 {
		text.out.WriteByte('\n')
		text.line("", "  ", "Unchanged: "+counted(n, "finding")+".")
	}
	return writeOut(w, "the difference", text.out.Bytes())
}

// WriteChangeText writes a Difference for somebody who watches: when, whether it is worse, the verdict, and what has changed.
func WriteChangeText(w io.Writer, d Difference, style Style) error {
	text := differenceText{style: style}
	text.out.WriteByte('\n')
	text.line("", "  ", d.After.ReadAt.UTC().Format(time.RFC3339)+" "+d.painted(style)+" "+d.header()[0])
	text.parts(d)
	return writeOut(w, "the change", text.out.Bytes())
}

// IsNothing tells whether nothing has changed that a watcher wants to know.
func (d Difference) IsNothing() bool {
	return d.Before.Verdict == d.After.Verdict && len(d.New)+len(d.Fixed)+len(d.Lost)+len(d.Changed)+len(d.BecameUnknown)+len(d.BecameJudged) == 0
}

type differenceText struct {
	out   bytes.Buffer
	style Style
}

func (t *differenceText) line(first, following, text string) {
	wrap(&t.out, t.style, first, following, text)
}

// parts writes all lists that are not empty, but for what is unchanged.
func (t *differenceText) parts(d Difference) {
	for _, part := range d.parts() {
		if len(part.entries) == 0 {
			continue
		}
		fmt.Fprintf(&t.out, "\n%s\n", t.style.paint(part.colour, part.heading+":"))
		for i, entry := range part.entries {
			t.entry(i+1, entry)
		}
	}
}

func (t *differenceText) entry(n int, entry differenceEntry) {
	const indent = "     "
	t.line(fmt.Sprintf("%3d. ", n), indent, t.style.paint(bold, printable(entry.check)+":")+" "+printable(entry.head))
	for _, line := range entry.lines {
		t.line(indent, indent+"  ", line)
	}
}

// painted is the headline in the colour of what it says.
func (d Difference) painted(style Style) string {
	word, sentence := d.headline()
	if d.Worse {
		return style.paint(red, word) + ": " + sentence
	}
	return style.paint(green, word) + ": " + sentence
}

// headline says in one word and a sentence whether the later report is worse.
func (d Difference) headline() (word, text string) {
	refusing := 0
	for _, c := range d.BecameUnknown {
		if c.Refuses {
			refusing++
		}
	}
	fixed := ""
	if len(d.Fixed) > 0 {
		fixed = "; " + counted(len(d.Fixed), "finding") + " fixed"
	}
	switch {
	case d.Worse:
		var parts []string
		if len(d.New) > 0 {
			parts = append(parts, counted(len(d.New), "new finding"))
		}
		if refusing > 0 {
			parts = append(parts, verb(refusing, "check newly refuses because it", "checks newly refuse because they")+" cannot be judged")
		}
		return "WORSE", sentence(strings.Join(parts, ", and ") + fixed)
	case len(d.Fixed) > 0 || len(d.BecameJudged) > 0:
		return "BETTER", sentence("nothing is new" + fixed)
	}
	return "NOTHING NEW", sentence("no new finding, and no check that newly refuses because it cannot be judged")
}

// header says what was compared.
func (d Difference) header() []string {
	verdict := fmt.Sprintf("Verdict: %s, as before.", printable(string(d.After.Verdict)))
	if d.Before.Verdict != d.After.Verdict {
		verdict = fmt.Sprintf("Verdict: %s, before that %s.", printable(string(d.After.Verdict)), printable(string(d.Before.Verdict)))
	}
	lines := []string{
		verdict,
		fmt.Sprintf("Before: %s, as of %s.", printable(d.Before.Source), d.Before.ReadAt.UTC().Format(time.RFC3339)),
		fmt.Sprintf("After: %s, as of %s.", printable(d.After.Source), d.After.ReadAt.UTC().Format(time.RFC3339)),
	}
	return append(lines, d.Remarks...)
}

// differencePart is a list of a Difference, as texts show it.
type differencePart struct {
	heading string
	colour  colour
	entries []differenceEntry
}

// differenceEntry is one finding or check of it; the lines are printable sentences.
type differenceEntry struct {
	check, head string
	lines       []string
}

func (d Difference) parts() []differencePart {
	return []differencePart{
		{"New", red, d.findingEntries(d.New)},
		{"Can no longer be judged", yellow, unknownEntries("", d.BecameUnknown)},
		{"Fixed", green, d.findingEntries(d.Fixed)},
		{"Can be judged now", green, unknownEntries("before, ", d.BecameJudged)},
		{"Not seen any more, but not looked at either", yellow, d.findingEntries(d.Lost)},
		{"Changed", bold, d.findingEntries(d.Changed)},
	}
}

func (d Difference) findingEntries(changes []FindingChange) []differenceEntry {
	before, after := Report{ReadAt: d.Before.ReadAt}, Report{ReadAt: d.After.ReadAt}
	var entries []differenceEntry
	for _, change := range changes {
		entry := differenceEntry{check: change.Check}
		switch {
		case change.After == nil:
			entry.head = change.Before.Object.String()
			entry.lines = []string{before.fact(*change.Before)}
		case change.Before == nil:
			entry.head = fmt.Sprintf("%s (%s)", change.After.Object, change.After.effect())
			entry.lines = []string{after.fact(*change.After)}
		default:
			entry.head = fmt.Sprintf("%s (%s)", change.After.Object, change.After.effect())
			if was, is := change.Before.effect(), change.After.effect(); was != is {
				entry.head = fmt.Sprintf("%s (%s now, %s before)", change.After.Object, is, was)
			}
			entry.lines = []string{after.fact(*change.After)}
			if skeleton(change.Before.Message) != skeleton(change.After.Message) {
				entry.lines = append(entry.lines, "Before: "+before.fact(*change.Before))
			}
		}
		if change.After != nil {
			if remedy := change.After.remedy(); remedy != "" {
				entry.lines = append(entry.lines, "To fix: "+sentence(printable(remedy)))
			}
		}
		entries = append(entries, entry)
	}
	return entries
}

// unknownEntries are checks and why they cannot be judged, or could not before.
func unknownEntries(when string, changes []CheckChange) []differenceEntry {
	var entries []differenceEntry
	for _, change := range changes {
		entry := differenceEntry{check: change.Check, head: when + sentence(change.Because)}
		if when == "" && !change.Refuses {
			entry.head = "(does not refuse) " + entry.head
		}
		entries = append(entries, entry)
	}
	return entries
}
