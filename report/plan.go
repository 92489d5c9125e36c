package report

import (
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// PlanOutcome is what a plan comes to.
type PlanOutcome string

// The outcomes.
const (
	// Passes means that nothing was found that the upgrade would hang on.
	Passes PlanOutcome = "Passes"
	// Hangs means that something was, whatever the confidence.
	Hangs PlanOutcome = "Hangs"
	// Untold means that nothing was, but that not everything could be simulated.
	Untold PlanOutcome = "Unknown"
)

// Plan is what a simulated upgrade comes to, as renderers and scripts read it.
type Plan struct {
	SchemaVersion string      `json:"schemaVersion"`
	Outcome       PlanOutcome `json:"outcome"`
	// Target is the version to upgrade to; empty where it is not known.
	Target string `json:"target"`
	// Image is NAMESPACE/NAME of the image to upgrade from; empty where the target is a version.
	Image string `json:"image,omitempty"`
	// Running is Harvester's version before the upgrade; empty where it is not known.
	Running string `json:"running,omitempty"`
	// Source says where the evidence was read, and ReadAt when.
	Source string    `json:"source"`
	ReadAt time.Time `json:"readAt"`
	// SingleNode is true for a cluster of one node, whose VMs are shut down.
	SingleNode bool `json:"singleNode"`
	// Orders is how many orders of the nodes are possible and were simulated.
	Orders int `json:"orders"`
	// Time is how long the upgrade of all nodes takes if nothing hangs.
	Time Span `json:"time"`
	// Before is what would hold the upgrade before the first node, in the order in which it would.
	Before []PlanStop `json:"before"`
	// Nodes are in the order in which they are upgraded.
	Nodes []PlanNode `json:"nodes"`
	// Unknown says what could not be simulated, sorted.
	Unknown []string `json:"unknown"`
}

// PlanNode is what happens while one node is upgraded.
type PlanNode struct {
	Node     string `json:"node"`
	Position int    `json:"position"`
	Of       int    `json:"of"`
	// Tier is why the node comes at this place: "etcd", "control plane" or "worker".
	Tier    string `json:"tier"`
	Witness bool   `json:"witness"`
	// Stops are where the node would hang, in the order in which it would.
	Stops     []PlanStop     `json:"stops"`
	Moves     []PlanMove     `json:"moves"`
	ShutDowns []PlanShutDown `json:"shutDowns"`
	Losses    []PlanLoss     `json:"losses"`
	// Evictions is how many pods are evicted, Rebuilds how many replicas catch up, and RebuildBytes how large their data is.
	Evictions    int   `json:"evictions"`
	Rebuilds     int   `json:"rebuilds"`
	RebuildBytes int64 `json:"rebuildBytes"`
	Time         Span  `json:"time"`
}

// PlanStop is one reason for which the upgrade would hang.
type PlanStop struct {
	State      drain.State      `json:"state"`
	Confidence drain.Confidence `json:"confidence"`
	Object     checks.Object    `json:"object,omitzero"`
	Because    string           `json:"because"`
	// Remedy says what to do; empty where that of Check is meant.
	Remedy string `json:"remedy"`
	// Check is the name of the check that reports the cause; empty where only the plan sees it.
	Check          string   `json:"check"`
	Evidence       []string `json:"evidence"`
	Transient      bool     `json:"transient"`
	OrderDependent bool     `json:"orderDependent"`
}

// PlanMove is a VM that migrates, to a node that has room for it.
type PlanMove struct {
	Object checks.Object `json:"object"`
	To     string        `json:"to"`
}

// PlanShutDown is a VM that is stopped for the upgrade.
type PlanShutDown struct {
	Object     checks.Object    `json:"object"`
	Because    string           `json:"because"`
	Confidence drain.Confidence `json:"confidence"`
	Check      string           `json:"check"`
}

// PlanLoss is a volume that cannot be used while a node is down.
type PlanLoss struct {
	Object checks.Object `json:"object"`
	// Used is true for a volume that is attached.
	Used bool `json:"used"`
}

// Span is an estimate in seconds: at least, and at most.
type Span struct {
	Low  int64 `json:"lowSeconds"`
	High int64 `json:"highSeconds"`
}
