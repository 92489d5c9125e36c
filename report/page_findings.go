package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// How much of a list of findings a page holds. What is left out is counted, and named as far as that is short.
const (
	// mostOfCheck is how many findings of one check are shown in full.
	mostOfCheck = 40
	// mostOfSort is how many findings that block, or that warn, are shown in full. Every check has its first ones.
	mostOfSort = 240
	// mostNames is how many objects of the others are named.
	mostNames = 60
	// longestText bounds a fact or a remedy.
	longestText = 4000
)

// marked is a finding with its number: B3 is the third that blocks, W1 the first that only warns, as in the text report.
type marked struct {
	check   Check
	finding Finding
	ref     markRef
	shown   bool
}

// markRef is how a finding is named and linked wherever it is mentioned.
type markRef struct {
	// Mark is "B3", Href leads to the finding, or to its check where the page has no room for the finding. Class is block or warn.
	Mark, Href, Class string
	// Title says what the finding is about.
	Title string
}

// number gives every finding its number, in the order of the report: those that block first.
func number(r Report) []marked {
	return append(numberThose(r, true, "B", "block"), numberThose(r, false, "W", "warn")...)
}

func numberThose(r Report, blocks bool, letter, class string) []marked {
	all, shown := make([]marked, 0, r.count(blocks)), 0
	for _, c := range r.Checks {
		ofCheck := 0
		for _, f := range c.Findings {
			if f.Blocks != blocks {
				continue
			}
			ofCheck++
			mark := fmt.Sprintf("%s%d", letter, len(all)+1)
			title := fmt.Sprintf("%s, %s: %s", mark, printable(c.Title), plain(f.Object.String()))
			it := marked{check: c, finding: f, ref: markRef{Mark: mark, Href: "#" + mark, Class: class, Title: title}}
			it.shown = ofCheck == 1 || ofCheck <= mostOfCheck && shown < mostOfSort
			if it.shown {
				shown++
			} else {
				it.ref.Href = "#" + class + "-" + c.Name
			}
			all = append(all, it)
		}
	}
	return all
}

// checkFindings are the findings of one check that block, or those that only warn.
type checkFindings struct {
	ID, Name, Title, Why string
	Findings             []pageFinding
	// More is how many findings are not shown, and MoreNames the objects of some of them.
	More      int
	MoreNames string
}

// pageFinding is one finding as a page shows it.
type pageFinding struct {
	Mark, Class, Word string
	Kind, Name        string
	Fact              []piece
	// Since is when the state began, for machines, Seen the same in words; both are empty where that is not known.
	Since, Seen string
	WaivedBy    string
	Remedy      []pageStep
	// OnMap leads to the place on the map that shows the object; empty where there is none.
	OnMap string
}

// sections are the findings of a page.
type sections struct{ blocks, warns []checkFindings }

func sectionsOf(input Input, r Report, all []marked, view mapView) sections {
	why := map[string]string{}
	for _, c := range input.Decision.Checks {
		why[c.Check.Name] = printable(c.Check.Why)
	}
	var s sections
	link := newLinker(r)
	for _, it := range all {
		list := &s.warns
		if it.finding.Blocks {
			list = &s.blocks
		}
		if last := len(*list) - 1; last < 0 || (*list)[last].Name != it.check.Name {
			*list = append(*list, checkFindings{
				ID: it.ref.Class + "-" + it.check.Name, Name: it.check.Name, Title: printable(it.check.Title), Why: why[it.check.Name],
			})
		}
		group := &(*list)[len(*list)-1]
		if it.shown {
			group.Findings = append(group.Findings, r.pageFinding(it, link, view.places[it.ref.Mark]))
			continue
		}
		if group.More++; group.More <= mostNames {
			group.MoreNames = strings.TrimPrefix(group.MoreNames+", "+plain(it.finding.Object.String()), ", ")
		}
	}
	return s
}

func (r Report) pageFinding(it marked, link linker, place string) pageFinding {
	f := it.finding
	finding := pageFinding{
		Mark: it.ref.Mark, Class: it.ref.Class, Word: "blocks", Kind: printable(f.Object.Kind), Name: printable(f.Object.Name),
		Fact: link.pieces(sentence(clip(printable(f.Message), longestText))), WaivedBy: printable(f.WaivedBy),
		OnMap: place,
	}
	if remedy := f.remedy(); remedy != "" {
		finding.Remedy = link.remedy(remedy)
	}
	if !f.Blocks {
		finding.Word = "warns"
	}
	if f.Object.Namespace != "" {
		finding.Name = printable(f.Object.Namespace) + "/" + finding.Name
	}
	if f.Since != nil {
		finding.Since = f.Since.UTC().Format(time.RFC3339)
		finding.Seen = f.Since.UTC().Format("2006-01-02 15:04:05 MST") + ", " + f.age(r.ReadAt)
	}
	return finding
}

// unknownGroup are checks that could not be judged for the same reason.
type unknownGroup struct {
	Checks []unknownCheck
	// Because is the reason where it is one for all, and Objects are those that could not be judged where there are some.
	Because string
	Objects []string
	More    int
}

// unknownCheck is a check that could not be judged. Refuses is true where that refuses the upgrade.
type unknownCheck struct {
	Name, Title string
	Refuses     bool
}

// unknownGroups lists what could not be judged. Checks that lack the same evidence share a group.
func (r Report) unknownGroups() []unknownGroup {
	var groups []unknownGroup
	at := map[string]int{}
	for _, c := range r.Checks {
		if !c.hasUnknown() {
			continue
		}
		check := unknownCheck{Name: c.Name, Title: printable(c.Title), Refuses: c.Undecided}
		because, shared := c.lacks()
		if !shared {
			group := unknownGroup{Checks: []unknownCheck{check}}
			for _, u := range c.Unknown[:min(len(c.Unknown), mostOfCheck)] {
				group.Objects = append(group.Objects, sentence(clip(printable(u.String()), longestText)))
			}
			group.More = len(c.Unknown) - len(group.Objects)
			groups = append(groups, group)
			continue
		}
		i, ok := at[because]
		if !ok {
			i = len(groups)
			at[because] = i
			groups = append(groups, unknownGroup{Because: sentence(clip(printable(because), longestText))})
		}
		groups[i].Checks = append(groups[i].Checks, check)
	}
	// What refuses the upgrade comes first.
	slices.SortStableFunc(groups, func(a, b unknownGroup) int { return b.refusing() - a.refusing() })
	return groups
}

func (g unknownGroup) refusing() int {
	if slices.ContainsFunc(g.Checks, func(c unknownCheck) bool { return c.Refuses }) {
		return 1
	}
	return 0
}
