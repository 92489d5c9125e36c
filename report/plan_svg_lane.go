package report

import (
	"fmt"
	"slices"
	"strings"
)

// moves draws where the VMs of a node go: one line up and down from its bar, and from that an arrow into each lane that takes some.
func (d *drawing) moves(i int) {
	node := d.plan.Nodes[i]
	groups := node.targets()
	if len(groups) == 0 {
		return
	}
	x, from := d.stem(i), d.laneTop(i)+barTop+barHeight/2
	reach := min(14, d.widths[i]/2)
	d.out.add("<g>")
	d.out.tooltip(fmt.Sprintf("%s: %s", node.Node, node.movesInWords()))
	first, last := from, from
	var tips strings.Builder
	for _, group := range groups {
		lane, ok := d.laneOf[group.node]
		if !ok {
			continue
		}
		y := d.laneTop(lane) + barTop + barHeight/2
		first, last = min(first, y), max(last, y)
		fmt.Fprintf(&tips, "M%s %sh%s", coordinate(x), coordinate(y), coordinate(reach))
	}
	d.out.add(`<path class="move" d="M%s %sV%s%s"/>`, coordinate(x), coordinate(first), coordinate(last), tips.String())
	for _, group := range groups {
		if lane, ok := d.laneOf[group.node]; ok {
			d.arrival(lane, x+reach, group)
		}
	}
	d.out.add("</g>")
}

// arrival draws the head of an arrow into a lane, and which VMs it stands for, in what room there is.
func (d *drawing) arrival(lane int, x float64, group movesTo) {
	const size = 3.5
	y := d.laneTop(lane) + barTop + barHeight/2
	d.out.add(`<path class="tip" d="M%s %sl7 3.5-7 3.5z"/>`, coordinate(x), coordinate(y-size))
	x += 2*size + 4
	room := d.free(lane, x-2) - x
	labels := []string{verb(len(group.vms), "VM", "VMs"), fmt.Sprint(len(group.vms))}
	if len(group.vms) <= 3 {
		labels = slices.Insert(labels, 0, strings.Join(group.vms, ", "))
	}
	for _, label := range labels {
		if textWidth(label, textSize) <= room {
			d.out.text(x, y+4, halo(lane), label)
			return
		}
	}
}

// bar draws when a node is upgraded: at least as long as the full part, at most as long as the whole. What is shut down for it stands
// below.
func (d *drawing) bar(i int) {
	node, x, y := d.plan.Nodes[i], d.begins[i], d.laneTop(i)+barTop
	width := max(d.widths[i], 2)
	low := max(width*float64(node.Time.Low)/float64(max(node.Time.High, 1)), 1)
	class := ""
	if len(node.Stops) > 0 {
		class = ` class="stuck"`
	}
	d.out.add("<g%s>", class)
	d.out.tooltip(node.inOneSentence())
	d.out.add(`<rect class="page" x="%s" y="%s" width="%s" height="%s"/>`, coordinate(x), coordinate(y), coordinate(width), coordinate(barHeight))
	d.out.add(`<rect class="high" x="%s" y="%s" width="%s" height="%s"/>`, coordinate(x), coordinate(y), coordinate(width), coordinate(barHeight))
	d.out.add(`<rect class="low" x="%s" y="%s" width="%s" height="%s"/>`, coordinate(x), coordinate(y), coordinate(min(low, width)), coordinate(barHeight))
	d.out.add("</g>")
	if len(node.ShutDowns) > 0 && width > 12 {
		d.downMark(x+width-9, y+barHeight/2)
	}
}

