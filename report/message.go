package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

const (
	// messageLength is how long a message is about: more than a screen is not read.
	messageLength = 1500
	// messageOverrun is how long a message may become if it then leaves out nothing.
	messageOverrun = 2500
	// longestAside bounds what is said of waivers, and of the policy.
	longestAside = 300
)

// Message returns what the API server answers to whoever asked for the upgrade: a summary, then numbered items, one on a line.
// kubectl shows it as lines; Harvester's UI shows it as one paragraph, so every item has its number and its full stop.
func Message(r Report) string {
	items := r.findings(true)
	if r.Verdict == policy.Incomplete {
		items = r.undecided()
	}
	tail := r.tail()
	used := length(r.summary())
	for _, line := range tail {
		used += length(line)
	}
	shown, hidden := fit(items, messageOverrun-used)
	if len(hidden) > 0 {
		shown, hidden = fit(items, messageLength-used)
	}
	lines := []string{r.summary()}
	for i, shownItem := range shown {
		lines = append(lines, fmt.Sprintf("(%d) %s", i+1, shownItem))
	}
	if len(hidden) > 0 {
		lines = append(lines, more(hidden))
	}
	return strings.Join(append(lines, tail...), "\n")
}

// summary is the first sentence of a message.
func (r Report) summary() string {
	switch r.Verdict {
	case policy.Blocked:
		return fmt.Sprintf("%s refused: %s in %s would make it hang, fail or lose data.", r.upgrade(),
			counted(r.count(true), "problem"), counted(len(r.named(Check.blocks)), "check"))
	case policy.Incomplete:
		undecided := r.named(func(c Check) bool { return c.Undecided })
		return fmt.Sprintf("%s refused: nothing that blocks was found, but %s could not be judged, and what was not read does not count as passed.",
			r.upgrade(), counted(len(undecided), "check"))
	}
	passed := r.named(func(c Check) bool { return c.Outcome == checks.Passed })
	return fmt.Sprintf("%s admitted: %s passed, %s.", r.upgrade(), counted(len(passed), "check"), counted(r.count(false), "warning"))
}

// tail is what follows the items.
func (r Report) tail() []string {
	var tail []string
	undecided := r.named(func(c Check) bool { return c.Undecided })
	if r.Verdict == policy.Blocked && len(undecided) > 0 {
		tail = append(tail, sentence(clip("Could not be judged: "+strings.Join(undecided, ", "), longestAside)))
	}
	for _, aside := range []string{r.waivers(), r.policy()} {
		if aside != "" {
			tail = append(tail, sentence(clip(aside, longestAside)))
		}
	}
	if r.Verdict != policy.Ready {
		tail = append(tail, "To see everything, and the commands that help: "+r.command()+".")
	}
	return append(tail, sentence(fmt.Sprintf("Evidence: %s, %s", plain(r.Source), r.ReadAt.UTC().Format(time.RFC3339))))
}

// fit chooses the items that there is room for, and keeps their order.
func fit(items []item, room int) (shown, hidden []item) {
	chosen := choose(items, room, func(i int) int { return length(items[i].String()) })
	if len(items) > 0 {
		chosen[0] = true // A message that tells nothing helps nobody.
	}
	hidden = make([]item, 0, len(items))
	for i, it := range items {
		if chosen[i] {
			shown = append(shown, it)
		} else {
			hidden = append(hidden, it)
		}
	}
	return shown, hidden
}

// choose marks the items that there is room for, given what each takes: the first of every check before the second of any, so that
// thirty paused VMs do not hide the one faulted replica.
func choose(items []item, room int, size func(int) int) []bool {
	rank, seen := make([]int, len(items)), map[string]int{}
	order := make([]int, len(items))
	for i, it := range items {
		rank[i], order[i] = seen[it.check], i
		seen[it.check]++
	}
	slices.SortStableFunc(order, func(a, b int) int { return rank[a] - rank[b] })
	chosen := make([]bool, len(items))
	for _, i := range order {
		room -= size(i)
		if room < 0 {
			break
		}
		chosen[i] = true
	}
	return chosen
}

// more says what a message leaves out, by check where that is short.
func more(hidden []item) string {
	const most = 6
	var names []string
	count := map[string]int{}
	for _, it := range hidden {
		if count[it.check]++; count[it.check] == 1 {
			names = append(names, it.check)
		}
	}
	if len(names) > most {
		return fmt.Sprintf("… and %d more, of %d checks.", len(hidden), len(names))
	}
	if len(names) == 1 {
		return fmt.Sprintf("… and %d more of %s.", len(hidden), names[0])
	}
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%d of %s", count[name], name))
	}
	return fmt.Sprintf("… and %d more: %s.", len(hidden), strings.Join(parts, ", "))
}

// length is how many characters a line takes in a message, with its number and its line break.
func length(line string) int { return utf8.RuneCountInString(line) + len("(10) \n") }
