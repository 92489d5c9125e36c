package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	helmDeployed = "deployed"
	helmFailed   = "failed"
	// rollsBackSince is the first release of Harvester whose upgrade goes back to the last deployed revision of what Rancher installs
	// by itself (harvester/harvester#9934).
	rollsBackSince = "v1.8.0"
)

// brokenReleases returns, by its namespace and name, what is wrong with each Helm release of the system. A release of an add-on that is between
// states is left to addons-unsettled.
func brokenReleases(p *Pass) map[types.NamespacedName]*Finding {
	unsettled := map[types.NamespacedName]bool{}
	for _, addon := range p.Addons() {
		if !isSettled(addon) {
			unsettled[cluster.NameOf(addon)] = true
		}
	}
	broken := map[types.NamespacedName]*Finding{}
	for _, app := range p.Apps() {
		if !isSystemRelease(app) || unsettled[cluster.NameOf(app)] {
			continue
		}
		if f := judgeRelease(p, app); f != nil {
			broken[cluster.NameOf(app)] = f
		}
	}
	return broken
}

// judgeRelease returns a finding about a Helm release on which Helm has not ended, or has failed; nil for one at rest.
func judgeRelease(p *Pass, app *cluster.App) *Finding {
	state, at := cluster.Text(app.Spec.Info.Status), lastDeployed(app)
	f := &Finding{Object: ObjectOf(app), Since: at}
	switch {
	case state == helmDeployed:
		return nil
	case state == "":
		p.Unknownf(app, "it reports no state")
		return nil
	case state == helmFailed || isPending(state):
		f.Transient = !at.IsZero() && p.Age(at) < chartSettles
		if isPending(state) && rollsBackByItself(p, app) {
			f.Severity = Warn
		}
	case state == "uninstalling" || state == "uninstalled":
	default:
		p.Unknownf(app, "its newest revision is %q", state)
		return nil
	}
	f.Message = fmt.Sprintf("Helm release %s/%s is %s at revision %d%s%s", app.Namespace, app.Name, state, app.Spec.Version, lasting(p, at), quoted(app.Spec.Info.Description))
	f.Remedy = fmt.Sprintf("find the last revision that was deployed with helm history %[1]s -n %[2]s, and go back to it: helm rollback %[1]s REVISION -n %[2]s.", app.Name, app.Namespace)
	if f.Transient {
		f.Settles = chartSettles
		f.Remedy = fmt.Sprintf("wait until Helm is done, up to five minutes: helm status %s -n %s.", app.Name, app.Namespace)
	}
	return f
}

// lastDeployed returns when the newest revision was begun; zero where the release does not say.
func lastDeployed(app *cluster.App) time.Time {
	if app.Spec.Info.LastDeployed == nil {
		return time.Time{}
	}
	return app.Spec.Info.LastDeployed.Time
}

func isPending(state string) bool {
	return slices.Contains([]string{"pending-install", "pending-upgrade", "pending-rollback"}, state)
}

// isSystemRelease tells whether the upgrade changes a release, or Rancher does because of it.
func isSystemRelease(app *cluster.App) bool {
	if app.Namespace != cluster.HarvesterNamespace && !strings.HasPrefix(app.Namespace, "cattle-") {
		return false
	}
	switch app.Name {
	case "fleet", "fleet-crd", "rancher", "rancher-webhook", harvesterChart, harvesterChart + "-crd":
		return true
	}
	return strings.HasPrefix(app.Name, "fleet-agent") || strings.HasPrefix(app.Name, "rancher-monitoring") || strings.HasPrefix(app.Name, "rancher-logging")
}

// rollsBackByItself tells whether the target's script frees a pending release after five minutes: of those that it waits for.
func rollsBackByItself(p *Pass, app *cluster.App) bool {
	return atLeast(p.Target(), rollsBackSince) && (app.Name == "fleet" || app.Name == "fleet-crd" || app.Name == "rancher-webhook")
}
