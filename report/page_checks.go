package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// outcomeGroup are the checks that came to one outcome.
type outcomeGroup struct {
	Class, Symbol, Word string
	Checks              []checkRow
}

// checkRow is one check of the chain: what it came to, and on what evidence.
type checkRow struct {
	Name, Title, Summary         string
	Why, Finds, Beyond, Because  string
	Severity, Waivable, Enforced string
	Refs                         []markRef
	More                         int
	Sources                      []pageSource
	Evidence                     []evidenceRow
}

// pageSource is where a rule comes from. Href is empty where that is no address.
type pageSource struct{ Text, Href string }

// evidenceRow says how one kind was read.
type evidenceRow struct {
	Kind, Class, State, Because string
	// Objects is how many there are, and Count the same in words; both are empty where that is not known.
	Objects, Count string
	// Age is how old the evidence is, and ReadAt when it was read, for machines; empty where that is not known.
	Age, ReadAt string
	// UsedBy is how many checks rest on it.
	UsedBy int
}

// mostRefs is how many findings are named in one line.
const mostRefs = 24

// outcomesOf lists every check of the chain, those that matter most first.
func outcomesOf(input Input, r Report, all []marked) []outcomeGroup {
	groups := []outcomeGroup{
		{"failed", "✕", string(checks.Failed), nil}, {"unknown", "?", string(checks.Unknown), nil},
		{"passed", "✓", string(checks.Passed), nil}, {"skipped", "–", string(checks.Skipped), nil},
	}
	refs := map[string][]markRef{}
	for _, it := range all {
		refs[it.check.Name] = append(refs[it.check.Name], it.ref)
	}
	rows := map[cluster.Kind]evidenceRow{}
	for i, row := range r.evidenceRows() {
		rows[r.Evidence[i].Kind] = row
	}
	var used []outcomeGroup
	for _, group := range groups {
		for i, c := range r.Checks {
			if string(c.Outcome) == group.Word {
				group.Checks = append(group.Checks, rowOf(c, input.Decision.Checks[i].Check, refs[c.Name], rows))
			}
		}
		if len(group.Checks) > 0 {
			used = append(used, group)
		}
	}
	return used
}

func rowOf(c Check, declared checks.Check, refs []markRef, evidence map[cluster.Kind]evidenceRow) checkRow {
	row := checkRow{
		Name: c.Name, Title: printable(c.Title), Why: printable(declared.Why), Finds: sentenceOrNothing(declared.Finds),
		Beyond: sentenceOrNothing(declared.Beyond), Because: sentenceOrNothing(clip(printable(c.Because), longestText)),
		Severity: severity(declared), Waivable: waivable(declared), Refs: refs[:min(len(refs), mostRefs)], More: max(len(refs)-mostRefs, 0),
	}
	row.Summary = c.summary()
	switch c.Enforcement {
	case policy.Warn:
		row.Enforced = "The policy lets it only warn."
	case policy.Off:
		row.Enforced = "The policy switches it off."
	}
	for _, source := range declared.Sources {
		from := pageSource{Text: source}
		if href := link(source); href != source {
			from.Href = href
		}
		row.Sources = append(row.Sources, from)
	}
	for _, kind := range c.Reads {
		row.Evidence = append(row.Evidence, evidence[kind])
	}
	return row
}

// summary says in a few words what a check came to, beside its outcome.
func (c Check) summary() string {
	blocking := c.blocking()
	var parts []string
	if blocking > 0 {
		parts = append(parts, verb(blocking, "blocks", "block"))
	}
	if warning := len(c.Findings) - blocking; warning > 0 {
		parts = append(parts, verb(warning, "warns", "warn"))
	}
	if len(c.Unknown) > 0 {
		parts = append(parts, fmt.Sprintf("%d not judged", len(c.Unknown)))
	}
	if strings.HasPrefix(c.Because, notLookedAt) {
		parts = append(parts, "not everything was looked at")
	}
	return strings.Join(parts, ", ")
}

func sentenceOrNothing(text string) string {
	if text = printable(text); text == "" {
		return ""
	}
	return sentence(text)
}

// evidenceRows says of every kind how it was read, in the order of the report.
func (r Report) evidenceRows() []evidenceRow {
	usedBy := map[cluster.Kind]int{}
	for _, c := range r.Checks {
		for _, kind := range c.Reads {
			usedBy[kind]++
		}
	}
	rows := make([]evidenceRow, 0, len(r.Evidence))
	for _, e := range r.Evidence {
		row := evidenceRow{
			Kind: string(e.Kind), Because: clip(printable(e.Because), longestText), UsedBy: usedBy[e.Kind],
			Objects: fmt.Sprint(e.Count), Count: counted(e.Count, "object"), Age: "age not known",
		}
		row.Class, row.State = stateInWords(e.State)
		if e.State != cluster.Read && e.State != cluster.Partial {
			row.Objects, row.Count, row.Age = "", "", ""
		} else if e.ReadAt != nil {
			row.ReadAt = e.ReadAt.UTC().Format(time.RFC3339)
			row.Age = ageOf(r.ReadAt.Sub(*e.ReadAt))
		}
		rows = append(rows, row)
	}
	return rows
}

// ageOf says how old evidence was when it was judged.
func ageOf(age time.Duration) string {
	if age < time.Second {
		return "read when judged"
	}
	return elapsed(age) + " old"
}

func stateInWords(state cluster.ReadState) (class, words string) {
	switch state {
	case cluster.Read:
		return "passed", "read"
	case cluster.Partial:
		return "unknown", "read in part"
	case cluster.NotInstalled:
		return "skipped", "not installed"
	case cluster.NotGranted:
		return "skipped", "not granted"
	}
	return "unknown", "not read"
}