// why says below a bar where the node hangs and on what, and which VMs are shut down, on the side where there is more room.
func (d *drawing) why(i int) {
	node, y := d.plan.Nodes[i], d.laneTop(i)+37
	down := node.shutDownsInShort()
	if len(node.Stops) == 0 && down == "" {
		return
	}
	leftwards := d.begins[i]+d.widths[i]-plotLeft > plotRight-d.begins[i]
	x, room := d.begins[i]+16, plotRight-d.begins[i]-16
	if leftwards {
		x, room = d.begins[i]+d.widths[i]-16, d.begins[i]+d.widths[i]-plotLeft-16
	}
	class := halo(i)
	if leftwards {
		class += " end"
	}
	text, mark := down, d.downMark
	if len(node.Stops) > 0 {
		text, mark = node.stopsInShort(), d.stopSign
		if down != "" {
			text += " Also: " + down
		}
		class += " why"
	} else {
		class += " warn"
	}
	if leftwards {
		mark(x+8, y-4)
	} else {
		mark(x-9, y-4)
	}
	d.out.text(x, y, class, fitted(text, textSize*bolder, room))
}

// stopSign is the mark of a node that hangs; colour alone does not reach everybody.
func (d *drawing) stopSign(x, y float64) {
	d.out.add(`<circle class="sign" cx="%s" cy="%s" r="6"/><rect class="bar" x="%s" y="%s" width="7" height="2.4"/>`,
		coordinate(x), coordinate(y), coordinate(x-3.5), coordinate(y-1.2))
}

// downMark is the mark of VMs that are shut down.
func (d *drawing) downMark(x, y float64) {
	d.out.add(`<rect class="down" x="%s" y="%s" width="9" height="9" rx="1"/>`, coordinate(x-4.5), coordinate(y-4.5))
}

// stopsInShort is the first reason to hang, and how many more there are.
func (n PlanNode) stopsInShort() string {
	first := n.Stops[0]
	sureness := string(first.Confidence)
	if first.OrderDependent {
		sureness += ", in some orders"
	}
	if more := len(n.Stops) - 1; more > 0 {
		sureness += fmt.Sprintf(", and %d more", more)
	}
	return fmt.Sprintf("%s (%s): ", first.State, sureness) + sentence(withShortNames(first.Because))
}

// withShortNames cuts generated names, so that there is room for the rest of a sentence.
func withShortNames(text string) string {
	const longest = 26
	words := strings.Split(printable(text), " ")
	for i, word := range words {
		words[i] = shortenWord(word, longest)
	}
	return strings.Join(words, " ")
}

// shutDownsInShort is "2 VMs are shut down: shop/db-1, shop/db-2."; empty where none is.
func (n PlanNode) shutDownsInShort() string {
	var names []string
	for _, down := range n.ShutDowns {
		names = append(names, down.Object.Namespace+"/"+plain(down.Object.Name))
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return fmt.Sprintf("%s shut down: %s.", verb(len(names), "VM is", "VMs are"), listed(names))
}

// footer explains the picture.
func (d *drawing) footer() {
	y := d.laneTop(len(d.plan.Nodes)) + 24
	x := 20.0
	item := func(width float64, text string, draw func(x float64)) {
		draw(x)
		d.out.text(x+width+6, y+4, "small", text)
		x += width + 6 + textWidth(text, 10) + 22
	}
	item(24, "upgraded: at least so long", func(x float64) {
		d.out.add(`<rect class="low" x="%s" y="%s" width="24" height="10"/>`, coordinate(x), coordinate(y-5))
	})
	item(24, "at most so long (the axis counts these)", func(x float64) {
		d.out.add(`<rect class="high" x="%s" y="%s" width="24" height="10"/>`, coordinate(x), coordinate(y-5))
	})
	item(24, "VMs that move to another node", func(x float64) {
		d.out.add(`<path class="move" d="M%s %sh18"/><path class="tip" d="M%s %sl7 3.5-7 3.5z"/>`, coordinate(x), coordinate(y), coordinate(x+17), coordinate(y-3.5))
	})
	item(10, "VMs that are shut down", func(x float64) { d.downMark(x+5, y) })
	item(12, "would hang here; later nodes are shown as if that had been repaired", func(x float64) { d.stopSign(x+6, y) })
	whole := "are in the plan's other forms."
	if d.part {
		whole = "stand below, in words."
	}
	d.out.text(20, y+22, "small", "Which node takes a VM, Kubernetes decides at the time: the arrows show nodes with room. Longer texts than fit "+whole)
}
