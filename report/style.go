package report

// Style says how a text for a terminal is laid out.
type Style struct {
	// Width is how many columns there are; 0 means 100. Only a word that is longer runs over.
	Width int
	// Colour marks the verdict and headings by ANSI escape sequences. Colour never says anything that the words do not.
	Colour bool
}

func (s Style) width() int {
	if s.Width == 0 {
		return columns
	}
	return max(s.Width, narrowest)
}

// columns is how wide text is for a reader whose width is not known.
const columns = 100

// narrowest is the width below which a text is not squeezed further.
const narrowest = 40
