package checks

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func TestAVersionAgainstABound(t *testing.T) {
	for name, c := range map[string]struct {
		version         string
		atLeast, before bool
	}{
		"the release itself is not before it":            {"v1.8.0", true, false},
		"a later patch is at least the release":          {"v1.8.1", true, false},
		"a later minor release is at least the release":  {"v1.10.0", true, false},
		"an earlier release is before it":                {"v1.7.9", false, true},
		"a release candidate counts as its release":      {"v1.8.0-rc2", true, false},
		"the lowest pre-release counts as its release":   {"v1.8.0-0", true, false},
		"a candidate of an earlier release is before it": {"v1.7.9-rc1", false, true},
		"a build counts as its release":                  {"v1.8.0+build.5", true, false},
		"the v may be left out":                          {"1.8.0", true, false},
		"a branch is no release number":                  {"v1.8-head", false, false},
		"nothing is neither":                             {"", false, false},
		"a support bundle's null is nothing":             {"null", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			v := semantic(c.version)
			if got := atLeast(v, "v1.8.0"); got != c.atLeast {
				t.Errorf("atLeast(%q, v1.8.0) is %t, want %t", c.version, got, c.atLeast)
			}
			if got := before(v, "v1.8.0"); got != c.before {
				t.Errorf("before(%q, v1.8.0) is %t, want %t", c.version, got, c.before)
			}
		})
	}
}

func TestThePassKnowsThreeVersions(t *testing.T) {
	type versions struct{ Target, Running, Longhorn string }
	for name, c := range map[string]struct {
		request           Request
		running, longhorn string
		want              versions
	}{
		"all three are releases":                 {Request{Version: "v1.8.0"}, "v1.7.1", "v1.10.1", versions{"1.8.0", "1.7.1", "1.10.1"}},
		"pre-releases keep their suffix":         {Request{Version: "v1.8.0-rc2"}, "v1.7.1-dev", "v1.10.1-rc1", versions{"1.8.0-rc2", "1.7.1-dev", "1.10.1-rc1"}},
		"an image does not tell its version":     {Request{Image: "harvester-system/iso"}, "v1.7.1", "v1.10.1", versions{"none", "1.7.1", "1.10.1"}},
		"an image makes the version irrelevant":  {Request{Image: "harvester-system/iso", Version: "v1.8.0"}, "v1.7.1", "v1.10.1", versions{"none", "1.7.1", "1.10.1"}},
		"a check without an upgrade has no goal": {Request{Unspecified: true}, "v1.7.1", "v1.10.1", versions{"none", "1.7.1", "1.10.1"}},
		"branches are no release numbers":        {Request{Version: "v1.8-head"}, "master-1a2b3c4d", "master-head", versions{"none", "none", "none"}},
		"settings that are empty tell nothing":   {Request{Version: "v1.8.0"}, "", "null", versions{"1.8.0", "none", "none"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Pass{Snapshot: versionsOf(t, c.running, c.longhorn), Request: c.request}
			got := versions{written(p.Target()), written(p.Running()), written(p.Longhorn())}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("versions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestACheckAppliesToTheTargetsWithinItsBounds(t *testing.T) {
	const since, until = "applies to upgrades to v1.8.0 and later", "applies to upgrades to v1.8.0 and earlier"
	for name, c := range map[string]struct {
		since, until string
		request      Request
		want         string
	}{
		"a check without bounds applies to every target":     {"", "", Request{Version: "v0.1.0"}, ""},
		"a check without bounds applies to an image":         {"", "", Request{Image: "harvester-system/iso"}, ""},
		"the first release is within":                        {"v1.8.0", "", Request{Version: "v1.8.0"}, ""},
		"a candidate of the first release is within":         {"v1.8.0", "", Request{Version: "v1.8.0-rc2"}, ""},
		"a candidate of the release before is not":           {"v1.8.0", "", Request{Version: "v1.7.9-rc2"}, since},
		"the last release is within":                         {"", "v1.8.0", Request{Version: "v1.8.0"}, ""},
		"a candidate of the last release is within":          {"", "v1.8.0", Request{Version: "v1.8.0-rc2"}, ""},
		"a later release is not":                             {"", "v1.8.0", Request{Version: "v1.8.1"}, until},
		"a candidate of a later release is not":              {"", "v1.8.0", Request{Version: "v1.8.1-rc1"}, until},
		"between two bounds is within":                       {"v1.7.0", "v1.8.0", Request{Version: "v1.7.3"}, ""},
		"outside two bounds names both":                      {"v1.7.0", "v1.8.0", Request{Version: "v1.9.0"}, "applies to upgrades to v1.7.0 up to v1.8.0"},
		"an image does not tell its version":                 {"v1.8.0", "", Request{Image: "harvester-system/iso"}, since + ", and an upgrade from an image does not tell its version"},
		"an image does not tell its version, whatever named": {"", "v1.8.0", Request{Image: "harvester-system/iso", Version: "v1.8.0"}, until + ", and an upgrade from an image does not tell its version"},
		"no version was named":                               {"v1.8.0", "", Request{Unspecified: true}, since + ", and no version was named"},
		"a branch is no release number":                      {"v1.8.0", "", Request{Version: "v1.8-head"}, since + ", and v1.8-head is no release number"},
	} {
		t.Run(name, func(t *testing.T) {
			got := outsideVersions(Check{Since: c.since, Until: c.until}, c.request)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func written(v *version.Version) string {
	if v == nil {
		return "none"
	}
	return v.String()
}

// versionsOf is a cluster that says no more than its versions.
func versionsOf(t *testing.T, running, longhorn string) *cluster.Snapshot {
	t.Helper()
	files := fstest.MapFS{
		"harvester.yaml": {Data: fmt.Appendf(nil, "apiVersion: harvesterhci.io/v1beta1\nkind: Setting\nmetadata: {name: server-version}\nvalue: %q\n", running)},
		"longhorn.yaml": {Data: fmt.Appendf(nil, "apiVersion: longhorn.io/v1beta2\nkind: Setting\n"+
			"metadata: {name: current-longhorn-version, namespace: longhorn-system}\nvalue: %q\n", longhorn)},
	}
	folder, err := cluster.ReadFS(files, "a sample", cluster.FolderOptions{AssumeComplete: true, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return cluster.Load(context.Background(), folder, time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC))
}
