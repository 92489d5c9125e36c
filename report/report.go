// Package report holds what the gate says of an upgrade, as one value, and renders it for each reader: the message of a
// refusal, warnings, causes, audit annotations, an event, text for a terminal, JSON. It decides nothing.
package report

import (
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// SchemaVersion is the version of the JSON form of a Report.
const SchemaVersion = "v1"

// Report is what the gate says of one upgrade.
type Report struct {
	SchemaVersion string `json:"schemaVersion"`
	// Verdict is Ready, Blocked or Incomplete.
	Verdict policy.Verdict `json:"verdict"`
	// Target is the version to upgrade to; empty where it is not known.
	Target string `json:"target"`
	// Image is NAMESPACE/NAME of the image to upgrade from; empty where the target is a version.
	Image string `json:"image,omitempty"`
	// Running is Harvester's version before the upgrade; empty where it is not known.
	Running string `json:"running,omitempty"`
	// Source says where the evidence was read: "the watch cache".
	Source string `json:"source"`
	// ReadAt is when the evidence was read.
	ReadAt time.Time `json:"readAt"`
	// ExcludedNamespaces are those whose virtual machines the policy leaves out.
	ExcludedNamespaces []string `json:"excludedNamespaces,omitempty"`
	// NotRun are the checks that the one who asked left out; mostly empty.
	NotRun []string `json:"notRun,omitempty"`
	// Waivers are those found on the Upgrade.
	Waivers []policy.Waiver `json:"waivers,omitempty"`
	// Checks holds one entry for every check of the chain, in its order.
	Checks []Check `json:"checks"`
	// Evidence says of every kind that a check of the chain reads how it was read, in the order in which the checks name them.
	Evidence []Evidence `json:"evidence"`
}

// Evidence says how one kind was read, or why it was not.
type Evidence struct {
	Kind cluster.Kind `json:"kind"`
	// State is Read, Partial, NotInstalled, NotGranted or Unread.
	State cluster.ReadState `json:"state"`
	// Because gives the reason where State is not Read.
	Because string `json:"because,omitempty"`
	// ReadAt is when the kind was read; nil where that is not known.
	ReadAt *time.Time `json:"readAt,omitempty"`
	// ResourceVersion is the list's; empty where there is none.
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Count is the number of objects.
	Count int `json:"count"`
}

// Check is one check in a Report.
type Check struct {
	Name     string          `json:"name"`
	Title    string          `json:"title"`
	Outcome  checks.Outcome  `json:"outcome"`
	Severity checks.Severity `json:"severity"`
	// Enforcement is the policy's; left out where it is the default, block.
	Enforcement policy.Enforcement `json:"enforcement,omitempty"`
	// Because gives the reason of Skipped and Unknown. Of Passed and Failed it says what was not looked at, "not looked at: A; B",
	// and is mostly empty.
	Because string `json:"because"`
	// Findings are what is wrong.
	Findings []Finding `json:"findings"`
	// Reads are the kinds of Evidence that the check rests on.
	Reads []cluster.Kind `json:"reads"`
	// Unknown are the objects that could not be judged.
	Unknown []Unknown `json:"unknown,omitempty"`
	// Undecided is true when what is unknown about this check refuses the upgrade.
	Undecided bool `json:"undecided,omitempty"`
}

// lacks says what a check that is not judged, or not in full, lacks, where that belongs to no single object: other checks may lack the
// same. It is false where there are objects that could not be judged.
func (c Check) lacks() (because string, shared bool) {
	switch {
	case len(c.Unknown) == 0:
		return c.Because, true
	case len(c.Unknown) == 1 && c.Unknown[0].Object == (checks.Object{}):
		return c.Unknown[0].Because, true
	}
	return "", false
}

// Finding is one thing that is wrong with one object.
type Finding struct {
	Object checks.Object `json:"object"`
	// Rule tells apart the rules of one check; mostly empty.
	Rule string `json:"rule,omitempty"`
	// Message states the fact, object first, without a full stop.
	Message string `json:"message"`
	// Remedy says what to do.
	Remedy string `json:"remedy"`
	// Transient marks a state that also occurs in normal life and ends by itself.
	Transient bool `json:"transient"`
	// Since is when the state began or was first seen; nil where that is not known.
	Since *time.Time `json:"since,omitempty"`
	// Blocks is true for a finding that refuses the upgrade, after policy and waivers.
	Blocks bool `json:"blocks"`
	// WaivedBy names the waiver but for which the finding would refuse the upgrade; empty where there is none.
	WaivedBy string `json:"waivedBy,omitempty"`
}

// Unknown is an object that could not be judged. Object is empty where it is no single one.
type Unknown struct {
	Object  checks.Object `json:"object"`
	Because string        `json:"because"`
}

// String says what could not be judged, and why.
func (u Unknown) String() string { return checks.Gap(u).String() }
