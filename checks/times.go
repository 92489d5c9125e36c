package checks

import (
	"cmp"
	"fmt"
	"time"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// timeOf reads a time as Longhorn, Harvester and Rancher write it; zero where it is none.
func timeOf(text string) time.Time {
	at, err := time.Parse(time.RFC3339, cluster.Text(text))
	if err != nil {
		return time.Time{}
	}
	return at
}

// conditionSince returns when a condition last changed; zero where it does not say. Rancher and Harvester write lastUpdateTime, Cluster
// API lastTransitionTime.
func conditionSince(condition *cluster.StatusCondition) time.Time {
	if condition == nil {
		return time.Time{}
	}
	return timeOf(cmp.Or(cluster.Text(condition.LastTransitionTime), cluster.Text(condition.LastUpdateTime)))
}

// lasting returns ", for 3h 5m", or nothing where it is not known since when.
func lasting(p *Pass, since time.Time) string {
	if since.IsZero() {
		return ""
	}
	return ", for " + spell(p.Age(since))
}

// spell rounds a duration to what a reader needs: "40s", "12m", "3h 5m", "a day", "9 days".
func spell(d time.Duration) string {
	switch minutes := int(d / time.Minute); {
	case minutes < 1:
		return fmt.Sprintf("%ds", int(d/time.Second))
	case minutes < 60:
		return fmt.Sprintf("%dm", minutes)
	case minutes == 24*60:
		return "a day"
	case minutes < 48*60:
		return fmt.Sprintf("%dh %dm", minutes/60, minutes%60)
	default:
		return fmt.Sprintf("%d days", minutes/(24*60))
	}
}
