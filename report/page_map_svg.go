package report

import (
	"fmt"
	"html/template"
)

// What a node's picture measures. Its width is that of a column of the page, so that its text is as large as the page's.
const (
	nodeWidth       = 320.0
	coarseNodeWidth = 216.0
	chipHeight      = 20.0
	chipText        = 12.0
	squareSize      = 9.0
	squarePitch     = 12.0
	rowHeight       = 22.0
	badgeHeight     = 17.0
	// mostChips, mostSquares and mostRows are how many VMs, replicas and guilty objects of one node are drawn.
	mostChips      = 40
	mostSquares    = 260
	mostRows       = 12
	mostCoarseRows = 4
	mostOwn        = 6
)

// nodePicture is the picture of one node, drawn from top to bottom.
type nodePicture struct {
	node  mapNode
	out   *canvas
	width float64
	y     float64
}

// drawNode draws a node: every VM and every replica, or only how many there are, and what is guilty by name.
func drawNode(n mapNode, coarse bool, most nodeSize) template.HTML {
	d := &nodePicture{node: n, out: &canvas{}, width: nodeWidth}
	rows := mostRows
	if coarse {
		d.width, rows = coarseNodeWidth, mostCoarseRows
	}
	d.head()
	if coarse {
		d.amount("VM", len(n.VMs), most.vms)
		d.amount("replica", len(n.Replicas), most.replicas)
	} else {
		d.vms()
		d.squares()
	}
	d.guilty(rows, coarse)
	whole := &canvas{}
	whole.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" class="node" role="img" aria-labelledby="%[3]s-title %[3]s-desc">`,
		coordinate(d.width), coordinate(d.y+2), n.ID)
	whole.add(`<title id="%s-title">%s</title>`, n.ID, escaped("Node "+n.Name))
	whole.add(`<desc id="%s-desc">%s</desc>`, n.ID, escaped(n.inWords()))
	whole.Write(d.out.Bytes())
	whole.add("</svg>")
	return template.HTML(whole.String())
}

// inWords says what a node's picture shows.
func (n mapNode) inWords() string {
	text := fmt.Sprintf("%s, %s: %s, %s", n.Place, n.State, counted(len(n.VMs), "VM"), counted(len(n.Replicas), "replica"))
	if len(n.Own) > 0 {
		text += "; found of the node itself: " + marks(n.Own)
	}
	for _, guilty := range n.Guilty[:min(len(n.Guilty), fewest)] {
		text += "; " + guilty.Full + ": " + marks(guilty.Refs)
	}
	if more := len(n.Guilty) - fewest; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return sentence(text)
}

func marks(refs []markRef) string {
	var names []string
	for _, ref := range refs {
		names = append(names, ref.Mark)
	}
	return listed(names)
}

func (d *nodePicture) head() {
	d.out.text(0, 15, "name", fittedName(d.node.Name, 15*bolder, d.width))
	class := "small"
	if d.node.Unwell {
		class = "small unwell"
	}
	d.out.text(0, 32, class, fitted(d.node.Place+" · "+d.node.State, chipText, d.width))
	d.y = 40
	if len(d.node.Own) > 0 {
		d.out.text(0, d.y+12, "label", "the node itself")
		d.badges(textWidth("the node itself", chipText)+8, d.y, d.node.Own, max(len(d.node.Own)-mostOwn, 0), mostOwn)
		d.y += rowHeight
	}
}

// badges draws the numbers of findings, each a link, and returns where they end.
func (d *nodePicture) badges(x, y float64, refs []markRef, more, most int) float64 {
	for _, ref := range refs[:min(len(refs), most)] {
		width := textWidth(ref.Mark, chipText*bolder) + 8
		if x+width > d.width {
			more++
			continue
		}
		// The picture is one image for a screen reader; the table beside it has the same links for the keyboard.
		d.out.add(`<a href="%s" tabindex="-1" class="mark %s">`, ref.Href, ref.Class)
		d.out.tooltip(ref.Title)
		corner := 2.0
		if ref.Class == "warn" {
			corner = badgeHeight / 2
		}
		d.out.add(`<rect x="%s" y="%s" width="%s" height="%s" rx="%s"/>`, coordinate(x), coordinate(y), coordinate(width), coordinate(badgeHeight), coordinate(corner))
		d.out.text(x+width/2, y+12.5, "mid", ref.Mark)
		d.out.add("</a>")
		x += width + 4
	}
	if more > 0 {
		text := fmt.Sprintf("+%d", more)
		d.out.text(x, y+12, "label", text)
		x += textWidth(text, chipText) + 4
	}
	return x
}

