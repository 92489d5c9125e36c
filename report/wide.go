package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// none stands in a cell of a table that has nothing to say.
	none = "-"
	// narrowestCell is how much of a cell is kept, however narrow the terminal.
	narrowestCell = 24
)

// WriteWide writes a Report as two tables, for wide terminals and for grep: a line for every check, whatever its outcome, then a line
// for every finding and for everything that could not be judged. The last cell of a line is cut to the width; where the style has none,
// nothing is cut.
func WriteWide(w io.Writer, r Report, style Style) error {
	var out bytes.Buffer
	head := textWriter{&out, r, style}
	head.verdict()
	out.WriteByte('\n')
	writeTable(&out, style.Width, r.checkRows())
	if rows := r.findingRows(); len(rows) > 1 {
		out.WriteByte('\n')
		writeTable(&out, style.Width, rows)
	}
	return writeOut(w, "the report", out.Bytes())
}

// checkRows is the table of checks, its header first.
func (r Report) checkRows() [][]string {
	rows := [][]string{{"CHECK", "OUTCOME", "SEVERITY", "FINDINGS", "EVIDENCE", "BECAUSE"}}
	evidence := map[cluster.Kind]Evidence{}
	for _, e := range r.Evidence {
		evidence[e.Kind] = e
	}
	for _, c := range r.Checks {
		because := c.Because
		if c.Outcome == checks.Failed {
			because = strings.TrimSuffix(c.Title+"; "+because, "; ")
		}
		rows = append(rows, []string{c.Name, string(c.Outcome), string(c.Severity), c.findingsInShort(), c.readInShort(evidence, r.ReadAt), because})
	}
	return rows
}

// findingsInShort is "2 blocking, 1 warning".
func (c Check) findingsInShort() string {
	blocking := c.blocking()
	var parts []string
	for _, part := range []struct {
		n    int
		word string
	}{{blocking, "blocking"}, {len(c.Findings) - blocking, "warning"}, {len(c.Unknown), "unknown"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), none)
}

// readInShort says what of a check's evidence was not read, "unread: nodes"; else how old the oldest of it is, "14m".
func (c Check) readInShort(evidence map[cluster.Kind]Evidence, now time.Time) string {
	missing := map[cluster.ReadState][]string{}
	var oldest *time.Time
	for _, kind := range c.Reads {
		e := evidence[kind]
		missing[e.State] = append(missing[e.State], string(kind))
		if e.ReadAt != nil && (oldest == nil || e.ReadAt.Before(*oldest)) {
			oldest = e.ReadAt
		}
	}
	for _, state := range []struct {
		state cluster.ReadState
		word  string
	}{{cluster.Unread, "unread"}, {cluster.Partial, "partial"}} {
		if kinds := missing[state.state]; len(kinds) > 0 {
			text := state.word + ": " + kinds[0]
			if more := len(kinds) - 1; more > 0 {
				text += fmt.Sprintf(" and %d more", more)
			}
			return text
		}
	}
	if oldest == nil {
		return none
	}
	return elapsed(max(now.Sub(*oldest), 0)) + " old"
}

// findingRows is the table of findings and of what could not be judged, its header first.
func (r Report) findingRows() [][]string {
	rows := [][]string{{"CHECK", "EFFECT", "OBJECT", "SINCE", "FACT"}}
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			since := none
			if f.Since != nil {
				since = f.Since.UTC().Format(time.RFC3339)
			}
			rows = append(rows, []string{c.Name, f.effect(), f.Object.String(), since, f.Message})
		}
		for _, u := range c.Unknown {
			object := none
			if u.Object != (checks.Object{}) {
				object = u.Object.String()
			}
			rows = append(rows, []string{c.Name, "unknown", object, none, u.Because})
		}
	}
	return rows
}

// effect is what a finding does to the upgrade, in one word.
func (f Finding) effect() string {
	switch {
	case f.Blocks:
		return "blocks"
	case f.WaivedBy != "":
		return "waived"
	}
	return "warns"
}

// writeTable writes rows in columns. Only the last cell of each is cut, so that no name is lost.
func writeTable(out *bytes.Buffer, width int, rows [][]string) {
	last := len(rows[0]) - 1
	room := 0
	if width > 0 {
		room = max(width-columnsBefore(last, rows), narrowestCell)
	}
	table := tabwriter.NewWriter(out, 0, 0, columnGap, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = cmp.Or(printable(cell), none)
		}
		if room > 0 {
			cells[last] = cutCell(cells[last], room)
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	// A table in memory is always written.
	_ = table.Flush()
}

// columnGap is the space between two columns.
const columnGap = 2

// columnsBefore is where the column of a number begins.
func columnsBefore(column int, rows [][]string) int {
	begins := 0
	for i := range column {
		widest := 0
		for _, row := range rows {
			widest = max(widest, columnsOf(printable(row[i])))
		}
		begins += widest + columnGap
	}
	return begins
}

// cutCell cuts a text to so many characters, its last an ellipsis.
func cutCell(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return strings.TrimRight(string(runes[:most-1]), " ") + "…"
}
