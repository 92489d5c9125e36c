// Package checks holds what can be wrong with a cluster before an upgrade: one file per check, named after the check.
//
// A check is a value (Check). All lists them in the order in which they are reported. Run runs them over a Snapshot; it
// derives from what a check needs whether it could be judged at all, so that no check has to remember that. Checks are pure:
// they have no clock, no client and no log.
package checks

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Severity is what a check's findings do to an upgrade, before policy.
type Severity string

// The severities.
const (
	// Block refuses the upgrade.
	Block Severity = "Block"
	// Warn admits it, and says so.
	Warn Severity = "Warn"
)

// Check is one way in which an upgrade fails, declared as a value so that documentation, RBAC, explain and the report are
// made from it.
type Check struct {
	// Name is kebab-case and names the bad state: "paused-vms". It is never reused or renamed.
	Name string
	// Title is the bad state as a sentence: "Virtual machines are paused".
	Title string
	// Why says what happens during the upgrade if this is ignored.
	Why string
	// Finds says in one sentence, every bullet of it, what the check looks for.
	Finds string
	// Beyond says what belongs to the same failure but cannot be seen through the API, "The partition COS_STATE is only on each
	// node's disk."; empty where there is nothing of the kind.
	Beyond string
	// Remedy is what to do by default, safest first, with commands to paste. A finding may carry its own.
	Remedy string
	// Severity is Block or Warn, before policy. A finding may be milder.
	Severity Severity
	// Waivable is false where going on loses data or can never succeed.
	Waivable bool
	// Needs is the evidence without which the check cannot be judged: what is unread makes it Unknown, what is not
	// installed, or not granted by the operator, makes it Skipped.
	Needs []cluster.Kind
	// Uses is evidence that may be not installed, or not granted; then there is none. What is unread makes the check Unknown all the same.
	Uses []cluster.Kind
	// ByNamespace says that the check judges the objects of each namespace by themselves: what it finds in one is true whatever is in
	// the others. Where evidence is Partial such a check runs, and what is missing is a gap; any other check is Unknown then.
	ByNamespace bool
	// AsksKnown are those kinds of Needs and Uses of which the check itself asks whether a namespace is known (Snapshot.Knows) before
	// anything follows from what is not there: it judges what depends on no other namespace, and says of each object that does that it could not be
	// judged. Where such a kind is Partial the check runs, and nothing is added to its gaps.
	AsksKnown []cluster.Kind
	// Sources are the issues and upstream functions that the rule comes from: "harvester/harvester#7679".
	Sources []string
	// Elsewhere says what others detect of it before an upgrade.
	Elsewhere Peers
	// Since and Until bound the target versions that the check applies to, both inclusive; empty means no bound. A release
	// candidate counts as its release. Where the target version is not known, a check with a bound is Skipped.
	Since, Until string
	// Run reports what is wrong.
	Run func(*Pass) error
}

// Peers says, in a few words each, what of a failure is detected today by what people have without Upgrade Gate. A field is
// empty where that is nothing.
type Peers struct {
	// Webhook is Harvester's own admission webhook (harvester/harvester, pkg/webhook/resources/upgrade/validator.go).
	Webhook string
	// Script is the pre-upgrade script that people run by hand (harvester/upgrade-helpers, pre-check/v1.x/check.sh).
	Script string
}

// Bounds says which target versions the check applies to: "applies to upgrades to v1.8.0 and later". It is empty for a check
// that applies to all.
func (c Check) Bounds() string {
	switch {
	case c.Since != "" && c.Until != "":
		return fmt.Sprintf("applies to upgrades to %s up to %s", c.Since, c.Until)
	case c.Since != "":
		return fmt.Sprintf("applies to upgrades to %s and later", c.Since)
	case c.Until != "":
		return fmt.Sprintf("applies to upgrades to %s and earlier", c.Until)
	}
	return ""
}

var checkName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Validate lists everything that is wrong with a check's metadata.
func (c Check) Validate() error {
	var problems []error
	complain := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf("check %q: "+format, append([]any{c.Name}, args...)...))
		}
	}
	complain(!checkName.MatchString(c.Name), "the name is not kebab-case")
	complain(c.Title == "", "no title")
	complain(c.Why == "", "no why")
	complain(c.Finds == "", "does not say what it finds")
	complain(c.Remedy == "", "no remedy")
	complain(c.Severity != Block && c.Severity != Warn, "severity %q is neither Block nor Warn", c.Severity)
	complain(len(c.Needs) == 0, "needs no evidence, so it could never be Unknown")
	complain(len(c.Sources) == 0, "no source")
	complain(c.Run == nil, "no Run")
	for _, kind := range append(append([]cluster.Kind{}, c.Needs...), c.Uses...) {
		complain(!cluster.Known(kind), "kind %q is not in the table of kinds", kind)
	}
	for _, kind := range c.AsksKnown {
		complain(!slices.Contains(c.Needs, kind) && !slices.Contains(c.Uses, kind), "asks what is known of %q, which it does not read", kind)
	}
	for _, bound := range []string{c.Since, c.Until} {
		if bound != "" {
			_, err := version.ParseSemantic(bound)
			complain(err != nil, "%q is not a version", bound)
		}
	}
	return errors.Join(problems...)
}
