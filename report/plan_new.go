package report

import (
	"cmp"
	"fmt"
	"slices"

	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// simulated are the kinds without which a plan may be too good.
var simulated = [...]cluster.Kind{
	cluster.Nodes, cluster.Machines, cluster.Pods, cluster.DisruptionBudgets, cluster.VirtualMachines, cluster.VMIs, cluster.Migrations,
	cluster.Volumes, cluster.Engines, cluster.Replicas, cluster.InstanceManagers, cluster.Attachments, cluster.VolumeAttachments,
	cluster.LonghornNodes, cluster.LonghornSettings,
}

// PlanInput is what a Plan is made from.
type PlanInput struct {
	// Snapshot is the evidence, and Simulated what came of it.
	Snapshot  *cluster.Snapshot
	Simulated drain.Plan
	// Image is NAMESPACE/NAME of the image to upgrade from; empty where the target is a version.
	Image string
}

// NewPlan returns the Plan of one simulation.
func NewPlan(input PlanInput) Plan {
	s, from := input.Snapshot, input.Simulated
	p := Plan{
		SchemaVersion: SchemaVersion, Outcome: Passes, Target: from.Target, Image: input.Image, Running: s.RunningVersion(),
		Source: s.Source(), ReadAt: s.Now().UTC(), SingleNode: from.SingleNode, Orders: from.Orders, Time: spanOf(from.Time),
		Before: stopsOf(from.Before), Nodes: make([]PlanNode, 0, len(from.Nodes)), Unknown: unknownOf(s, from),
	}
	for _, node := range from.Nodes {
		p.Nodes = append(p.Nodes, nodeOf(node))
	}
	switch {
	case from.Stuck():
		p.Outcome = Hangs
	case len(p.Unknown) > 0:
		p.Outcome = Untold
	}
	return p
}

// unknownOf adds to what could not be simulated the evidence that could not be read.
func unknownOf(s *cluster.Snapshot, from drain.Plan) []string {
	unknown := []string{}
	for _, u := range from.Unknown {
		unknown = append(unknown, u.String())
	}
	for _, kind := range simulated {
		switch evidence := s.Evidence(kind); evidence.State {
		case cluster.Unread:
			unknown = append(unknown, fmt.Sprintf("%s could not be read: %s", kind, evidence.Because))
		case cluster.Partial:
			unknown = append(unknown, fmt.Sprintf("%s could be read only in part: %s", kind, evidence.Because))
		}
	}
	if len(from.Nodes) == 0 {
		unknown = append(unknown, "no node is known, so that nothing was simulated")
	}
	slices.Sort(unknown)
	return slices.Compact(unknown)
}

func nodeOf(from drain.NodePlan) PlanNode {
	n := PlanNode{
		Node: from.Node, Position: from.Position, Of: from.Of, Tier: from.Tier, Witness: from.Witness,
		Stops: stopsOf(from.Stops), Moves: make([]PlanMove, 0, len(from.Moves)), ShutDowns: make([]PlanShutDown, 0, len(from.ShutDowns)),
		Losses:    make([]PlanLoss, 0, len(from.Losses)),
		Evictions: from.Evictions, Rebuilds: from.Rebuilds, RebuildBytes: from.RebuildBytes, Time: spanOf(from.Time),
	}
	for _, move := range from.Moves {
		n.Moves = append(n.Moves, PlanMove{Object: vmiObject(move.Namespace, move.Name), To: move.To})
	}
	for _, down := range from.ShutDowns {
		n.ShutDowns = append(n.ShutDowns, PlanShutDown{Object: vmiObject(down.Namespace, down.Name), Because: down.Because,
			Confidence: down.Confidence, Check: down.Check})
	}
	for _, loss := range from.Losses {
		n.Losses = append(n.Losses, PlanLoss{Object: planObject(loss.Object), Used: loss.Used})
	}
	slices.SortStableFunc(n.Moves, func(a, b PlanMove) int { return compareObjects(a.Object, b.Object) })
	slices.SortStableFunc(n.ShutDowns, func(a, b PlanShutDown) int { return compareObjects(a.Object, b.Object) })
	slices.SortStableFunc(n.Losses, func(a, b PlanLoss) int { return compareObjects(a.Object, b.Object) })
	return n
}

// stopsOf keeps the order of stops within a state: that is the order in which the upgrade would meet them.
func stopsOf(from []drain.Stop) []PlanStop {
	stops := make([]PlanStop, 0, len(from))
	for _, stop := range from {
		stops = append(stops, PlanStop{
			State: stop.State, Confidence: stop.Confidence, Object: planObject(stop.Object), Because: stop.Because, Remedy: stop.Remedy,
			Check: stop.Check, Evidence: distinct(stop.Evidence), Transient: stop.Transient, OrderDependent: stop.OrderDependent,
		})
	}
	states := []drain.State{drain.SystemServices, drain.ImagesPreloaded, drain.Upgrading, drain.PreDraining, drain.PreDrained, drain.PostDraining}
	slices.SortStableFunc(stops, func(a, b PlanStop) int { return slices.Index(states, a.State) - slices.Index(states, b.State) })
	return stops
}

func distinct(texts []string) []string {
	all := make([]string, 0, len(texts))
	for _, text := range texts {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

func vmiObject(namespace, name string) checks.Object {
	gvk := kubevirtv1.VirtualMachineInstanceGroupVersionKind
	return checks.Object{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Namespace: namespace, Name: name}
}

func planObject(object client.Object) checks.Object {
	if object == nil {
		return checks.Object{}
	}
	return checks.ObjectOf(object)
}

func compareObjects(a, b checks.Object) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func spanOf(r drain.Range) Span { return Span{int64(r.Low.Seconds()), int64(r.High.Seconds())} }
