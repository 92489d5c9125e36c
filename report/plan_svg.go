package report

import (
	"fmt"
	"io"
	"strings"
)

// What a plan's picture measures. Its width is fixed, and its lanes are as high for 64 nodes as for three.
const (
	pictureWidth = 1200.0
	plotLeft     = 190.0
	plotRight    = 1180.0
	laneHeight   = 46.0
	barTop       = 7.0
	barHeight    = 14.0
	textSize     = 11.0
)

// WritePlanSVG draws a Plan: time goes from left to right, and each node has a lane, in which it is upgraded, takes VMs from others, and
// perhaps hangs. The same plan gives the same bytes.
func WritePlanSVG(w io.Writer, p Plan) error {
	return writeOut(w, "the plan", drawPlan(p, standalone()))
}

func drawPlan(p Plan, f frame) []byte {
	d := newDrawing(p, f.part)
	d.begin(f)
	if !f.part {
		d.header()
	}
	d.lanes()
	for i := range p.Nodes {
		d.moves(i)
	}
	for i := range p.Nodes {
		d.bar(i)
		d.why(i)
	}
	d.footer()
	d.out.add("</svg>")
	return d.out.Bytes()
}

// drawing is a picture being drawn.
type drawing struct {
	plan Plan
	// part is true for a picture in a page.
	part bool
	out  *canvas
	// begins and width say where each node's bar is, drawn with the longest estimates.
	begins, widths []float64
	seconds        float64
	notes          []note
	// top is where the lanes begin, and height that of the whole picture.
	top, height float64
	laneOf      map[string]int
	// taken are the places in each lane at which something begins: its bar, and the lines of those that send VMs to it.
	taken [][]float64
}

// note is a line of text above or below the lanes.
type note struct{ class, text string }

func newDrawing(p Plan, part bool) *drawing {
	d := &drawing{plan: p, part: part, out: &canvas{}, laneOf: map[string]int{}}
	for _, node := range p.Nodes {
		d.seconds += float64(max(node.Time.High, 60))
	}
	at := plotLeft
	for i, node := range p.Nodes {
		width := float64(max(node.Time.High, 60)) / d.seconds * (plotRight - plotLeft)
		d.begins, d.widths = append(d.begins, at), append(d.widths, width)
		d.laneOf[node.Node] = i
		at += width
	}
	d.taken = make([][]float64, len(p.Nodes))
	for i, node := range p.Nodes {
		d.taken[i] = append(d.taken[i], d.begins[i])
		for _, group := range node.targets() {
			if lane, ok := d.laneOf[group.node]; ok {
				d.taken[lane] = append(d.taken[lane], d.stem(i))
			}
		}
	}
	d.top = 34
	if !part {
		d.notes = p.notes()
		d.top = 92 + 16*float64(len(d.notes))
	}
	d.height = d.top + laneHeight*float64(len(p.Nodes)) + 62
	return d
}

// notes are what is said of the plan as a whole.
func (p Plan) notes() []note {
	var notes []note
	for _, stop := range p.Before[:min(len(p.Before), fewest)] {
		notes = append(notes, note{"sub why", fmt.Sprintf("Before the first node, in %s (%s): %s", stop.State, stop.sureness(), sentence(stop.Because))})
	}
	if more := len(p.Before) - fewest; more > 0 {
		notes = append(notes, note{"sub why", fmt.Sprintf("and %d more before the first node", more)})
	}
	if p.Orders > 1 {
		notes = append(notes, note{"sub", fmt.Sprintf("%d orders are possible, for it is not known which etcd node comes first; this is the first of them.", p.Orders)})
	}
	if len(p.Unknown) > 0 {
		text := "Could not be simulated: " + sentence(p.Unknown[0])
		if more := len(p.Unknown) - 1; more > 0 {
			text += fmt.Sprintf(" And %d more.", more)
		}
		notes = append(notes, note{"sub warn", text})
	}
	return notes
}

func (d *drawing) begin(f frame) {
	d.out.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %[2]s" width="%[1]s" height="%[2]s" %[3]s role="img" aria-labelledby="%[4]stitle %[4]sdesc">`,
		coordinate(pictureWidth), coordinate(d.height), f.attributes, f.ids)
	d.out.add(`<title id="%stitle">%s</title>`, f.ids, escaped(capital(d.plan.headline())))
	var sentences []string
	for _, node := range d.plan.Nodes {
		sentences = append(sentences, node.inOneSentence())
	}
	d.out.add(`<desc id="%sdesc">%s</desc>`, f.ids, escaped(strings.Join(sentences, " ")))
	d.out.add("%s%s", f.style, f.patterns())
	d.out.add(`<rect class="page" width="%s" height="%s"/>`, coordinate(pictureWidth), coordinate(d.height))
}

