package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// chartSettles is how long Fleet and Helm take for a chart at most when all is well.
	chartSettles = 5 * time.Minute
	// bundlePrefix begins the name of the Bundle that Rancher makes of a ManagedChart.
	bundlePrefix = "mcc-"
	// harvesterChart is the ManagedChart and the Helm release of Harvester itself.
	harvesterChart = "harvester"
)

// chartsUnready finds charts that are not as they should be before the upgrade changes them.
func chartsUnready() Check {
	return Check{
		Name:  "charts-unready",
		Title: "Charts, bundles or Helm releases are not settled",
		Why: "The upgrade raises the versions of Rancher's and Harvester's charts and waits without a limit until they are deployed: over an operation of Helm that was broken " +
			"off no new one is begun, and what Fleet cannot apply today it cannot apply in its new version either.",
		Finds: "ManagedCharts that are paused, being deleted, not ready or without a condition Ready, and those of Harvester where they are missing; bundles in fleet-local that are paused or not " +
			"ready; Helm releases of the system whose newest revision is pending, failed or uninstalled, unless they belong to an add-on that addons-unsettled reports; and two default StorageClasses, or, as a warning, another one than harvester-longhorn.",
		Remedy:   "see what Fleet reports: kubectl -n fleet-local get managedcharts.management.cattle.io,bundles.fleet.cattle.io; repair what it names.",
		Severity: Block,
		Waivable: true, ByNamespace: true,
		Needs: []cluster.Kind{cluster.ManagedCharts, cluster.Bundles, cluster.Apps, cluster.StorageClasses},
		Uses:  []cluster.Kind{cluster.Addons},
		Sources: []string{
			"harvester/harvester#3616", "harvester/harvester#3675", "harvester/harvester#1983", "harvester/harvester#2280", "harvester/harvester#9738",
			"harvester/harvester#9680", "harvester/harvester#6851", "harvester/harvester#8163", "harvester/harvester#7375", "harvester/harvester#3221",
			"harvester/harvester#3041", "harvester/harvester#7560", "harvester/harvester#4519", "harvester/harvester#4877", "harvester/harvester#9934",
			"harvester/harvester package/upgrade/upgrade_manifests.sh wait_managed_chart, wait_helm_release",
		},
		Elsewhere: Peers{
			Webhook: "managed charts that are not ready, though not those without a condition",
			Script:  "bundles that are not ready",
		},
		Run: runChartsUnready,
	}
}

func runChartsUnready(p *Pass) error {
	bundles := map[string]*cluster.Bundle{}
	for _, bundle := range p.Bundles() {
		if bundle.Namespace == cluster.FleetLocalNamespace && !strings.HasPrefix(bundle.Name, bundlePrefix+upgradePrefix) {
			bundles[bundle.Name] = bundle
		}
	}
	releases := brokenReleases(p)
	missing := map[string]bool{harvesterChart: true, harvesterChart + "-crd": true}
	var harvester *cluster.ManagedChart
	for _, chart := range p.ManagedCharts() {
		if chart.Namespace != cluster.FleetLocalNamespace || strings.HasPrefix(chart.Name, upgradePrefix) {
			continue
		}
		delete(missing, chart.Name)
		if chart.Name == harvesterChart {
			harvester = chart
		}
		bundle, release := bundlePrefix+chart.Name, types.NamespacedName{Namespace: chart.Spec.DefaultNamespace, Name: chart.Spec.ReleaseName}
		if reportChart(p, chart, bundles[bundle], releases[release]) {
			delete(bundles, bundle)
			delete(releases, release)
		}
	}
	for name := range missing {
		p.Report(Finding{Object: ObjectOf(&cluster.ManagedChart{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.FleetLocalNamespace, Name: name}}),
			Message: fmt.Sprintf("managed chart %s does not exist, so that the upgrade cannot raise its version", name),
			Remedy:  fmt.Sprintf("create it again before anything else, from a backup or a support bundle of this cluster; its bundle tells what it held: kubectl -n fleet-local get bundles.fleet.cattle.io %s%s -o yaml.", bundlePrefix, name)})
	}
	for _, bundle := range bundles {
		reportBundle(p, bundle)
	}
	for _, release := range releases {
		p.Report(*release)
	}
	reportDefaultClasses(p, harvester)
	return nil
}

// reportChart tells whether it reported a chart; what is wrong with its bundle and its Helm release is then part of that.
func reportChart(p *Pass, chart *cluster.ManagedChart, bundle *cluster.Bundle, release *Finding) bool {
	state := readinessOf(p, chart.DeletionTimestamp, chart.Spec.Paused, chart.Status.Conditions, chart.Status.Summary)
	if state.gap == "" && len(state.facts) == 0 && chart.Status.Summary.DesiredReady == 0 {
		state.gap = "it counts no cluster, neither ready nor not"
	}
	if state.gap != "" {
		p.Unknownf(chart, "%s", state.gap)
	}
	if len(state.facts) == 0 {
		return false
	}
	f := Finding{Object: ObjectOf(chart), Since: state.since, Message: fmt.Sprintf("managed chart %s %s", chart.Name, strings.Join(state.facts, " and "))}
	f.Remedy = applyAgain(bundlePrefix+chart.Name, bundle)
	if chart.Spec.Paused {
		f.Remedy = fmt.Sprintf("let it go on: kubectl -n %s patch managedcharts.management.cattle.io %s --type merge -p '{\"spec\":{\"paused\":false}}'.", chart.Namespace, chart.Name)
	}
	if bundle != nil {
		of := readinessOf(p, bundle.DeletionTimestamp, bundle.Spec.Paused, bundle.Status.Conditions, bundle.Status.Summary)
		if len(of.facts) > 0 && !slices.Equal(of.facts, state.facts) {
			state.passing = state.passing && of.passing
			f.Message += fmt.Sprintf("; its bundle %s %s", bundle.Name, strings.Join(of.facts, " and "))
		}
	}
	if release != nil {
		state.passing = state.passing && release.Transient
		f.Message += "; its " + release.Message
		f.Remedy = strings.TrimSuffix(release.Remedy, ".") + "; then " + f.Remedy
	}
	p.Report(waitWhilePassing(f, state))
	return true
}

