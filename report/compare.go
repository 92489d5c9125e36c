package report

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// Difference is what has changed from one Report to another. Lists are in the order of the later report, those of what it no longer has in
// that of the earlier one.
type Difference struct {
	SchemaVersion string `json:"schemaVersion"`
	// Before and After are the two reports in short.
	Before Compared `json:"before"`
	After  Compared `json:"after"`
	// Worse is true when a finding is new, or a check newly refuses the upgrade because it cannot be judged.
	Worse bool `json:"worse"`
	// Remarks say in a sentence each why the two may not be comparable.
	Remarks []string `json:"remarks"`
	// New are the findings that were not there, or that did not block and now do. Before is left out of those that were not there.
	New []FindingChange `json:"new"`
	// Fixed are the findings that are gone.
	Fixed []FindingChange `json:"fixed"`
	// Lost are the findings that the later report does not have because it did not look, or could not: they may still be there.
	Lost []FindingChange `json:"lost"`
	// Changed are the findings that are there still, with another fact or without blocking any longer.
	Changed []FindingChange `json:"changed"`
	// Unchanged are the findings of both reports.
	Unchanged []FindingChange `json:"unchanged"`
	// BecameUnknown are the checks that cannot be judged, or of which more cannot be.
	BecameUnknown []CheckChange `json:"becameUnknown"`
	// BecameJudged are the checks that could not be judged, or not in full, and now are.
	BecameJudged []CheckChange `json:"becameJudged"`
}

// Compared is one of two reports in short. Its fields are those of Report.
type Compared struct {
	Verdict policy.Verdict `json:"verdict"`
	Target  string         `json:"target"`
	Image   string         `json:"image,omitempty"`
	Running string         `json:"running,omitempty"`
	Source  string         `json:"source"`
	ReadAt  time.Time      `json:"readAt"`
}

// FindingChange is one finding of a check, as it was and as it is.
type FindingChange struct {
	Check string `json:"check"`
	// Before is left out where the earlier report does not have the finding, After where the later one does not.
	Before *Finding `json:"before,omitempty"`
	After  *Finding `json:"after,omitempty"`
}

// CheckChange is one check, and why it cannot or could not be judged.
type CheckChange struct {
	Check   string `json:"check"`
	Because string `json:"because"`
	// Refuses is true when that refuses the upgrade, or did.
	Refuses bool `json:"refuses"`
}

// Compare returns what has changed from one report to another. A finding is the same when check, object and rule are; where a check has
// several of these, its words must be the same as well, whatever the numbers in them.
func Compare(before, after Report) Difference {
	d := Difference{
		SchemaVersion: SchemaVersion, Before: compared(before), After: compared(after), Remarks: remarks(before, after),
		New: []FindingChange{}, Fixed: []FindingChange{}, Lost: []FindingChange{}, Changed: []FindingChange{}, Unchanged: []FindingChange{},
		BecameUnknown: []CheckChange{}, BecameJudged: []CheckChange{},
	}
	earlier := map[string]Check{}
	for _, c := range before.Checks {
		earlier[c.Name] = c
	}
	later := map[string]Check{}
	for _, c := range after.Checks {
		later[c.Name] = c
		d.compareFindings(earlier[c.Name], c)
		d.compareUnknown(earlier[c.Name], c)
	}
	for _, c := range before.Checks {
		d.compareGone(c, later[c.Name], newlyExcluded(before, after))
	}
	d.Worse = len(d.New) > 0 || slices.ContainsFunc(d.BecameUnknown, func(c CheckChange) bool { return c.Refuses })
	return d
}

func compared(r Report) Compared {
	return Compared{Verdict: r.Verdict, Target: r.Target, Image: r.Image, Running: r.Running, Source: r.Source, ReadAt: r.ReadAt}
}

// compareFindings sorts the findings of the later report.
func (d *Difference) compareFindings(before, after Check) {
	was := pair(before.Findings, after.Findings)
	for i := range after.Findings {
		now := &after.Findings[i]
		change := FindingChange{Check: after.Name, After: now}
		if was[i] >= 0 {
			change.Before = &before.Findings[was[i]]
		}
		switch {
		case change.Before == nil || now.Blocks && !change.Before.Blocks:
			d.New = append(d.New, change)
		case now.Blocks != change.Before.Blocks || skeleton(now.Message) != skeleton(change.Before.Message):
			d.Changed = append(d.Changed, change)
		default:
			d.Unchanged = append(d.Unchanged, change)
		}
	}
}

