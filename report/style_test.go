package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestColourChangesNothingButColour(t *testing.T) {
	for _, width := range []int{0, 40, 60, 80, 200} {
		for name, r := range samples(t) {
			plain := string(written(t, styled(WriteText, Style{Width: width}), r))
			coloured := string(written(t, styled(WriteText, Style{Width: width, Colour: true}), r))
			if diff := cmp.Diff(plain, escapes.ReplaceAllString(coloured, "")); diff != "" {
				t.Errorf("%s in %d columns (-plain +coloured):\n%s", name, width, diff)
			}
			if strings.Contains(plain, "\x1b") || !strings.Contains(coloured, "\x1b") {
				t.Errorf("%s in %d columns: colour does not follow the style", name, width)
			}
		}
		p := smallPlan(t)
		plan := func(style Style) string {
			return string(written(t, func(w io.Writer, p Plan) error { return WritePlanText(w, p, style) }, p))
		}
		if diff := cmp.Diff(plan(Style{Width: width}), escapes.ReplaceAllString(plan(Style{Width: width, Colour: true}), "")); diff != "" {
			t.Errorf("plan in %d columns (-plain +coloured):\n%s", width, diff)
		}
	}
}

func TestColourEndsOnItsLine(t *testing.T) {
	for name, r := range samples(t) {
		for line := range strings.Lines(string(written(t, styled(WriteText, Style{Width: 40, Colour: true}), r))) {
			marks := escapes.FindAllString(line, -1)
			if len(marks)%2 != 0 || len(marks) > 0 && marks[len(marks)-1] != "\x1b[m" {
				t.Errorf("%s: the colour goes on after %q", name, line)
			}
		}
	}
}

func TestTheVerdictHasItsColour(t *testing.T) {
	for name, want := range map[string]string{
		"stuck": "\x1b[1;31mBLOCKED\x1b[m: ", "unread": "\x1b[1;33mINCOMPLETE\x1b[m: ", "ready": "\x1b[1;32mREADY\x1b[m: ",
	} {
		if got := string(written(t, styled(WriteText, Style{Colour: true}), samples(t)[name])); !strings.HasPrefix(got, want) {
			t.Errorf("%s begins with %q, want %q", name, got[:40], want)
		}
	}
}

func TestLinesAreAsLongAsTheTerminalIsWide(t *testing.T) {
	for _, width := range []int{40, 60, 80, 200} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			for name, r := range samples(t) {
				longest := 0
				for line := range strings.SplitSeq(string(written(t, styled(WriteText, Style{Width: width}), r)), "\n") {
					size := utf8.RuneCountInString(line)
					if size > width && !tooLong(line, width) {
						t.Errorf("%s: a line of %d columns: %q", name, size, line)
					}
					longest = max(longest, size)
				}
				if longest < width*2/3 && width <= 80 {
					t.Errorf("%s: the longest line has %d of %d columns", name, longest, width)
				}
			}
		})
	}
}

// tooLong tells whether a line consists of one word that has no room, behind at most a mark of a list.
func tooLong(line string, width int) bool {
	words := strings.Fields(line)
	return len(words) <= 2 && utf8.RuneCountInString(words[len(words)-1]) > width-len("     ")
}
