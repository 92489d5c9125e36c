package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

const (
	// ticketLength bounds a report in Markdown: GitHub takes 65,536 characters of a comment.
	ticketLength = 60_000
	// What of it is kept for all that comes after what blocks, after what only warns, and after what could not be judged.
	afterBlocking, afterWarnings, afterUnknown = 24_000, 16_000, 8_000
	// moreLength is room for the line that counts what was left out.
	moreLength = 1_000
	// longestTicketText bounds one text within it: a fact, a remedy, a reason.
	longestTicketText = 4_000
	// longestTicketName bounds a name.
	longestTicketName = 600
)

// WriteMarkdown writes a Report for a ticket, in GitHub's Markdown: the verdict, what refuses with its remedies and their commands, what
// only warns, what could not be judged, and folded up what passed. Texts of the cluster stay texts: they make no link, no mention and no
// markup. At most 60,000 characters are written; what is left out is counted.
func WriteMarkdown(w io.Writer, r Report) error {
	ticket := ticketWriter{report: r, command: r.command(), room: ticketLength}
	ticket.head()
	ticket.findings("What blocks", true, afterBlocking)
	ticket.findings("What only warns", false, afterWarnings)
	ticket.unknown(afterUnknown)
	ticket.rest()
	return writeOut(w, "the report", ticket.out.Bytes())
}

// ticketWriter writes as long as there is room.
type ticketWriter struct {
	out    bytes.Buffer
	report Report
	// command is what shows everything, where the ticket leaves something out.
	command string
	// room is how many characters may still be written.
	room int
}

func (t *ticketWriter) write(text string) {
	t.room -= utf8.RuneCountInString(text)
	t.out.WriteString(text)
}

func (t *ticketWriter) head() {
	word, text := t.report.headline()
	t.write(fmt.Sprintf("## %s: %s\n\n%s\n\n", inline(clip(t.report.upgrade(), longestTicketName)), word, inline(clip(upperFirst(text), longestTicketText))))
	for _, fact := range []struct{ name, text string }{
		{"Target", t.report.Target}, {"Image", t.report.Image}, {"Running", t.report.Running}, {"Evidence", t.report.Source},
		{"As of", t.report.ReadAt.UTC().Format(time.RFC3339)}, {"Waivers", t.report.waivers()}, {"Policy", t.report.policy()},
		{"Not run", strings.TrimPrefix(t.report.notRun(), notRunPrefix)},
	} {
		if fact.text != "" {
			t.write(fmt.Sprintf("- %s: %s\n", fact.name, inline(clip(printable(fact.text), longestTicketName))))
		}
	}
}

// findings writes a numbered list: of every check the first finding before the second of any, as far as there is room.
func (t *ticketWriter) findings(heading string, blocking bool, keep int) {
	var entries []ticketEntry
	for _, c := range t.report.Checks {
		for _, f := range c.Findings {
			if f.Blocks == blocking {
				entries = append(entries, ticketEntry{c.Name, func() string { return t.finding(c, f) }})
			}
		}
	}
	t.list(heading, entries, keep)
}

// ticketEntry is what a list says of one check. There may be thousands, of which only those that there is room for are written.
type ticketEntry struct {
	check string
	write func() string
}

// list writes entries below a heading, numbered, and keeps room for what follows.
func (t *ticketWriter) list(heading string, entries []ticketEntry, keep int) {
	if len(entries) == 0 {
		return
	}
	t.write("\n### " + heading + "\n")
	items, blocks := make([]item, len(entries)), make([]string, len(entries))
	for i, entry := range entries {
		items[i].check = entry.check
	}
	chosen := choose(items, t.room-keep-moreLength, func(i int) int {
		blocks[i] = entries[i].write()
		return utf8.RuneCountInString(numberedBlock(len(blocks), blocks[i]))
	})
	var hidden []item
	n := 0
	for i, block := range blocks {
		if !chosen[i] {
			hidden = append(hidden, items[i])
			continue
		}
		n++
		t.write(numberedBlock(n, block))
	}
	if len(hidden) > 0 {
		t.write("\n" + inline(clip(more(hidden), moreLength/4)) + " To see everything: " + code(clip(t.command, moreLength/4)) + "\n")
	}
}

func numberedBlock(n int, block string) string {
	return "\n" + indented(fmt.Sprintf("%d. ", n), block) + "\n"
}

func (t *ticketWriter) finding(c Check, f Finding) string {
	text := fmt.Sprintf("**%s**: %s<br>%s", inline(c.Name), code(clip(printable(f.Object.String()), longestTicketName)),
		inline(clip(upperFirst(t.report.fact(f)), longestTicketText)))
	if f.WaivedBy != "" {
		text += " Waived by " + inline(clip(printable(f.WaivedBy), longestTicketName)) + "."
	}
	remedy := f.remedy()
	if remedy == "" {
		return text
	}
	remedy = sentence(printable(remedy))
	text += "\n\nTo fix: "
	if utf8.RuneCountInString(remedy) > longestTicketText {
		return text + inline(clip(remedy, longestTicketText)) // A command that is cut is no command.
	}
	for i, step := range stepsOf(remedy) {
		switch {
		case step.command:
			text += "\n" + fenced(step.text) + "\n"
		case i == 0:
			text += inline(step.text)
		default:
			text += inlineFirst(step.text)
		}
	}
	return strings.TrimRight(text, "\n")
}

func (t *ticketWriter) unknown(keep int) {
	var entries []ticketEntry
	for _, c := range t.report.Checks {
		if c.Outcome != checks.Unknown && len(c.Unknown) == 0 {
			continue
		}
		name := fmt.Sprintf("**%s**: ", inline(c.Name))
		if !c.Undecided {
			name = fmt.Sprintf("**%s** (does not refuse): ", inline(c.Name))
		}
		reasons := []string{c.Because}
		if len(c.Unknown) > 0 {
			reasons = nil
			for _, u := range c.Unknown {
				reasons = append(reasons, u.String())
			}
		}
		for _, reason := range reasons {
			entries = append(entries, ticketEntry{c.Name, func() string { return name + inline(clip(sentence(printable(reason)), longestTicketText)) }})
		}
	}
	t.list("What could not be judged", entries, keep)
}

// rest folds up the checks that found nothing.
func (t *ticketWriter) rest() {
	for _, group := range []struct {
		outcome checks.Outcome
		verb    string
	}{{checks.Passed, "passed"}, {checks.Skipped, "skipped"}} {
		var lines []string
		for _, c := range t.report.Checks {
			switch {
			case c.Outcome != group.outcome:
			case c.Because == "":
				lines = append(lines, "- "+inline(c.Name)+"\n")
			default:
				lines = append(lines, "- "+inline(c.Name)+": "+inline(clip(sentence(printable(c.Because)), longestTicketName))+"\n")
			}
		}
		if len(lines) == 0 {
			continue
		}
		t.write(fmt.Sprintf("\n<details>\n<summary>%s %s</summary>\n\n", counted(len(lines), "check"), group.verb))
		for i, line := range lines {
			if t.room < moreLength {
				t.write(fmt.Sprintf("- and %d more\n", len(lines)-i))
				break
			}
			t.write(line)
		}
		t.write("\n</details>\n")
	}
}

// upperFirst begins a text with a capital, where it begins with a word and not with a name.
func upperFirst(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if word, _, _ := strings.Cut(text, " "); strings.ContainsAny(word, "-./0123456789") {
		return text
	}
	return strings.ToUpper(string(first)) + text[size:]
}
