package report

import (
	"fmt"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/drain"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// Origin is what a Page says of how it was made, and its Input does not know.
type Origin struct {
	// Program is the version of the program that makes the page; empty where it is not known.
	Program string
	// Check and Plan are the command lines that judge and simulate the same cluster again; where they are empty, those for the cluster
	// of the current kubeconfig are given.
	Check, Plan string
}

// Page is a report as a page for a browser: what a Report says, and pictures of the cluster and of its upgrade. WriteHTML writes it.
type Page struct{ content pageContent }

// pageContent is what the template reads. All of its texts are printable; the template escapes them.
type pageContent struct {
	Title    string
	Verdict  pageVerdict
	Facts    []pageFact
	Tally    []pageTally
	Blocks   []checkFindings
	Warns    []checkFindings
	Unknown  []unknownGroup
	Map      mapView
	Plan     planView
	Checks   []outcomeGroup
	Evidence []evidenceRow
	Asides   []string
	NotRun   []string
	Commands []pageCommand
}

// pageVerdict is the first thing that a reader sees.
type pageVerdict struct {
	Class, Symbol, Word, Upgrade, Sentence, Next string
}

// pageFact is one thing to know about the report. Stamp is the time for machines where the value is one.
type pageFact struct{ Name, Value, Stamp string }

// pageTally counts findings or checks of one sort.
type pageTally struct {
	Class, Symbol, Words, Href string
}

// pageCommand is a command line to copy, and what it is for.
type pageCommand struct{ For, Line string }

// NewPage returns the Page of one decision. It simulates the upgrade, as WritePlanSVG shows it.
func NewPage(input Input, origin Origin) Page {
	r := New(input)
	plan := NewPlan(PlanInput{
		Snapshot: input.Snapshot, Simulated: drain.Simulate(input.Snapshot, input.Request.Version), Image: input.Request.Image,
	})
	all := number(r)
	view := mapOf(input.Snapshot, all)
	sections := sectionsOf(input, r, all, view)
	return Page{content: pageContent{
		Title:    printable(r.title()),
		Verdict:  r.verdictForPage(),
		Facts:    r.factsForPage(origin),
		Tally:    r.tally(),
		Blocks:   sections.blocks,
		Warns:    sections.warns,
		Unknown:  r.unknownGroups(),
		Map:      view,
		Plan:     planViewOf(plan, newLinker(r)),
		Checks:   outcomesOf(input, r, all),
		Evidence: r.evidenceRows(),
		Asides:   r.asidesForPage(),
		NotRun:   r.NotRun,
		Commands: r.commands(origin),
	}}
}

func (r Report) title() string { return fmt.Sprintf("%s: %s", r.Verdict, r.upgrade()) }

func (r Report) verdictForPage() pageVerdict {
	v := pageVerdict{Word: string(r.Verdict), Upgrade: r.upgrade()}
	switch r.Verdict {
	case policy.Blocked:
		v.Class, v.Symbol = "blocked", "✕"
		v.Sentence = fmt.Sprintf("%s in %s would make the upgrade hang, fail or lose data.",
			counted(r.count(true), "problem"), counted(len(r.named(Check.blocks)), "check"))
		v.Next = "Repair what blocks, from the top down, then check again."
	case policy.Incomplete:
		v.Class, v.Symbol = "incomplete", "?"
		v.Sentence = fmt.Sprintf("Nothing that blocks was found, but %s could not be judged, and what was not read does not count as passed.",
			counted(len(r.undecidedChecks()), "check"))
		v.Next = "Make readable what could not be read, then check again."
	default:
		v.Class, v.Symbol = "ready", "✓"
		v.Sentence = "Nothing stands in the way of the upgrade."
		v.Next = "This holds for the cluster as it was when it was read: check again right before the upgrade."
	}
	return v
}

func (r Report) undecidedChecks() []string { return r.named(func(c Check) bool { return c.Undecided }) }

func (r Report) factsForPage(origin Origin) []pageFact {
	target := r.Target
	if r.Image != "" {
		target = "image " + r.Image
	}
	at := r.ReadAt.UTC()
	facts := []pageFact{
		{Name: "Upgrade to", Value: known(target)},
		{Name: "Running now", Value: known(r.Running)},
		{Name: "Evidence", Value: printable(r.Source)},
		{Name: "As of", Value: at.Format("2 January 2006, 15:04:05 MST"), Stamp: at.Format(time.RFC3339)},
	}
	if origin.Program != "" {
		facts = append(facts, pageFact{Name: "Upgrade Gate", Value: printable(origin.Program)})
	}
	return facts
}

// known is a value, or that there is none.
func known(value string) string {
	if value = printable(value); value != "" {
		return value
	}
	return "not known"
}

func (r Report) tally() []pageTally {
	outcomes := map[checks.Outcome]int{}
	for _, c := range r.Checks {
		outcomes[c.Outcome]++
	}
	all := []pageTally{
		tallyOf(r.count(true), "block", "✕", "problem blocks", "problems block", "#blocks"),
		tallyOf(r.count(false), "warn", "!", "warning", "warnings", "#warns"),
		tallyOf(len(r.named(Check.hasUnknown)), "unknown", "?", "check not judged in full", "checks not judged in full", "#unknown"),
		tallyOf(outcomes[checks.Passed], "passed", "✓", "check passed", "checks passed", "#checks"),
	}
	if skipped := outcomes[checks.Skipped]; skipped > 0 {
		all = append(all, tallyOf(skipped, "skipped", "–", "check skipped", "checks skipped", "#checks"))
	}
	return all
}

// tallyOf counts things of one sort. The symbol is for those that there are.
func tallyOf(n int, class, symbol, one, many, href string) pageTally {
	if n == 0 {
		class, symbol = "none", "–"
	}
	return pageTally{Class: class, Symbol: symbol, Words: verb(n, one, many), Href: href}
}

func (c Check) hasUnknown() bool { return c.Outcome == checks.Unknown || len(c.Unknown) > 0 }

// asidesForPage is what has changed the verdict beside the cluster.
func (r Report) asidesForPage() []string {
	var all []string
	for _, aside := range r.asides() {
		all = append(all, printable(aside))
	}
	return all
}

// commands are what shows the same, and more, in a terminal.
func (r Report) commands(origin Origin) []pageCommand {
	check, plan := origin.Check, origin.Plan
	if check == "" {
		check = r.command()
	}
	if plan == "" {
		plan = "upgrade-gate plan" + r.command()[len("upgrade-gate check"):]
	}
	explain := "upgrade-gate explain"
	if wrong := r.named(func(c Check) bool { return len(c.Findings) > 0 }); len(wrong) > 0 {
		explain += " " + wrong[0]
	}
	return []pageCommand{
		{"Judge the same cluster again", printable(check)},
		{"Write this page", printable(check) + " -o html > report.html"},
		{"Everything, for a program", printable(check) + " -o json"},
		{"Simulate the upgrade, node by node", printable(plan)},
		{"What a check looks for, and what to do", explain},
	}
}
