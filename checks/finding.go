package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Object names a Kubernetes object.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
}

// ObjectOf returns the name of an object of the cluster.
func ObjectOf(object client.Object) Object {
	gvk := cluster.GVKOf(object)
	return Object{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Namespace: object.GetNamespace(), Name: object.GetName()}
}

// String returns "VirtualMachineInstance default/db-1".
func (o Object) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// Finding is one thing that is wrong with one object.
type Finding struct {
	// Object is the guilty object.
	Object Object
	// Rule tells apart the rules of one check where a waiver concerns only one of them: "image-gc-threshold". Mostly empty.
	Rule string
	// Severity is the check's, unless this finding is milder. The chain fills it in.
	Severity Severity
	// Message states the fact with its numbers, object first, without a full stop: "volume pvc-1 has 2 engines, on node-1 and node-3, and no
	// migration is running".
	Message string
	// Remedy says what to do. The chain fills in the check's where it is empty.
	Remedy string
	// Transient marks a state that also occurs in normal life and ends by itself; its remedy begins with waiting.
	Transient bool
	// Since is when the state began, as far as known. Zero means that the object does not say; the gate then fills in when it
	// first saw the finding.
	Since time.Time
	// Settles is how long the state lasts in normal life at most. A transient finding that is younger, or whose age is not
	// known, must be seen by a second read before it counts. Zero: one read is enough.
	Settles time.Duration
}

// Key identifies a finding of a check from one read to the next: the same state of the same object.
func (f Finding) Key() string {
	return strings.Join([]string{f.Object.APIVersion, f.Object.Kind, f.Object.Namespace, f.Object.Name, f.Rule}, "|")
}

// Settled tells whether one read is enough for the finding to count.
func (f Finding) Settled(now time.Time) bool {
	if !f.Transient || f.Settles == 0 {
		return true
	}
	return !f.Since.IsZero() && now.Sub(f.Since) >= f.Settles
}

// Gap is an object that a check could not judge, and why. Object is empty where it is no single one.
type Gap struct {
	Object  Object
	Because string
}

func (g Gap) String() string {
	if g.Object == (Object{}) {
		return g.Because
	}
	return fmt.Sprintf("%s: %s", g.Object, g.Because)
}

func compareObjects(a, b Object) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name), strings.Compare(a.Kind, b.Kind),
		strings.Compare(a.APIVersion, b.APIVersion))
}

func sortFindings(findings []Finding) {
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(compareObjects(a.Object, b.Object), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
}

// sortGaps puts what belongs to no single object last, for it may count what is left.
func sortGaps(gaps []Gap) {
	slices.SortFunc(gaps, func(a, b Gap) int {
		switch none := (Object{}); {
		case a.Object == none && b.Object != none:
			return 1
		case a.Object != none && b.Object == none:
			return -1
		}
		return cmp.Or(compareObjects(a.Object, b.Object), strings.Compare(a.Because, b.Because))
	})
}
