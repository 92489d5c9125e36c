package report

import (
	"fmt"
	"html/template"
	"strings"
)

// planView is the simulated upgrade as a page shows it.
type planView struct {
	// Missing says why nothing was simulated; empty where there is a plan.
	Missing string
	// Class, Symbol and Word say what it comes to, Headline the same in a sentence.
	Class, Symbol, Word, Headline string
	Picture                       template.HTML
	Notes                         []string
	Before                        []planStopView
	BeforeMore                    int
	Nodes                         []planNodeView
	// Unknown is what could not be simulated, UnknownMore how many more such things there are.
	Unknown     []string
	UnknownMore int
	// Open is true where the words are few, or say what is wrong.
	Open bool
}

// planNodeView is one node of a plan, in words.
type planNodeView struct {
	Name, Place, Work string
	Stops             []planStopView
	StopsMore         int
	ShutDowns, Losses []string
	ShutDownsMore     int
	LossesMore        int
}

// planStopView is one reason to hang.
type planStopView struct {
	State, Sureness string
	Because, See    []piece
	Remedy          []pageStep
	Evidence        string
}

// mostUnknown is how many of the things that could not be simulated are listed.
const mostUnknown = 20

// mostOpen is how many nodes a plan may have to be shown in words without being asked for.
const mostOpen = 8

func planViewOf(p Plan, l linker) planView {
	view := planView{Headline: sentence(capital(p.headline())), Word: string(p.Outcome)}
	for _, text := range p.Unknown[:min(len(p.Unknown), mostUnknown)] {
		view.Unknown = append(view.Unknown, sentence(clip(printable(text), longestText)))
	}
	view.UnknownMore = len(p.Unknown) - len(view.Unknown)
	if len(p.Nodes) == 0 {
		view.Missing = "No upgrade was simulated, for no node is known."
		return view
	}
	switch p.Outcome {
	case Hangs:
		view.Class, view.Symbol = "blocked", "✕"
	case Untold:
		view.Class, view.Symbol = "incomplete", "?"
	default:
		view.Class, view.Symbol = "ready", "✓"
	}
	view.Picture = template.HTML(drawPlan(p, inPage()))
	view.Notes = planNotes(p)
	view.Before, view.BeforeMore = l.stops(p.Before)
	for _, node := range p.Nodes {
		view.Nodes = append(view.Nodes, l.planNode(node))
	}
	view.Open = p.Outcome == Hangs && len(p.Nodes) <= mostOpen
	return view
}

func planNotes(p Plan) []string {
	time := fmt.Sprintf("%s for %s, if nothing hangs.", capital(p.Time.String()), counted(len(p.Nodes), "node"))
	if p.SingleNode {
		time = fmt.Sprintf("The only node is not drained: its VMs are shut down. It takes %s if nothing hangs.", p.Time)
	}
	notes := []string{time}
	if p.Orders > 1 {
		notes = append(notes, fmt.Sprintf("Which etcd node comes first is known only from the machine plans, which were not read: %d orders are possible. "+
			"All were simulated; this is the first of them.", p.Orders))
	}
	if p.Target == "" {
		notes = append(notes, "The version to upgrade to is not known: the rules are those of the newest release that is known here.")
	}
	return notes
}

func (l linker) planNode(n PlanNode) planNodeView {
	view := planNodeView{Name: printable(n.Node), Place: n.place(), Work: sentence(n.work())}
	view.Stops, view.StopsMore = l.stops(n.Stops)
	for _, down := range n.ShutDowns[:min(len(n.ShutDowns), fewest)] {
		text := fmt.Sprintf("VM %s/%s (%s): %s", down.Object.Namespace, down.Object.Name, down.Confidence, down.Because)
		view.ShutDowns = append(view.ShutDowns, sentence(clip(printable(text), longestText)))
	}
	view.ShutDownsMore = len(n.ShutDowns) - len(view.ShutDowns)
	for _, loss := range n.Losses[:min(len(n.Losses), fewest)] {
		use := "not in use"
		if loss.Used {
			use = "in use"
		}
		view.Losses = append(view.Losses, fmt.Sprintf("%s, %s", printable(loss.Object.Name), use))
	}
	view.LossesMore = len(n.Losses) - len(view.Losses)
	return view
}

func (l linker) stops(stops []PlanStop) (shown []planStopView, more int) {
	for _, stop := range stops[:min(len(stops), fewest)] {
		view := planStopView{
			State: printable(string(stop.State)), Sureness: stop.sureness(),
			Because: l.pieces(sentence(clip(printable(stop.Because), longestText))), Evidence: printable(joinFew(stop.Evidence)),
		}
		remedy := stop.Remedy
		if stop.Transient {
			remedy = strings.TrimSuffix("wait, it ends by itself in normal life; if it stays, "+remedy, "; if it stays, ")
		}
		if remedy != "" {
			view.Remedy = l.remedy(remedy)
		}
		if stop.Check != "" {
			view.See = l.names(stop.Check)
		}
		shown = append(shown, view)
	}
	return shown, len(stops) - len(shown)
}
