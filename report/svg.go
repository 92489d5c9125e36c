package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// canvas collects the elements of an SVG. Texts are escaped here and nowhere else.
type canvas struct{ bytes.Buffer }

// add writes an element, or the beginning of one, as it stands. Its arguments are numbers and our own words.
func (c *canvas) add(format string, args ...any) { fmt.Fprintf(c, format+"\n", args...) }

// text writes a text at a point. The class says how it looks, and where the point is in it.
func (c *canvas) text(x, y float64, class, text string) {
	c.add(`<text x="%s" y="%s" class="%s">%s</text>`, coordinate(x), coordinate(y), class, escaped(text))
}

// tooltip writes the title of the element that was begun last.
func (c *canvas) tooltip(text string) { c.add("<title>%s</title>", escaped(text)) }

// coordinate writes a number with one decimal at most, so that the same plan gives the same bytes.
func coordinate(x float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
}

// escaped makes a text safe in XML, whatever characters the cluster holds.
func escaped(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(printable(text))) // A buffer takes everything.
	return out.String()
}

// textWidth estimates how wide a text is in a sans-serif font of a size, rather too wide than too narrow.
func textWidth(text string, size float64) float64 {
	width := 0.0
	for _, r := range text {
		switch {
		case strings.ContainsRune("iljtfrI.,:;'|!()[]-/ ", r):
			width += 0.36
		case strings.ContainsRune("mwMW@%", r):
			width += 0.92
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			width += 0.66
		case r < 0x2E80:
			width += 0.6
		default:
			width++
		}
	}
	return width * size
}

// bolder is how much wider a text in a bold font is.
const bolder = 1.16

// fitted cuts a text to a width, between words.
func fitted(text string, size, width float64) string {
	text = printable(text)
	if textWidth(text, size) <= width {
		return text
	}
	kept := ""
	for word := range strings.SplitSeq(text, " ") {
		next := strings.TrimSpace(kept + " " + word)
		if textWidth(next+" …", size) > width {
			break
		}
		kept = next
	}
	if kept == "" {
		return fittedName(text, size, width)
	}
	return strings.TrimRight(kept, " ,;:.(") + " …"
}

// fittedName cuts the middle out of a name that is too wide.
func fittedName(name string, size, width float64) string {
	name = printable(name)
	for most := len([]rune(name)); most > 3; most-- {
		if short := shortenWord(name, most); textWidth(short, size) <= width {
			return short
		}
	}
	return "…"
}
