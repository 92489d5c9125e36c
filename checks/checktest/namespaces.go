package checktest

import (
	"context"
	"maps"
	"slices"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Namespaces hides from a check one namespace after the other, as a support bundle does that has not collected it. A check that
// judges each namespace by itself then finds nothing that it did not find before, and is never content; one that asks what is known leaves open just
// what depends on that namespace; any other is Unknown.
func Namespaces(t *testing.T, check checks.Check) {
	t.Helper()
	for name, c := range Cases(t, check.Name) {
		t.Run(name, func(t *testing.T) {
			whole := c.run(check, c.load(t, false))
			for _, namespace := range c.otherNamespaces() {
				c.hide(t, check, whole, namespace)
			}
		})
	}
}

func (c *Case) hide(t *testing.T, check checks.Check, whole checks.Result, namespace string) {
	t.Helper()
	without := without{Source: c.source(t, false), namespace: namespace}
	hidden := c.run(check, cluster.Load(t.Context(), without, c.now))
	for _, f := range hidden.Findings {
		known := func(other checks.Finding) bool { return other.Object == f.Object } // Its message may call a volume by its claim now.
		if !slices.ContainsFunc(whole.Findings, known) {
			t.Errorf("without namespace %s: a false alarm about %s:\n  %s", namespace, f.Object, f.Message)
		}
	}
	if len(check.AsksKnown) > 0 {
		without.isKnown = true
		empty := c.run(check, cluster.Load(t.Context(), without, c.now))
		compareWorlds(t, namespace, hidden, whole, empty)
	}
	reads := slices.DeleteFunc(slices.Concat(check.Needs, check.Uses), func(kind cluster.Kind) bool { return slices.Contains(check.AsksKnown, kind) })
	if isPartial := slices.ContainsFunc(reads, func(kind cluster.Kind) bool { return c.homeless(kind) }); !isPartial || whole.Outcome == checks.Skipped {
		return
	}
	switch {
	case hidden.Outcome == checks.Passed, hidden.Outcome == checks.Skipped, len(hidden.Gaps) == 0 && check.ByNamespace && hidden.Because == "":
		t.Errorf("without namespace %s the check is %s, as if all were known", namespace, hidden.Outcome)
	case hidden.Outcome != checks.Unknown && !check.ByNamespace:
		t.Errorf("without namespace %s the check is %s, which rests on what is not known", namespace, hidden.Outcome)
	}
}

// compareWorlds demands that a check which cannot see into a namespace finds what it finds whether the namespace holds what the case says or
// nothing at all, and leaves open every other object: of which it finds something, or cannot judge it, in either world.
func compareWorlds(t *testing.T, namespace string, hidden checks.Result, worlds ...checks.Result) {
	t.Helper()
	finds := func(in checks.Result, f checks.Finding) bool {
		return slices.ContainsFunc(in.Findings, func(other checks.Finding) bool {
			return other.Object == f.Object && other.Rule == f.Rule && other.Severity == f.Severity && other.Transient == f.Transient
		})
	}
	isOpen := func(object checks.Object) bool {
		return slices.ContainsFunc(hidden.Gaps, func(gap checks.Gap) bool { return gap.Object == object })
	}
	for i, world := range worlds {
		for _, f := range hidden.Findings {
			if !finds(world, f) {
				t.Errorf("without namespace %s: what it finds of %s is not so in world %d:\n  %s", namespace, f.Object, i, f.Message)
			}
		}
		for _, f := range world.Findings {
			if !finds(hidden, f) && !isOpen(f.Object) {
				t.Errorf("without namespace %s: it passes over %s, of which it finds in world %d:\n  %s", namespace, f.Object, i, f.Message)
			}
		}
		for _, gap := range world.Gaps {
			if !isOpen(gap.Object) {
				t.Errorf("without namespace %s: it judges %s, and cannot in world %d: %s", namespace, gap.Object, i, gap.Because)
			}
		}
	}
}

// homeless tells whether the objects of a kind may be in any namespace, and are read in this case.
func (c *Case) homeless(kind cluster.Kind) bool {
	resource, ok := cluster.Lookup(kind)
	_, isUnread := c.unread[kind]
	return ok && isPartial(resource) && !isUnread && !c.notInstalled[kind]
}

// alwaysCollected are the namespaces that every support bundle has (rancher/support-bundle-kit and harvester/harvester,
// pkg/util/supportbundle), but for default, where the virtual machines of many clusters are.
func alwaysCollected() []string {
	return []string{
		"kube-system", "cattle-system", "cattle-dashboards", "cattle-fleet-local-system", "cattle-fleet-system", "cattle-fleet-clusters-system",
		"cattle-monitoring-system", "fleet-local", "harvester-system", "local", "longhorn-system", "cattle-logging-system",
		"cattle-provisioning-capi-system",
	}
}

// otherNamespaces are those of the case that a support bundle may lack.
func (c *Case) otherNamespaces() []string {
	all := map[string]bool{}
	for _, document := range c.documents {
		if namespace := document.object.Namespace; namespace != "" && !slices.Contains(alwaysCollected(), namespace) {
			all[namespace] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// without is a source that has not collected a namespace, or that knows that it is empty.
type without struct {
	cluster.Source
	namespace string
	isKnown   bool
}

func (s without) List(ctx context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	objects, evidence := s.Source.List(ctx, resource)
	if evidence.State != cluster.Read || !isPartial(resource) {
		return objects, evidence
	}
	objects = slices.DeleteFunc(slices.Clone(objects), func(object client.Object) bool { return object.GetNamespace() == s.namespace })
	if s.isKnown {
		return objects, evidence
	}
	return objects, cluster.Evidence{State: cluster.Partial, Missing: []string{s.namespace}, Because: "namespace " + s.namespace + " was not collected"}
}

// isPartial tells whether objects of a kind may be in a namespace that a support bundle lacks. The homes of kinds that have one, and the EndpointSlices of API
// servers, are always collected.
func isPartial(resource cluster.Resource) bool {
	return resource.Kind != cluster.EndpointSlices && resource.Namespaced && resource.Select.Namespace == "" && resource.Grant == nil && len(resource.Home) == 0
}
