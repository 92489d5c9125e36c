package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// longestFact bounds what one finding may take of a message.
const longestFact = 190

// saysAge finds the messages that tell themselves how long their state has lasted.
var saysAge = regexp.MustCompile(`\b(for|since|there) (\d+(s|m|h| days)\b|a day\b)| ago\b`)

// item is one thing that stands in an upgrade's way, or that is only worth a warning, as short texts say it. There may be
// thousands, of which a text holds a few: what costs time is done only for those.
type item struct {
	check  string
	object checks.Object
	// text is the fact as the check has put it, without a full stop.
	text string
	// seen is what to add of the fact's age; mostly empty.
	seen string
	// remedy is whole; empty where there is nothing to say.
	remedy string
}

// fact is what a message has room for, without a full stop.
func (i item) fact() string { return short(i.text) + i.seen }

// whole is the fact at full length, without a full stop.
func (i item) whole() string { return printable(i.text) + i.seen }

// String is the item in one sentence or two: "paused-vms: VM default/db-1 is paused. To fix: virtctl unpause vm db-1."
func (i item) String() string {
	text := sentence(i.check + ": " + i.fact())
	if remedy := shortRemedy(i.remedy); remedy != "" {
		text += " To fix: " + sentence(remedy)
	}
	return text
}

// findings returns the findings that refuse the upgrade, or those that do not, in the order of the report.
func (r Report) findings(blocking bool) []item {
	items := make([]item, 0, r.count(blocking))
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			if f.Blocks == blocking {
				items = append(items, r.findingItem(c, f))
			}
		}
	}
	return items
}

func (r Report) findingItem(c Check, f Finding) item {
	it := item{check: c.Name, object: f.Object, text: f.Message, remedy: f.remedy()}
	if f.Transient && f.Since != nil && !saysAge.MatchString(f.Message) {
		it.seen = "; first seen " + f.age(r.ReadAt)
	}
	return it
}

// undecided returns what refuses the upgrade because it is not known. Checks that lack the same evidence share one item.
func (r Report) undecided() []item {
	var items []item
	at := map[string]int{}
	for _, it := range r.undecidedSingly() {
		if i, ok := at[it.text]; ok && it.object == (checks.Object{}) {
			items[i].check += ", " + it.check
			continue
		}
		at[it.text] = len(items)
		items = append(items, it)
	}
	return items
}

// undecidedSingly is like undecided, with one item for every check and object.
func (r Report) undecidedSingly() []item {
	var items []item
	for _, c := range r.Checks {
		switch {
		case !c.Undecided:
		case len(c.Unknown) > 0:
			for _, u := range c.Unknown {
				text := fmt.Sprintf("%s could not be judged: %s", u.Object, u.Because)
				if u.Object == (checks.Object{}) {
					text = "not judged in full, because " + u.Because
				}
				items = append(items, item{check: c.Name, object: u.Object, text: text})
			}
		default:
			items = append(items, item{check: c.Name, text: "not judged, because " + c.Because})
		}
	}
	return items
}

// count counts the findings that refuse the upgrade, or those that do not.
func (r Report) count(blocking bool) int {
	n := 0
	for _, c := range r.Checks {
		if blocking {
			n += c.blocking()
		} else {
			n += len(c.Findings) - c.blocking()
		}
	}
	return n
}

// named returns the names of the checks that a test picks.
func (r Report) named(pick func(Check) bool) []string {
	var names []string
	for _, c := range r.Checks {
		if pick(c) {
			names = append(names, c.Name)
		}
	}
	return names
}

func (c Check) blocks() bool { return c.blocking() > 0 }

// blocking counts the findings that refuse the upgrade.
func (c Check) blocking() int {
	n := 0
	for i := range c.Findings {
		if c.Findings[i].Blocks {
			n++
		}
	}
	return n
}

// target names the upgrade: "to v1.4.2".
func (r Report) target() string {
	switch {
	case r.Image != "":
		return "from image " + plain(r.Image)
	case r.Target != "":
		return "to " + plain(r.Target)
	}
	return ""
}

// upgrade is "Upgrade to v1.4.2".
func (r Report) upgrade() string { return strings.TrimSpace("Upgrade " + r.target()) }

// command is what shows the same in full.
func (r Report) command() string {
	switch {
	case r.Image != "":
		return "upgrade-gate check --image " + plain(r.Image)
	case r.Target != "":
		return "upgrade-gate check --version " + plain(r.Target)
	}
	return "upgrade-gate check"
}

// policy says what the policy has changed; empty where it has changed nothing that a report shows.
func (r Report) policy() string {
	var parts []string
	if names := r.named(func(c Check) bool { return c.Enforcement == policy.Warn }); len(names) > 0 {
		parts = append(parts, "only warns of "+strings.Join(names, ", "))
	}
	if names := r.named(func(c Check) bool { return c.Enforcement == policy.Off }); len(names) > 0 {
		parts = append(parts, "switches off "+strings.Join(names, ", "))
	}
	if len(r.ExcludedNamespaces) > 0 {
		parts = append(parts, "leaves out the VMs of "+strings.Join(r.ExcludedNamespaces, ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return sentence("The policy " + strings.Join(parts, "; "))
}

// notRunPrefix begins what notRun says.
const notRunPrefix = "Not run, as asked: "

// notRun says which checks were left out by the one who asked; empty where none was.
func (r Report) notRun() string {
	if len(r.NotRun) == 0 {
		return ""
	}
	const few = 5
	left := strings.Join(r.NotRun, ", ")
	if len(r.NotRun) > few {
		left = fmt.Sprintf("%d of %d checks", len(r.NotRun), len(r.NotRun)+len(r.Checks))
	}
	return notRunPrefix + left + "."
}

// asides are sentences about what has changed the verdict beside the cluster: waivers, the policy, checks that were not run.
func (r Report) asides() []string {
	return slices.DeleteFunc([]string{r.waivers(), r.policy(), r.notRun()}, func(text string) bool { return text == "" })
}

// Warns tells whether there is a finding that does not refuse the upgrade.
func (r Report) Warns() bool { return r.count(false) > 0 }

// counted is "1 problem" or "7 problems".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
