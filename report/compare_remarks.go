package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// remarks say in a sentence each why two reports may not be comparable.
func remarks(before, after Report) []string {
	all := []string{}
	say := func(when bool, format string, args ...any) {
		if when {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	targetOf := func(r Report) string { return cmp.Or(r.Image, r.Target, "no version") }
	say(targetOf(before) != targetOf(after), "The targets differ: %s before, %s after.", plain(targetOf(before)), plain(targetOf(after)))
	say(before.Running != after.Running, "The running versions differ: %s before, %s after.",
		cmp.Or(plain(before.Running), "not known"), cmp.Or(plain(after.Running), "not known"))
	say(before.Source != after.Source, "The evidence comes from different places, which may be different clusters: %s before, %s after.",
		plain(before.Source), plain(after.Source))
	say(after.ReadAt.Before(before.ReadAt), "The evidence of the second report is older than that of the first, of %s: they may be the wrong way round.",
		before.ReadAt.UTC().Format(time.RFC3339))
	every := func(Check) bool { return true }
	earlier, later := before.named(every), after.named(every)
	judged := before.named(func(c Check) bool { return c.Outcome != checks.Skipped })
	skipped := after.named(func(c Check) bool { return c.Outcome == checks.Skipped && slices.Contains(judged, c.Name) })
	for _, list := range []struct {
		what  string
		names []string
	}{
		{"Only the first report has these checks", without(earlier, later)}, {"Only the second report has these checks", without(later, earlier)},
		{"These checks are skipped now and were not", skipped},
	} {
		say(len(list.names) > 0, "%s: %s.", list.what, plain(strings.Join(list.names, ", ")))
	}
	say(len(newlyExcluded(before, after)) > 0, "The policy now leaves out the VMs of %s.", plain(strings.Join(newlyExcluded(before, after), ", ")))
	return all
}

// without returns a list without the elements of another.
func without(list, other []string) []string {
	var left []string
	for _, element := range list {
		if !slices.Contains(other, element) {
			left = append(left, element)
		}
	}
	return left
}

// newlyExcluded are the namespaces that the policy leaves out now and did not.
func newlyExcluded(before, after Report) []string {
	return without(after.ExcludedNamespaces, before.ExcludedNamespaces)
}