func reportBundle(p *Pass, bundle *cluster.Bundle) {
	state := readinessOf(p, bundle.DeletionTimestamp, bundle.Spec.Paused, bundle.Status.Conditions, bundle.Status.Summary)
	if state.gap != "" {
		p.Unknownf(bundle, "%s", state.gap)
	}
	if len(state.facts) == 0 {
		return
	}
	f := Finding{Object: ObjectOf(bundle), Since: state.since, Remedy: applyAgain(bundle.Name, bundle),
		Message: fmt.Sprintf("bundle %s %s", bundle.Name, strings.Join(state.facts, " and "))}
	if bundle.Spec.Paused {
		f.Remedy = fmt.Sprintf("let it go on: kubectl -n %s patch bundles.fleet.cattle.io %s --type merge -p '{\"spec\":{\"paused\":false}}'.", bundle.Namespace, bundle.Name)
	}
	p.Report(waitWhilePassing(f, state))
}

func waitWhilePassing(f Finding, state readiness) Finding {
	if state.passing {
		f.Transient, f.Settles = true, chartSettles
		f.Remedy = "wait until Fleet has applied it, a few minutes: kubectl -n fleet-local get managedcharts.management.cattle.io,bundles.fleet.cattle.io."
	}
	return f
}

// applyAgain returns how to have Fleet apply a bundle once more, which it does when the number is another.
func applyAgain(name string, bundle *cluster.Bundle) string {
	see := fmt.Sprintf("see what Fleet reports with kubectl -n %[1]s get bundles.fleet.cattle.io %[2]s -o yaml, and repair what it names", cluster.FleetLocalNamespace, name)
	if bundle == nil {
		return see + "."
	}
	return fmt.Sprintf("%s; then have Fleet apply it again: kubectl -n %s patch bundles.fleet.cattle.io %s --type merge -p '{\"spec\":{\"forceSyncGeneration\":%d}}'.",
		see, bundle.Namespace, bundle.Name, bundle.Spec.ForceSyncGeneration+1)
}

// readiness is what a ManagedChart or a Bundle says of itself.
type readiness struct {
	// facts are what is wrong with it; empty where nothing is.
	facts []string
	// gap says why it could not be judged; empty where it could.
	gap string
	// passing is true for a state that Fleet goes through whenever it applies something, while that is young.
	passing bool
	since   time.Time
}

func readinessOf(p *Pass, deleted *metav1.Time, paused bool, conditions []cluster.StatusCondition, summary cluster.BundleSummary) readiness {
	var state readiness
	if !deleted.IsZero() {
		state.facts = append(state.facts, "is being deleted"+lasting(p, deleted.Time))
	}
	if paused {
		state.facts = append(state.facts, "is paused")
	}
	held := len(state.facts) > 0
	ready := cluster.Condition(conditions, "Ready")
	state.since = conditionSince(ready)
	states := inParentheses(strings.Join(bundleStates(summary), ", "))
	switch {
	case ready == nil:
		state.facts = append(state.facts, "has no condition Ready")
		return state
	case ready.Status == string(corev1.ConditionFalse) || ready.Status == string(corev1.ConditionUnknown):
		state.facts = append(state.facts, fmt.Sprintf("is not ready%s%s%s", states, lasting(p, state.since), quoted(ready.Message)))
	case ready.Status != string(corev1.ConditionTrue):
		state.gap = fmt.Sprintf("its condition Ready is %q", ready.Status)
	case summary.Ready < summary.DesiredReady:
		state.facts = append(state.facts, fmt.Sprintf("is ready in %d of %d clusters%s", summary.Ready, summary.DesiredReady, states))
	}
	state.passing = !held && len(state.facts) > 0 && summary.ErrApplied+summary.Modified == 0 && !state.since.IsZero() && p.Age(state.since) < chartSettles
	return state
}

// bundleStates names the states, other than ready, that clusters are in, the worst first. Modified is drift that the chart does not tolerate: what its comparePatches
// name is ready.
func bundleStates(summary cluster.BundleSummary) []string {
	var states []string
	for _, state := range [...]struct {
		name  string
		count int
	}{
		{"ErrApplied", summary.ErrApplied}, {"Modified", summary.Modified}, {"OutOfSync", summary.OutOfSync},
		{"WaitApplied", summary.WaitApplied}, {"NotReady", summary.NotReady}, {"Pending", summary.Pending},
	} {
		if state.count > 0 {
			states = append(states, state.name)
		}
	}
	return states
}
