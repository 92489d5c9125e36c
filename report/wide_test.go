package report

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// rowsAbout are the lines of a table whose first cell is a name.
func rowsAbout(text, name string) []string {
	var rows []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, name+" ") {
			rows = append(rows, line)
		}
	}
	return rows
}

func TestEveryCheckAndEveryFindingHasOneLine(t *testing.T) {
	for _, width := range []int{0, 40, 80, 200} {
		for name, r := range samples(t) {
			text := string(written(t, styled(WriteWide, Style{Width: width}), r))
			for _, c := range r.Checks {
				if got, want := len(rowsAbout(text, c.Name)), 1+len(c.Findings)+len(c.Unknown); got != want {
					t.Errorf("%s in %d columns: check %s has %d lines, want %d:\n%s", name, width, c.Name, got, want, text)
				}
				for _, f := range c.Findings {
					if !slices.ContainsFunc(rowsAbout(text, c.Name), func(row string) bool { return strings.Contains(row, f.Object.String()+" ") }) {
						t.Errorf("%s in %d columns: the name of %s is lost:\n%s", name, width, f.Object, text)
					}
				}
			}
		}
	}
}

func TestATableIsCutToTheTerminalAndWhereThereIsNoneNotAtAll(t *testing.T) {
	r := stuck(t)
	for line := range strings.SplitSeq(string(written(t, styled(WriteWide, Style{Width: 160}), r)), "\n") {
		if utf8.RuneCountInString(line) > 160 {
			t.Errorf("a line of %d columns: %q", utf8.RuneCountInString(line), line)
		}
	}
	text := string(written(t, styled(WriteWide, Style{}), r))
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			if !strings.Contains(text, f.Message) {
				t.Errorf("%q is cut:\n%s", f.Message, text)
			}
		}
	}
	if strings.Contains(text, "…") {
		t.Errorf("something is cut:\n%s", text)
	}
}

func TestACheckTellsWhatOfItsEvidenceIsMissingElseItsAge(t *testing.T) {
	at := func(ago time.Duration) *time.Time { at := now.Add(-ago); return &at }
	evidence := map[cluster.Kind]Evidence{
		"nodes":  {State: cluster.Unread},
		"pods":   {State: cluster.Unread},
		"vmis":   {State: cluster.Partial, ReadAt: at(time.Second)},
		"addons": {State: cluster.NotInstalled},
		"old":    {State: cluster.Read, ReadAt: at(3 * time.Minute)},
		"new":    {State: cluster.Read, ReadAt: at(4 * time.Second)},
		"future": {State: cluster.Read, ReadAt: at(-4 * time.Second)},
	}
	for want, reads := range map[string][]cluster.Kind{
		"unread: nodes and 1 more": {"old", "vmis", "nodes", "pods"},
		"unread: pods":             {"pods"},
		"partial: vmis":            {"vmis", "old"},
		"3m old":                   {"new", "old", "addons"},
		"0s old":                   {"future"},
		"-":                        {"addons"},
	} {
		if got := (Check{Reads: reads}).readInShort(evidence, now); got != want {
			t.Errorf("%v: got %q, want %q", reads, got, want)
		}
	}
}

func TestFindingsAreCountedByWhatTheyDo(t *testing.T) {
	for want, c := range map[string]Check{
		"-":                                {},
		"2 blocking":                       {Findings: []Finding{{Blocks: true}, {Blocks: true}}},
		"1 blocking, 1 warning, 1 unknown": {Findings: []Finding{{Blocks: true}, {}}, Unknown: []Unknown{{Object: checks.Object{Kind: "Node", Name: "a"}}}},
	} {
		if diff := cmp.Diff(want, c.findingsInShort()); diff != "" {
			t.Error(diff)
		}
	}
}
