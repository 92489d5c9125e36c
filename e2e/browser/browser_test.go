package browser_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/e2e/browser"
)

var everyPage = []string{healthy, stuck, large, hostile}

// screens are a phone, a tablet and a laptop.
var screens = []struct{ width, height int64 }{{360, 640}, {768, 1024}, {1280, 800}}

func TestAPageLoadsNothingAndBreaksNoRule(t *testing.T) {
	on := browser.Open(t)
	for _, name := range everyPage {
		t.Run(name, func(t *testing.T) {
			file := load(t, on, name)
			buttons := evaluate[int](t, on, `document.querySelectorAll("pre.command + button").length`)
			if commands := evaluate[int](t, on, `document.querySelectorAll("pre.command").length`); buttons != commands || commands == 0 {
				t.Errorf("%d of %d commands have a button: the script did not run", buttons, commands)
			}
			if diff := cmp.Diff([]string{browser.AddressOf(file)}, on.Requests()); diff != "" {
				t.Errorf("what was asked for (-want +got):\n%s", diff)
			}
			if complaints := on.Complaints(); len(complaints) > 0 {
				t.Errorf("the browser complains of %q", complaints)
			}
			if title := evaluate[string](t, on, `document.title`); !strings.HasSuffix(title, ": Upgrade to v1.4.2 · Upgrade Gate") {
				t.Errorf("the title is %q", title)
			}
			size := evaluate[int](t, on, `document.documentElement.outerHTML.length`)
			loaded := evaluate[float64](t, on, `performance.getEntriesByType("navigation")[0].loadEventEnd`)
			t.Logf("%s: %d characters, loaded after %.0f ms", name, size, loaded)
		})
	}
}

func TestAForeignScriptAndAForeignPictureWouldBeSeen(t *testing.T) {
	on := browser.Open(t)
	page, err := written[stuck]()
	must(t, err)
	for what, element := range map[string]string{
		"a script": "<script>document.title = 'foreign'</script>", "a picture": `<img src="other.png" alt="">`, "a style": `<p style="color: red">x</p>`,
		"a handler": `<p id="x" onclick="1">x</p><svg onload="document.title = 'foreign'"></svg>`,
	} {
		t.Run(what, func(t *testing.T) {
			loadText(t, on, strings.Replace(string(page), "</main>", element+"</main>", 1))
			if title := evaluate[string](t, on, `document.title`); title == "foreign" {
				t.Error("the page's policy lets it run")
			}
			if len(on.Complaints()) == 0 {
				t.Error("the browser does not complain")
			}
		})
	}
}

func TestAPageIsNoWiderThanTheScreen(t *testing.T) {
	on := browser.Open(t)
	for _, name := range everyPage {
		load(t, on, name)
		for _, screen := range screens {
			t.Run(fmt.Sprintf("%s at %d", name, screen.width), func(t *testing.T) {
				must(t, on.Resize(screen.width, screen.height))
				evaluate[int](t, on, `document.querySelectorAll("details").forEach(d => { d.open = true }), 0`)
				if got := evaluate[int64](t, on, `document.documentElement.scrollWidth`); got > screen.width {
					t.Errorf("the page is %d pixels wide", got)
				}
				if got := evaluate[float64](t, on, `document.querySelector(".sentence").getBoundingClientRect().bottom`); got > float64(screen.height) {
					t.Errorf("the verdict ends at %.0f of %d pixels", got, screen.height)
				}
				// A picture that is wider than the screen is in a box that scrolls, and a sentence says so.
				wide := evaluate[bool](t, on, `(b => b.scrollWidth > b.clientWidth)(document.querySelector(".picture"))`)
				says := evaluate[bool](t, on, `document.querySelector(".sideways").offsetHeight > 0`)
				if wide && !says {
					t.Error("the plan's picture scrolls, and nothing says so")
				}
			})
		}
	}
}

func TestEverythingIsReachedByTheKeyboard(t *testing.T) {
	for _, name := range []string{healthy, stuck} {
		t.Run(name, func(t *testing.T) {
			on := browser.Open(t)
			load(t, on, name)
			must(t, on.Resize(1280, 800))
			// What has the focus, by what it is and its place among all elements.
			const focused = `(e => e === document.body ? "" : [...document.querySelectorAll("*")].indexOf(e) + " " + e.tagName + " " + e.className)(document.activeElement)`
			want := evaluate[[]string](t, on, `[...document.querySelectorAll("summary, a[href]:not([tabindex]), button, [tabindex='0']")].
				filter(e => e.tagName === "SUMMARY" || !e.closest("details:not([open])")).map(e => [...document.querySelectorAll("*")].indexOf(e) + " " + e.tagName + " " + e.className)`)
			var got []string
			for range len(want) {
				must(t, on.Press("\t"))
				got = append(got, evaluate[string](t, on, focused))
				if outline := evaluate[string](t, on, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
					t.Errorf("the focus on %s is not seen", got[len(got)-1])
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what Tab reaches (-want +got):\n%s", diff)
			}
			if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, " SUMMARY ") }) || !strings.HasSuffix(got[0], " A skip") {
				t.Errorf("the first of %d places is %q, want the skip link, and details among the others", len(got), got[0])
			}
		})
	}
}

func TestTheSkipLinkAndDetailsWorkByTheKeyboard(t *testing.T) {
	on := browser.Open(t)
	load(t, on, stuck)
	must(t, on.Press("\t"))
	if top := evaluate[float64](t, on, `document.activeElement.getBoundingClientRect().top`); top < 0 {
		t.Errorf("the skip link is at %.0f when it has the focus", top)
	}
	must(t, on.Press("\r"))
	if got := evaluate[string](t, on, `document.activeElement.id`); got != "main" {
		t.Errorf("the skip link leads to %q", got)
	}
	evaluate[int](t, on, `document.querySelector("#checks summary").focus(), 0`)
	must(t, on.Press("\r"))
	if !evaluate[bool](t, on, `document.querySelector("#checks details").open`) {
		t.Error("Enter does not open a check")
	}
}

func TestACommandIsCopiedOrAtLeastSelected(t *testing.T) {
	on := browser.Open(t)
	load(t, on, stuck)
	says := evaluate[string](t, on, `new Promise(done => {
		const status = document.getElementById("copied");
		new MutationObserver(() => done(status.textContent)).observe(status, {childList: true});
		document.querySelector("pre.command + button").click();
	})`)
	if command := "virtctl stop ledger-1 -n billing && virtctl start ledger-1 -n billing"; says != "Copied: "+command && says != "Selected: "+command {
		t.Errorf("the page says %q", says)
	}
	if got := evaluate[string](t, on, `getComputedStyle(document.querySelector("pre.command")).userSelect`); got != "all" {
		t.Errorf("a click selects %q of a command, want all", got)
	}
}

func TestAPageNeedsNoScript(t *testing.T) {
	on := browser.Open(t)
	must(t, on.DisableScripts())
	load(t, on, stuck)
	if n := evaluate[int](t, on, `document.querySelectorAll("button").length`); n != 0 {
		t.Errorf("there are %d buttons that do nothing", n)
	}
	if n := evaluate[int](t, on, `[...document.querySelectorAll("pre.command")].filter(e => e.offsetHeight > 0).length`); n == 0 {
		t.Error("no command is seen")
	}
}
