package report

import "fmt"

// guilty draws what was found on a node, one object in a row: its shape, its name, and the numbers of its findings.
func (d *nodePicture) guilty(most int, coarse bool) {
	if len(d.node.Guilty) == 0 {
		return
	}
	d.y += 3
	d.out.add(`<line class="rule" x1="0" y1="%s" x2="%s" y2="%[1]s"/>`, coordinate(d.y), coordinate(d.width))
	d.y += 6
	if !coarse {
		d.caption("found here")
		d.y += 2
	}
	for _, s := range d.node.Guilty[:min(len(d.node.Guilty), most)] {
		d.row(s)
	}
	d.more(len(d.node.Guilty) - most)
}

func (d *nodePicture) row(s spot) {
	d.out.add("<g>")
	d.out.tooltip(s.Full)
	d.shape(s.shape, 7, d.y+badgeHeight/2, "guilty "+s.Refs[0].Class)
	room := d.width - 20 - 8
	for _, ref := range s.Refs {
		room -= textWidth(ref.Mark, chipText*bolder) + 8 + 4
	}
	if s.More > 0 {
		room -= textWidth(fmt.Sprintf("+%d", s.More), chipText) + 4
	}
	name := fittedName(s.Label, chipText, max(room, 60))
	d.out.text(20, d.y+12, "found", name)
	d.out.add("</g>")
	d.badges(20+textWidth(name, chipText)+8, d.y, s.Refs, s.More, mostMarks)
	d.y += rowHeight
}

// shape draws the mark of a guilty object: a VM is a rounded box, a replica a diamond, an engine a hexagon, anything else a triangle.
func (d *nodePicture) shape(s spotShape, x, y float64, class string) {
	switch s {
	case shapeVM:
		d.out.add(`<rect class="%s" x="%s" y="%s" width="14" height="10" rx="3"/>`, class, coordinate(x-7), coordinate(y-5))
	case shapeReplica:
		d.diamond(x, y, class)
	case shapeEngine:
		d.out.add(`<path class="%s" d="M%s %sl3.5-6h7l3.5 6-3.5 6h-7z"/>`, class, coordinate(x-7), coordinate(y))
	default:
		d.out.add(`<path class="%s" d="M%s %sl7 12h-14z"/>`, class, coordinate(x), coordinate(y-6))
	}
}
