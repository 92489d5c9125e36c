package browser_test

import (
	"slices"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/browser"
)

// most is how large a page may be.
const most = 3 << 20

func TestThePageOfALargeClusterIsSmall(t *testing.T) {
	for name, limit := range map[string]int{healthy: 300_000, stuck: 300_000, large: most} {
		page, err := written[name]()
		must(t, err)
		if len(page) > limit {
			t.Errorf("%s has %d bytes, more than %d", name, len(page), limit)
		}
		t.Logf("%s: %d bytes", name, len(page))
	}
}

func TestAScreenReaderIsToldOfEveryPicture(t *testing.T) {
	on := browser.Open(t)
	for name, pictures := range map[string]int{healthy: 4 + 1, stuck: 4 + 1, large: 64 + 1} {
		t.Run(name, func(t *testing.T) {
			load(t, on, name)
			things, err := on.Things()
			must(t, err)
			count := map[string]int{}
			for _, thing := range things {
				count[thing.Role]++
				if thing.Name == "" && slices.Contains([]string{"image", "img", "link", "button", "region", "heading", "DisclosureTriangle"}, thing.Role) {
					t.Errorf("a %s has no name", thing.Role)
				}
			}
			if got := count["image"] + count["img"]; got != pictures {
				t.Errorf("there are %d pictures, want the plan and one for each node, %d; roles are %v", got, pictures, count)
			}
			for _, role := range []string{"banner", "navigation", "main", "contentinfo"} {
				if count[role] != 1 {
					t.Errorf("%d times %s, want one", count[role], role)
				}
			}
		})
	}
}

func TestAPageIsDarkOnADarkScreenAndLightOnPaper(t *testing.T) {
	on := browser.Open(t)
	load(t, on, stuck)
	look := func(scheme, medium string) [2]string {
		must(t, on.Prefer(scheme, medium))
		return [2]string{
			evaluate[string](t, on, `getComputedStyle(document.documentElement).backgroundColor`),
			evaluate[string](t, on, `getComputedStyle(document.querySelector("svg.plan .odd")).fill`),
		}
	}
	light, dark, paper := look("light", "screen"), look("dark", "screen"), look("dark", "print")
	if light[0] != "rgb(255, 255, 255)" || light == dark || light[0] == dark[0] || light[1] == dark[1] {
		t.Errorf("light is %v, dark is %v", light, dark)
	}
	if paper != light {
		t.Errorf("on paper it is %v, want %v", paper, light)
	}
}

func TestAPageIsPrintedWhole(t *testing.T) {
	on := browser.Open(t)
	for _, name := range []string{healthy, stuck} {
		t.Run(name, func(t *testing.T) {
			load(t, on, name)
			sheets, err := on.Print()
			must(t, err)
			if sheets < 1 {
				t.Error("nothing is printed")
			}
			t.Logf("%s: %d sheets", name, sheets)
			must(t, on.Prefer("light", "print"))
			// A4 between its margins, in CSS pixels.
			const width = 680
			must(t, on.Resize(width, 1000))
			checkPaper(t, on, width)
		})
	}
}

// checkPaper looks for what paper would not show: details that stay closed, and boxes that cut off what is in them.
func checkPaper(t *testing.T, on *browser.Tab, width int) {
	t.Helper()
	closed := evaluate[[]string](t, on, `[...document.querySelectorAll("details")].
		filter(d => d.lastElementChild.getBoundingClientRect().height === 0).map(d => d.querySelector("summary").textContent)`)
	if len(closed) > 0 {
		t.Errorf("closed on paper: %q", closed)
	}
	cut := evaluate[[]string](t, on, `[...document.querySelectorAll(".scroll, pre, table, .card")].
		filter(e => e.scrollWidth > e.clientWidth + 1 && e.tagName !== "TABLE" || e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className + " " + e.textContent.slice(0, 40))`)
	if len(cut) > 0 {
		t.Errorf("cut off on paper: %q", cut)
	}
	if got := evaluate[int](t, on, `document.documentElement.scrollWidth`); got > width {
		t.Errorf("the print is %d pixels wide, more than %d", got, width)
	}
}
