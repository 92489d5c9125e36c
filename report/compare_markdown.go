package report

import (
	"fmt"
	"io"
)

// WriteDifferenceMarkdown writes a Difference for a ticket, in GitHub's Markdown, at most 60,000 characters of it. Texts of the cluster stay
// texts, as in WriteMarkdown.
func WriteDifferenceMarkdown(w io.Writer, d Difference) error {
	ticket := ticketWriter{room: ticketLength, command: "upgrade-gate diff OLD NEW", report: Report{Target: d.After.Target, Image: d.After.Image}}
	word, text := d.headline()
	ticket.write(fmt.Sprintf("## %s: %s\n\n%s\n\n", inline(clip(ticket.report.upgrade(), longestTicketName)), word, inline(upperFirst(text))))
	for _, line := range d.header() {
		ticket.write("- " + inline(clip(line, longestTicketName)) + "\n")
	}
	parts := d.parts()
	for i, part := range parts {
		var entries []ticketEntry
		for _, entry := range part.entries {
			entries = append(entries, ticketEntry{entry.check, func() string { return ticketOf(entry) }})
		}
		ticket.list(part.heading, entries, afterDifference*(len(parts)-1-i))
	}
	if n := len(d.Unchanged); n > 0 {
		ticket.write("\nUnchanged: " + counted(n, "finding") + ".\n")
	}
	return writeOut(w, "the difference", ticket.out.Bytes())
}

// afterDifference is what each list of a Difference leaves to each that follows.
const afterDifference = 7_000

func ticketOf(entry differenceEntry) string {
	text := fmt.Sprintf("**%s**: %s", inline(entry.check), inline(clip(printable(entry.head), longestTicketName)))
	for _, line := range entry.lines {
		text += "<br>" + inline(clip(line, longestTicketText))
	}
	return text
}