// inOneSentence says of a node what its lane shows.
func (n PlanNode) inOneSentence() string {
	text := fmt.Sprintf("%s, %s: %s", plain(n.Node), n.place(), n.work())
	if len(n.Stops) > 0 {
		text += fmt.Sprintf("; hangs in %s, %s", n.Stops[0].State, clip(plain(n.Stops[0].Because), longestFact))
	}
	return sentence(text)
}

func (d *drawing) header() {
	width := pictureWidth - 40
	headline, _, _ := strings.Cut(d.plan.headline(), ";")
	d.out.text(20, 30, "head", fitted(sentence(capital(headline)), 17*bolder, width))
	d.out.text(20, 50, "sub", fmt.Sprintf("%s, %s if nothing hangs. Evidence of %s.", counted(len(d.plan.Nodes), "node"), d.plan.Time, d.plan.ReadAt.UTC().Format("2006-01-02 15:04 MST")))
	for i, note := range d.notes {
		d.out.text(20, 68+16*float64(i), note.class, fitted(note.text, 12*bolder, width))
	}
}

// axis draws a line for each round time, counted with the longest estimates.
func (d *drawing) axis() {
	if d.seconds == 0 {
		return
	}
	bottom := d.top + laneHeight*float64(len(d.plan.Nodes))
	step := tick(int64(d.seconds))
	for at := int64(0); at <= int64(d.seconds); at += step {
		x := plotLeft + float64(at)/d.seconds*(plotRight-plotLeft)
		d.out.add(`<line class="grid" x1="%s" y1="%s" x2="%[1]s" y2="%[3]s"/>`, coordinate(x), coordinate(d.top-6), coordinate(bottom))
		d.out.text(x, d.top-10, "small mid", tickText(at))
	}
	d.out.text(20, d.top-10, "small", "nodes, in their order")
}

// tick is how far apart the lines are: a round time of which there are no more than twelve.
func tick(seconds int64) int64 {
	for _, minutes := range []int64{5, 10, 15, 30, 60, 120, 180, 360, 720, 1440} {
		if seconds/(minutes*60) <= 12 {
			return minutes * 60
		}
	}
	return (seconds/(12*86400) + 1) * 86400
}

func tickText(seconds int64) string {
	if seconds == 0 {
		return "0"
	}
	if seconds%3600 == 0 {
		return fmt.Sprintf("%d h", seconds/3600)
	}
	if seconds < 3600 {
		return fmt.Sprintf("%d min", seconds/60)
	}
	return fmt.Sprintf("%d:%02d h", seconds/3600, seconds/60%60)
}

// free is up to where there is room in a lane, to the right of a place in it.
func (d *drawing) free(lane int, x float64) float64 {
	until := plotRight
	for _, at := range d.taken[lane] {
		if at > x {
			until = min(until, at)
		}
	}
	return until - 4
}

// stem is where the line of the VMs that leave a node is.
func (d *drawing) stem(i int) float64 { return d.begins[i] + min(8, d.widths[i]/3) }

func (d *drawing) laneTop(i int) float64 { return d.top + laneHeight*float64(i) }

// lanes draws the ground and the name of each lane.
func (d *drawing) lanes() {
	for i, node := range d.plan.Nodes {
		y := d.laneTop(i)
		if i%2 == 0 {
			d.out.add(`<rect class="odd" x="10" y="%s" width="%s" height="%s"/>`, coordinate(y), coordinate(pictureWidth-20), coordinate(laneHeight))
		}
		class := "name"
		if len(node.Stops) > 0 {
			class = "name why"
		}
		d.out.text(20, y+19, class, fittedName(node.Node, 13*bolder, plotLeft-30))
		d.out.text(20, y+35, "small", node.place())
	}
	// The lines of the axis go over the ground.
	d.axis()
}

// halo is the class of a text in a lane that lines may cross.
func halo(lane int) string {
	if lane%2 == 0 {
		return "odd-halo"
	}
	return "halo"
}

// capital begins a sentence.
func capital(text string) string {
	return strings.ToUpper(text[:1]) + text[1:]
}