// compareGone sorts the findings that the later report no longer has.
func (d *Difference) compareGone(before, after Check, excluded []string) {
	still := pair(after.Findings, before.Findings)
	for i := range before.Findings {
		if still[i] >= 0 {
			continue
		}
		change := FindingChange{Check: before.Name, Before: &before.Findings[i]}
		if seesAll(before, after, before.Findings[i].Object) && !slices.Contains(excluded, before.Findings[i].Object.Namespace) {
			d.Fixed = append(d.Fixed, change)
		} else {
			d.Lost = append(d.Lost, change)
		}
	}
}

// compareUnknown sorts a check by whether it can be judged.
func (d *Difference) compareUnknown(before, after Check) {
	was, is := unknownOfCheck(before), unknownOfCheck(after)
	wasWhole := before.Outcome == checks.Unknown && len(before.Unknown) == 0
	gained := slices.IndexFunc(is, func(u Unknown) bool {
		return !wasWhole && !slices.ContainsFunc(was, func(other Unknown) bool { return sameGap(u, other) })
	})
	switch {
	case gained >= 0:
		d.BecameUnknown = append(d.BecameUnknown, CheckChange{after.Name, is[gained].String(), after.Undecided})
	case len(is) > 0 && after.Undecided && !before.Undecided:
		d.BecameUnknown = append(d.BecameUnknown, CheckChange{after.Name, is[0].String(), true})
	case len(was) > 0 && len(is) == 0 && (after.Outcome == checks.Passed || after.Outcome == checks.Failed):
		d.BecameJudged = append(d.BecameJudged, CheckChange{after.Name, was[0].String(), before.Undecided})
	}
}

// unknownOfCheck is what a check could not judge; one without an object stands for all of it.
func unknownOfCheck(c Check) []Unknown {
	if len(c.Unknown) == 0 && c.Outcome == checks.Unknown {
		return []Unknown{{Because: c.Because}}
	}
	return c.Unknown
}

// sameGap tells whether the same could not be judged: an object, whatever the reason, or for the same reason a part of the cluster.
func sameGap(a, b Unknown) bool {
	return a.Object == b.Object && (a.Object != (checks.Object{}) || skeleton(a.Because) == skeleton(b.Because))
}

// seesAll tells whether the later report would show what the earlier one had found of an object, were it still there.
func seesAll(before, after Check, object checks.Object) bool {
	if after.Outcome != checks.Passed && after.Outcome != checks.Failed && len(after.Unknown) == 0 {
		return false // It is unknown as a whole, skipped, or not there.
	}
	for _, u := range after.Unknown {
		if u.Object == object || u.Object == (checks.Object{}) {
			return false
		}
	}
	return !strings.HasPrefix(after.Because, notLookedAt) || after.Because == before.Because
}

// pair returns for each finding which of the others it is, or -1.
func pair(others, findings []Finding) []int {
	theirs, ours := byKey(others), byKey(findings)
	of := make([]int, len(findings))
	for key, mine := range ours {
		if len(mine) == 1 && len(theirs[key]) == 1 {
			of[mine[0]] = theirs[key][0]
			continue
		}
		byWords := map[string][]int{}
		for _, j := range theirs[key] {
			words := skeleton(others[j].Message)
			byWords[words] = append(byWords[words], j)
		}
		for _, i := range mine {
			of[i] = -1
			if same := byWords[skeleton(findings[i].Message)]; len(same) > 0 {
				of[i], byWords[skeleton(findings[i].Message)] = same[0], same[1:]
			}
		}
	}
	return of
}

// byKey groups findings by the key that the checks give them.
func byKey(findings []Finding) map[string][]int {
	groups := map[string][]int{}
	for i, f := range findings {
		key := checks.Finding{Object: f.Object, Rule: f.Rule}.Key()
		groups[key] = append(groups[key], i)
	}
	return groups
}

// changesWithTime finds the words that are numbers, sizes, ages and times. Names, which may hold numbers, are none of them.
var changesWithTime = regexp.MustCompile(
	`^(\d{4}-\d{2}-\d{2}(T[0-9:.]+Z)?|[+-]?\d+(\.\d+)?(%|[KMGTP]i?B?|B|[mun]?s)?|(\d+(\.\d+)?(d|h|m|s|ms))+)$`)

// skeleton is a text without what changes with time.
func skeleton(text string) string {
	text = strings.NewReplacer("just now", "0s ago", "a day", "1 days").Replace(text)
	words := strings.Fields(text)
	for i, word := range words {
		if bare := strings.Trim(word, `.,;:()"'`); changesWithTime.MatchString(bare) {
			words[i] = strings.Replace(word, bare, "#", 1)
		}
	}
	return strings.Join(words, " ")
}
