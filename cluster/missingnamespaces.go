package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// missingNamespaces is what is not known of a kind.
type missingNamespaces struct {
	// namespaces are all of which objects may be missing, as far as they are known.
	namespaces []string
	// uncollected are the namespaces that were not collected, of so many that there are, and failed says where a list is none.
	uncollected []string
	of          int
	failed      []string
	// unlisted is why the namespaces themselves are not known; untold is true where a list may have failed and no log tells.
	unlisted string
	untold   bool
}

// named returns the namespaces of which objects may be missing, sorted, with the reserved ones, which nobody misses; nil where it may be any.
func (m missingNamespaces) named() []string {
	if m.unlisted != "" {
		return nil
	}
	all := append(reservedNamespaces(), m.namespaces...)
	slices.Sort(all)
	return slices.Compact(all)
}

// because says what is missing; empty where nothing is.
func (m missingNamespaces) because(home bool) string {
	var reasons []string
	if count := len(m.uncollected); count > 0 {
		reason := "the bundle did not collect the namespace " + m.uncollected[0]
		if count > 1 {
			reason = "the bundle did not collect the namespaces " + inWords(m.uncollected)
		}
		if home {
			reason += ", where they live"
		} else if m.of > 0 {
			reason += fmt.Sprintf(", of %d", m.of)
		}
		reasons = append(reasons, reason)
	}
	if m.unlisted != "" {
		reasons = append(reasons, "which namespaces were not collected is not known: "+m.unlisted)
	}
	if len(m.failed) > 0 {
		reason := m.failed[0]
		if more := len(m.failed) - 1; more > 0 {
			reason += fmt.Sprintf(" (and in %d more)", more)
		}
		reasons = append(reasons, reason)
	}
	if m.untold {
		reasons = append(reasons, noLog)
	}
	return strings.Join(reasons, "; ")
}

// maxNamed is how many namespaces are named in a reason.
const maxNamed = 3

// inWords lists a few namespaces and counts the rest: "billing, shop and 4 more". Those of users come first: what runs there is what a
// reader misses, and the platform's own are counted beside them.
func inWords(namespaces []string) string {
	names := slices.Clone(namespaces)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	named := maxNamed
	if users := slices.IndexFunc(names, IsSystemNamespace); users > 0 {
		named = min(named, users)
	}
	if more := len(names) - named; more > 1 {
		return strings.Join(names[:named], ", ") + fmt.Sprintf(" and %d more", more)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func rank(namespace string) int {
	if IsSystemNamespace(namespace) {
		return 1
	}
	return 0
}
