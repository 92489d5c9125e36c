package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// WritePlanText writes a Plan for a terminal: whether the upgrade would go through, what would hold it before the first node, then a
// block for each node that a person can follow.
func WritePlanText(w io.Writer, p Plan, style Style) error {
	text := planText{out: &bytes.Buffer{}, style: style}
	text.head(p)
	if len(p.Before) > 0 {
		text.heading(red, "Before the first node")
		text.stops(p.Before)
	}
	for _, node := range p.Nodes {
		text.node(node)
	}
	text.unknown(p.Unknown)
	if text.namesChecks {
		text.out.WriteByte('\n')
		text.line("", "  ", "upgrade-gate explain CHECK says what to do about what a check finds, upgrade-gate check what it finds here.")
	}
	return writeOut(w, "the plan", text.out.Bytes())
}

type planText struct {
	out   *bytes.Buffer
	style Style
	// namesChecks is true once the text has sent its reader to a check.
	namesChecks bool
}

func (t *planText) line(first, following, text string) { wrap(t.out, t.style, first, following, text) }

func (t *planText) heading(c colour, text string) {
	fmt.Fprintf(t.out, "\n%s\n", t.style.paint(c, text+":"))
}

func (t *planText) head(p Plan) {
	colours := map[PlanOutcome]colour{Passes: green, Hangs: red, Untold: yellow}
	t.line("", "  ", t.style.paint(colours[p.Outcome], strings.ToUpper(string(p.Outcome)))+": "+p.headline())
	var names []string
	for _, node := range p.Nodes {
		names = append(names, plain(node.Node))
	}
	switch len(names) {
	case 0:
		t.line("", "  ", "No node is known.")
	case 1:
		t.line("", "  ", fmt.Sprintf("Its only node, %s, is not drained: its VMs are shut down. It takes %s if nothing hangs.", names[0], p.Time))
	default:
		t.line("", "  ", fmt.Sprintf("Order: %s. Time: %s for %d nodes, if nothing hangs.", listed(names), p.Time, len(names)))
	}
	if p.Orders > 1 {
		t.line("", "  ", fmt.Sprintf("Which etcd node comes first is known only from the machine plans, which were not read: %d orders are possible. "+
			"All were simulated; what follows is the first of them.", p.Orders))
	}
	if p.Target == "" {
		t.line("", "  ", "The version to upgrade to is not known: the rules are those of the newest release that is known here.")
	}
	t.line("", "  ", fmt.Sprintf("Evidence: %s, as of %s.", printable(p.Source), p.ReadAt.UTC().Format(time.RFC3339)))
}

func (t *planText) node(n PlanNode) {
	t.out.WriteByte('\n')
	t.line("", "  ", t.style.paint(bold, plain(n.Node))+fmt.Sprintf(" (%s): %s.", n.place(), n.work()))
	t.stops(n.Stops)
	for _, down := range n.ShutDowns[:min(len(n.ShutDowns), fewest)] {
		text := fmt.Sprintf("SHUT DOWN %s/%s (%s): %s", down.Object.Namespace, down.Object.Name, down.Confidence, sentence(down.Because))
		if down.Check != "" {
			text += " See " + t.check(down.Check) + "."
		}
		t.line("  ", "    ", printable(text))
	}
	t.more(len(n.ShutDowns), "VM is shut down", "VMs are shut down")
	if len(n.Losses) > 0 {
		var volumes []string
		for _, loss := range n.Losses {
			use := "not in use"
			if loss.Used {
				use = "in use"
			}
			volumes = append(volumes, fmt.Sprintf("%s (%s)", plain(loss.Object.Name), use))
		}
		noun := "volume"
		if len(volumes) > 1 {
			noun = "volumes"
		}
		t.line("  ", "    ", fmt.Sprintf("LOST while the node is down, with all good replicas on it: %s %s.", noun, listed(volumes)))
	}
}

func (t *planText) stops(stops []PlanStop) {
	for _, stop := range stops[:min(len(stops), fewest)] {
		t.line("  ", "    ", t.style.paint(red, "HANGS")+fmt.Sprintf(" in %s (%s): %s", stop.State, stop.sureness(), sentence(printable(stop.Because))))
		if len(stop.Evidence) > 0 {
			t.line("    Seen in: ", "      ", sentence(printable(joinFew(stop.Evidence))))
		}
		if remedy := t.remedy(stop); remedy != "" {
			t.line("    To fix: ", "      ", sentence(printable(remedy)))
		}
	}
	t.more(len(stops), "reason to hang", "reasons to hang")
}

func joinFew(evidence []string) string {
	text := strings.Join(evidence[:min(len(evidence), fewest)], "; ")
	if more := len(evidence) - fewest; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// remedy says what to do about a stop, or which check does.
func (t *planText) remedy(s PlanStop) string {
	remedy := s.Remedy
	if remedy == "" && s.Check != "" {
		remedy = "see " + t.check(s.Check)
	}
	switch {
	case s.Transient && remedy == "":
		return "wait, it ends by itself in normal life"
	case s.Transient:
		return "wait, it ends by itself in normal life; if it stays, " + remedy
	}
	return remedy
}

func (t *planText) check(name string) string {
	t.namesChecks = true
	return name
}

// more says how many of a list were left out.
func (t *planText) more(all int, one, many string) {
	more, noun := all-fewest, many
	if more <= 0 {
		return
	}
	if more == 1 {
		noun = one
	}
	fmt.Fprintf(t.out, "  and %d more %s; -o json has them all\n", more, noun)
}

func (t *planText) unknown(all []string) {
	if len(all) == 0 {
		return
	}
	t.heading(yellow, "Could not be simulated, so that the plan may be too good")
	for _, text := range all[:min(len(all), fewest)] {
		t.line("  - ", "    ", sentence(printable(text)))
	}
	t.more(len(all), "thing", "things")
}
