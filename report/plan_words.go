package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// fewest is how many of a long list are named.
const fewest = 5

// upgrade names what is simulated: "an upgrade to v1.4.2 (from v1.4.1)".
func (p Plan) upgrade() string {
	text := strings.TrimSpace("an upgrade " + Report{Image: p.Image, Target: p.Target}.target())
	if p.Running != "" {
		text += " (from " + printable(p.Running) + ")"
	}
	return text
}

// stuck returns the nodes that would hang.
func (p Plan) stuck() []PlanNode {
	var stuck []PlanNode
	for _, node := range p.Nodes {
		if len(node.Stops) > 0 {
			stuck = append(stuck, node)
		}
	}
	return stuck
}

// headline says in one sentence whether the upgrade would go through.
func (p Plan) headline() string {
	stuck := p.stuck()
	switch {
	case len(p.Before) > 0:
		text := fmt.Sprintf("%s %s in %s, before the first node", p.upgrade(), wouldHang(p.Before), p.Before[0].State)
		if len(stuck) > 0 {
			text += fmt.Sprintf("; after that, %s", hangingNodes(stuck, len(p.Nodes)))
		}
		return sentence(text)
	case len(stuck) > 0:
		return sentence(fmt.Sprintf("in %s, %s", p.upgrade(), hangingNodes(stuck, len(p.Nodes))))
	case p.Outcome == Untold:
		return sentence(fmt.Sprintf("nothing was found that %s would hang on, but %s could not be read or simulated", p.upgrade(), counted(len(p.Unknown), "thing")))
	}
	return sentence(fmt.Sprintf("nothing was found that %s would hang on", p.upgrade()))
}

// hangingNodes is "2 of 3 nodes would hang, the first is node-2 in Pre-drained".
func hangingNodes(stuck []PlanNode, of int) string {
	var stops []PlanStop
	for _, node := range stuck {
		stops = append(stops, node.Stops...)
	}
	first := fmt.Sprintf("%s in %s", plain(stuck[0].Node), stuck[0].Stops[0].State)
	if of == 1 {
		return fmt.Sprintf("the only node %s: %s", wouldHang(stops), first)
	}
	return fmt.Sprintf("%d of %d nodes %s, the first is %s", len(stuck), of, wouldHang(stops), first)
}

// wouldHang puts the confidence of the surest stop into words.
func wouldHang(stops []PlanStop) string {
	has := func(c drain.Confidence) bool {
		return slices.ContainsFunc(stops, func(s PlanStop) bool { return s.Confidence == c })
	}
	switch {
	case has(drain.Certain):
		return "would hang"
	case has(drain.Likely):
		return "would most likely hang"
	}
	return "may hang"
}

// place is "2nd of 3, etcd".
func (n PlanNode) place() string {
	text := fmt.Sprintf("%s of %d, %s", drain.Ordinal(n.Position), n.Of, n.Tier)
	if n.Of == 1 {
		text = "the only node"
	}
	if n.Witness {
		text += ", witness"
	}
	return text
}

// work says what is done on a node, in numbers.
func (n PlanNode) work() string {
	parts := []string{n.movesInWords()}
	switch down := len(n.ShutDowns); {
	case down > 0 && len(n.Moves) == 0:
		parts = []string{verb(down, "VM is", "VMs are") + " shut down"}
	case down > 0:
		parts = append(parts, verb(down, "is", "are")+" shut down")
	}
	if n.Evictions > 0 {
		parts = append(parts, verb(n.Evictions, "pod is", "pods are")+" evicted")
	}
	if n.Rebuilds > 0 {
		rebuilds := verb(n.Rebuilds, "replica catches up", "replicas catch up")
		if n.RebuildBytes > 0 {
			rebuilds += " (" + gibibytes(n.RebuildBytes) + ")"
		}
		parts = append(parts, rebuilds)
	}
	return strings.Join(append(parts, n.Time.String()), ", ")
}

func (n PlanNode) movesInWords() string {
	groups := n.targets()
	switch {
	case len(groups) == 0:
		return "no VM moves"
	case len(groups) == 1:
		return fmt.Sprintf("%s (to %s)", verb(len(n.Moves), "VM moves", "VMs move"), plain(groups[0].node))
	}
	var to []string
	for _, group := range groups[:min(len(groups), fewest)] {
		to = append(to, fmt.Sprintf("%s %d", plain(group.node), len(group.vms)))
	}
	text := strings.Join(to, ", ")
	if more := len(groups) - fewest; more > 0 {
		text += fmt.Sprintf(" and %d more nodes", more)
	}
	return fmt.Sprintf("%d VMs move (to %s)", len(n.Moves), text)
}

// movesTo are the VMs that move to one node.
type movesTo struct {
	node string
	vms  []string
}

// targets groups the moves by the node that takes them, the one that takes most first.
func (n PlanNode) targets() []movesTo {
	var groups []movesTo
	at := map[string]int{}
	for _, move := range n.Moves {
		i, ok := at[move.To]
		if !ok {
			i = len(groups)
			at[move.To] = i
			groups = append(groups, movesTo{node: move.To})
		}
		groups[i].vms = append(groups[i].vms, move.Object.Namespace+"/"+move.Object.Name)
	}
	slices.SortFunc(groups, func(a, b movesTo) int {
		return cmp.Or(len(b.vms)-len(a.vms), cmp.Compare(a.node, b.node))
	})
	return groups
}

// sureness is "certain", or "likely, in some of the possible orders only".
func (s PlanStop) sureness() string {
	text := string(s.Confidence)
	if s.OrderDependent {
		text += ", in some of the possible orders only"
	}
	return text
}

// String is "15 to 70 minutes"; from two hours on with hours, from two days on with days.
func (s Span) String() string {
	low, high := (s.Low+30)/60, (s.High+30)/60
	switch {
	case low == high:
		return longTime(high)
	case high < 120:
		return fmt.Sprintf("%d to %d minutes", low, high)
	}
	return longTime(low) + " to " + longTime(high)
}

func longTime(minutes int64) string {
	if minutes < 120 {
		return counted(int(minutes), "minute")
	}
	hours, rest, unit := minutes/60, minutes%60, "minute"
	text := counted(int(hours), "hour")
	if hours >= 48 {
		text, rest, unit = counted(int(hours/24), "day"), hours%24, "hour"
	}
	if rest > 0 {
		text += " " + counted(int(rest), unit)
	}
	return text
}

func gibibytes(bytes int64) string {
	gib := float64(bytes) / (1 << 30)
	switch {
	case gib >= 10*1024:
		return fmt.Sprintf("%.1f TiB", gib/1024)
	case gib >= 10:
		return fmt.Sprintf("%.0f GiB", gib)
	}
	return fmt.Sprintf("%.1f GiB", gib)
}

func verb(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// listed joins the first few of a list: "a, b, c, d, e and 3 more".
func listed(all []string) string {
	text := strings.Join(all[:min(len(all), fewest)], ", ")
	if more := len(all) - fewest; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
