package checks

import (
	"testing"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func TestMetadataMustBeComplete(t *testing.T) {
	whole := Check{
		Name: "sample", Title: "Something is wrong", Why: "It hangs.", Finds: "Nodes that are bad.", Remedy: "repair it", Severity: Block,
		Needs: []cluster.Kind{cluster.Nodes}, Sources: []string{"harvester/harvester#1"}, Since: "v1.8.0", Run: func(*Pass) error { return nil },
	}
	for name, c := range map[string]struct {
		spoil func(*Check)
		want  string
	}{
		"a whole check is valid":                 {func(*Check) {}, ""},
		"what it cannot see may be nothing":      {func(c *Check) { c.Beyond = "" }, ""},
		"what others detect may be nothing":      {func(c *Check) { c.Elsewhere = Peers{} }, ""},
		"a check says what it finds":             {func(c *Check) { c.Finds = "" }, `check "sample": does not say what it finds`},
		"a check says why":                       {func(c *Check) { c.Why = "" }, `check "sample": no why`},
		"a bound is a version":                   {func(c *Check) { c.Until = "v1.8" }, `check "sample": "v1.8" is not a version`},
		"a check asks about what it reads":       {func(c *Check) { c.AsksKnown = []cluster.Kind{cluster.Nodes, cluster.VMIs} }, `check "sample": asks what is known of "virtualmachineinstances.kubevirt.io", which it does not read`},
		"a name is kebab-case":                   {func(c *Check) { c.Name = "Sample" }, `check "Sample": the name is not kebab-case`},
		"all that is missing is listed together": {func(c *Check) { c.Finds, c.Remedy = "", "" }, "check \"sample\": does not say what it finds\ncheck \"sample\": no remedy"},
	} {
		t.Run(name, func(t *testing.T) {
			check := whole
			c.spoil(&check)
			got := ""
			if err := check.Validate(); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
