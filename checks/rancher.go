package checks

import (
	"cmp"
	"strings"
	"time"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// longestQuote is how many characters of a message of Rancher's or Fleet's a finding quotes: theirs hold whole objects.
const longestQuote = 160

// upgradePrefix begins the names that Harvester makes up for an Upgrade, and those of nearly everything that belongs to one.
const upgradePrefix = "hvst-upgrade-"

// quote returns a message of Rancher's or Fleet's on one short line.
func quote(message string) string {
	line := []rune(strings.Join(strings.Fields(cluster.Text(message)), " "))
	if len(line) > longestQuote {
		return string(line[:longestQuote]) + "…"
	}
	return string(line)
}

// quoted returns ": MESSAGE", or nothing where there is none.
func quoted(message string) string {
	if message = quote(message); message == "" {
		return ""
	}
	return ": " + message
}

// conditionSince returns when a condition last changed; zero where it does not say. Rancher writes lastUpdateTime, Cluster
// API lastTransitionTime.
func conditionSince(condition *cluster.StatusCondition) time.Time {
	if condition == nil {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, cmp.Or(cluster.Text(condition.LastTransitionTime), cluster.Text(condition.LastUpdateTime)))
	if err != nil {
		return time.Time{}
	}
	return at
}

// forHow returns ", for 3h 5m", or nothing where it is not known since when.
func forHow(p *Pass, since time.Time) string {
	if since.IsZero() {
		return ""
	}
	return ", for " + spell(p.Age(since))
}
