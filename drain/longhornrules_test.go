package drain_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// chart returns the ManagedChart harvester, which names these settings of Longhorn.
func chart(policy, detach string) *cluster.ManagedChart {
	c := &cluster.ManagedChart{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.FleetLocalNamespace, Name: "harvester", ResourceVersion: "1"}}
	defaults := &c.Spec.Values.Longhorn.DefaultSettings
	if policy != "" {
		defaults.NodeDrainPolicy = json.RawMessage(policy)
	}
	if detach != "" {
		defaults.DetachManuallyAttachedVolumesWhenCordoned = json.RawMessage(detach)
	}
	return c
}

func TestLonghornRulesFor(t *testing.T) {
	policy := func(value string) client.Object { return longhornSetting("node-drain-policy", value) }
	detach := func(value string) client.Object {
		return longhornSetting("detach-manually-attached-volumes-when-cordoned", value)
	}
	changes := drain.LonghornRules{DrainPolicy: drain.PolicyIfStopped, DropsManualTickets: true}
	defaults := drain.LonghornRules{DrainPolicy: drain.PolicyLastReplica}
	cases := map[string]struct {
		objects []client.Object
		target  string
		want    drain.LonghornRules
	}{
		"the upgrade changes the defaults":              {[]client.Object{policy("block-if-contains-last-replica"), detach("false"), chart("", "")}, "v1.8.0", changes},
		"settings that do not exist have the defaults":  {nil, "v1.8.0", changes},
		"a target that is not known changes them too":   {nil, "", changes},
		"a pre-release changes them as its release":     {nil, "v1.4.0-rc1", changes},
		"an upgrade to an early release does not":       {nil, "v1.3.2", defaults},
		"a policy that the chart names stays":           {[]client.Object{chart(`"block-if-contains-last-replica"`, "")}, "v1.8.0", drain.LonghornRules{DrainPolicy: drain.PolicyLastReplica, DropsManualTickets: true}},
		"a detachment that the chart names stays":       {[]client.Object{chart("", "false")}, "v1.8.0", drain.LonghornRules{DrainPolicy: drain.PolicyIfStopped}},
		"a null in the chart names nothing":             {[]client.Object{chart("null", "null")}, "v1.8.0", changes},
		"another policy stays":                          {[]client.Object{policy("block-for-eviction")}, "v1.8.0", drain.LonghornRules{DrainPolicy: drain.PolicyEviction, DropsManualTickets: true}},
		"a policy that is allowed stays":                {[]client.Object{policy("allow-if-replica-is-stopped")}, "v1.3.2", drain.LonghornRules{DrainPolicy: drain.PolicyIfStopped}},
		"a detachment that is set stays":                {[]client.Object{detach("true"), chart("", "true")}, "v1.3.2", drain.LonghornRules{DrainPolicy: drain.PolicyLastReplica, DropsManualTickets: true}},
		"an empty value is the default, as is \"null\"": {[]client.Object{policy("null")}, "v1.8.0", changes},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(drain.LonghornRulesFor(snapshotOfObjects(t, c.objects...), c.target), c.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}