// vms draws every VM as a small shape with its name.
func (d *nodePicture) vms() {
	d.caption(counted(len(d.node.VMs), "VM"))
	guilty := map[string]spot{}
	for _, s := range d.node.Guilty {
		if s.shape == shapeVM {
			guilty[s.Label] = s
		}
	}
	x := 0.0
	for _, vm := range d.node.VMs[:min(len(d.node.VMs), mostChips)] {
		name, size, mark := vm.name, chipText, ""
		found, isGuilty := guilty[vm.name]
		if isGuilty {
			size, mark = chipText*bolder, " "+found.Refs[0].Mark
		}
		name = fittedName(name, size, d.width-24-textWidth(mark, size)) + mark
		width := textWidth(name, size) + 14
		if x > 0 && x+width > d.width {
			x, d.y = 0, d.y+chipHeight+5
		}
		class := "vm"
		if isGuilty {
			class = "vm " + found.Refs[0].Class
		}
		d.out.add(`<g class="%s">`, class)
		d.out.tooltip(vm.tip)
		d.out.add(`<rect x="%s" y="%s" width="%s" height="%s" rx="5"/>`, coordinate(x+1), coordinate(d.y), coordinate(min(width, d.width-2)-1), coordinate(chipHeight))
		d.out.text(x+7, d.y+14, "", name)
		d.out.add("</g>")
		x += width + 5
	}
	if len(d.node.VMs) > 0 {
		d.y += chipHeight + 6
	}
	d.more(len(d.node.VMs) - mostChips)
}

// squares draws every replica; what is guilty of them comes below, by name.
func (d *nodePicture) squares() {
	d.caption(counted(len(d.node.Replicas), "replica"))
	guilty := map[string]string{}
	for _, s := range d.node.Guilty {
		if s.shape == shapeReplica {
			guilty[s.Full] = s.Refs[0].Class
		}
	}
	x := 0.0
	for _, replica := range d.node.Replicas[:min(len(d.node.Replicas), mostSquares)] {
		if x+squareSize > d.width {
			x, d.y = 0, d.y+squarePitch
		}
		class := "replica"
		if replica.idle {
			class = "replica idle"
		}
		d.out.add("<g>")
		d.out.tooltip(replica.tip)
		if found := guilty["replica "+replica.name]; found != "" {
			d.diamond(x+squareSize/2, d.y+squareSize/2, "guilty "+found)
		} else {
			d.out.add(`<rect class="%s" x="%s" y="%s" width="%s" height="%[4]s"/>`, class, coordinate(x+0.5), coordinate(d.y+0.5), coordinate(squareSize-1))
		}
		d.out.add("</g>")
		x += squarePitch
	}
	if len(d.node.Replicas) > 0 {
		d.y += squarePitch + 5
	}
	d.more(len(d.node.Replicas) - mostSquares)
}

func (d *nodePicture) caption(text string) {
	d.out.text(0, d.y+15, "label", text)
	d.y += 21
}

func (d *nodePicture) more(n int) {
	if n > 0 {
		d.caption(fmt.Sprintf("and %d more", n))
	}
}

// amount draws how many of something a node has, beside the node that has most.
func (d *nodePicture) amount(noun string, n, most int) {
	d.caption(counted(n, noun))
	d.out.add(`<rect class="ground" x="0" y="%s" width="%s" height="5" rx="2.5"/>`, coordinate(d.y), coordinate(d.width))
	if n > 0 {
		d.out.add(`<rect class="amount" x="0" y="%s" width="%s" height="5" rx="2.5"/>`, coordinate(d.y), coordinate(max(d.width*float64(n)/float64(most), 5)))
	}
	d.y += 11
}

func (d *nodePicture) diamond(x, y float64, class string) {
	d.out.add(`<path class="%s" d="M%s %sl6 6-6 6-6-6z"/>`, class, coordinate(x), coordinate(y-6))
}
