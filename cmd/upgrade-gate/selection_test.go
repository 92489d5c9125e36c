package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stuck are the arguments that judge the example cluster that is stuck.
func stuck(more ...string) []string {
	return append([]string{"check", "--from", "../../examples/clusters/stuck-pre-drained", "--assume-complete", "--at", at, "--version", "v1.4.2"}, more...)
}

func TestOnlyTheChecksThatAreAskedForAreRun(t *testing.T) {
	all := checkNames()
	allBut := func(left ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(left, name) })
	}
	guilty := []string{"paused-vms", "in-flight-migrations", "faulted-replicas", "multi-engine-volumes", "orphaned-engines", "snapshot-anomalies", "disk-space", "drain-stuck"}
	for name, c := range map[string]struct {
		args []string
		code int
		run  []string
		says string
	}{
		"only two, in the order of reports": {[]string{"--only", "disk-space,paused-vms"}, 2, []string{"paused-vms", "disk-space"},
			fmt.Sprintf("Not run, as asked: %d of %d checks.", len(all)-2, len(all))},
		"only one, which passes":          {[]string{"--only", "two-node-cluster"}, 0, []string{"two-node-cluster"}, "READY: nothing stands in the way"},
		"all but one":                     {[]string{"--skip", "paused-vms"}, 2, allBut("paused-vms"), "Not run, as asked: paused-vms."},
		"all but the guilty":              {[]string{"--skip", strings.Join(guilty, ","), "--skip", "drain-disruption"}, 0, allBut(append(guilty, "drain-disruption")...), "READY: nothing"},
		"everything, where none is named": {nil, 2, all, "BLOCKED: "},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, stuck(c.args...)...)
			if flat := strings.Join(strings.Fields(got.stdout), " "); got.code != c.code || !strings.Contains(flat, c.says) {
				t.Errorf("got exit code %d, want %d; the report does not say %q:\n%s%s", got.code, c.code, c.says, got.stdout, got.stderr)
			}
			var object struct {
				Checks []struct{ Name string }
				NotRun []string
			}
			if err := json.Unmarshal([]byte(call(t, stuck(append(c.args, "-o", "json")...)...).stdout), &object); err != nil {
				t.Fatal(err)
			}
			var run []string
			for _, check := range object.Checks {
				run = append(run, check.Name)
			}
			if diff := cmp.Diff(c.run, run); diff != "" {
				t.Errorf("checks that were run (-want +got):\n%s", diff)
			}
			if len(run)+len(object.NotRun) != len(all) {
				t.Errorf("%d were run and %d not, of %d", len(run), len(object.NotRun), len(all))
			}
		})
	}
}

func TestWarningsFailWhereThatIsAskedFor(t *testing.T) {
	warns := only(t, "paused-vms", "warn")
	for name, c := range map[string]struct {
		from, failOn string
		code         int
	}{
		"a warning is no failure by default": {"testdata/paused", "block", 0},
		"it is one where that is asked for":  {"testdata/paused", "warn", 2},
		"where nothing warns, nothing fails": {"testdata/healthy", "warn", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, "check", "--from", c.from, "--assume-complete", "--at", at, "--policy", warns, "--fail-on", c.failOn)
			if got.code != c.code {
				t.Errorf("got exit code %d, want %d:\n%s", got.code, c.code, got.stdout)
			}
		})
	}
}
