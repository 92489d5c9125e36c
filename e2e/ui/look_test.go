package ui_test

import (
	"errors"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/e2e/browser"
)

// A laptop's screen.
const width, height = 1280, 800

// shown is what a page shows: one of these.
type shown struct {
	// Dialog is put into the dashboard's dialog as it is.
	Dialog string
	// Page are the lines that the air-gap page puts into a banner.
	Page []string
	// Growl is put into what pops up after an upgrade was created.
	Growl string
}

// layout is what the browser made of a text.
type layout struct {
	Text                        string
	Width, TextWidth            int
	Space, Wrap, Line           string
	Lines                       int
	Wanted, Room                int // what the box is high, and what of that is seen
	PageWidth, BoxWidth, Inside int
}

const measure = `(() => {
	const text = document.querySelector(".text"), box = document.querySelector(".box"), style = getComputedStyle(text);
	const range = document.createRange();
	range.selectNodeContents(text);
	const tops = new Set([...range.getClientRects()].filter(r => r.width > 0).map(r => Math.round(r.bottom)));
	return {
		Text: text.innerText, Width: text.clientWidth, TextWidth: text.scrollWidth,
		Space: style.whiteSpace, Wrap: style.overflowWrap, Line: style.lineHeight, Lines: tops.size,
		Wanted: box.scrollHeight, Room: box.clientHeight, BoxWidth: box.clientWidth, Inside: box.scrollWidth,
		PageWidth: document.documentElement.scrollWidth,
	};
})()`

// showsAll shows the messages as both pages do, and looks whether all of them is seen.
func showsAll(t *testing.T, messages map[string]string) {
	on := browser.Open(t)
	for name, message := range messages {
		message = prefix + message
		lines := strings.Split(message, "\n")
		t.Run(name+" in the dialog", func(t *testing.T) {
			got := look(t, on, name+"-dialog", shown{Dialog: message})
			if diff := cmp.Diff(strings.Join(lines, " "), got.Text); diff != "" {
				t.Errorf("the paragraph that is seen (-want +got):\n%s", diff)
			}
		})
		t.Run(name+" in the page", func(t *testing.T) {
			got := look(t, on, name+"-page", shown{Page: lines})
			if diff := cmp.Diff(lines, strings.Split(got.Text, "\n")); diff != "" {
				t.Errorf("the lines that are seen (-want +got):\n%s", diff)
			}
			if got.Lines < len(lines) {
				t.Errorf("%d lines are seen, want %d at least", got.Lines, len(lines))
			}
		})
	}
}

// look opens a page and compares its layout with what anybody expects of a box: that all is in it.
func look(t *testing.T, on *browser.Tab, name string, what shown) layout {
	t.Helper()
	open(t, on, what)
	picture(t, on, name, ".box")
	got, err := browser.Evaluate[layout](on, measure)
	if err != nil {
		t.Fatal(err)
	}
	if got.Width != 806 || got.Space != "normal" || got.Wrap != "normal" || got.Line != "20px" {
		t.Fatalf("the page is not laid out as Harvester's: %+v", got)
	}
	if got.TextWidth > got.Width || got.Inside > got.BoxWidth || got.PageWidth > width {
		t.Errorf("something is wider than its box: %+v", got)
	}
	if got.Wanted > got.Room {
		t.Errorf("on a screen of %d pixels one has to scroll: the box is %d pixels high, and %d of them are seen", height, got.Wanted, got.Room)
	}
	t.Logf("%d characters in %d lines, in a box of %d pixels", len([]rune(got.Text)), got.Lines, got.Wanted)
	return got
}

// open writes the page with a text in it, and opens it.
func open(t *testing.T, on *browser.Tab, what shown) {
	t.Helper()
	page, err := template.ParseFiles("testdata/pages.html")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(page.Execute(file, what), file.Close(), on.Resize(width, height), on.Load(path)); err != nil {
		t.Fatal(err)
	}
}

// showsWarnings has a browser read the headers, and shows what the UI makes of them: it leaves out what begins with
// "unknown field", and joins the rest with commas.
func showsWarnings(t *testing.T, warnings []string) {
	on := browser.Open(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		for _, warning := range warnings {
			w.Header().Add("Warning", warning)
		}
	}))
	t.Cleanup(server.Close)
	if err := on.Visit(server.URL); err != nil {
		t.Fatal(err)
	}
	header, err := browser.Evaluate[string](on, `fetch("/").then(answer => answer.headers.get("warning"))`)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, text := range strings.Split(header, "299 - ") {
		if text = strings.TrimSuffix(strings.TrimSpace(text), ","); text != "" && !strings.HasPrefix(text, "unknown field") {
			texts = append(texts, text)
		}
	}
	growl := strings.Join(texts, ", ")
	golden(t, "growl", growl)
	open(t, on, shown{Growl: growl})
	picture(t, on, "growl", ".growl")
	seen, err := browser.Evaluate[string](on, `document.querySelector(".growl").innerText`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(growl, seen); diff != "" {
		t.Errorf("what pops up (-header +seen):\n%s", diff)
	}
	if wide, err := browser.Evaluate[bool](on, `(e => e.scrollWidth > e.clientWidth)(document.querySelector(".growl"))`); err != nil || wide {
		t.Errorf("it is wider than its box: %t, %v", wide, err)
	}
}

// picture leaves a picture of an element in the folder that the flag names, if it does.
func picture(t *testing.T, on *browser.Tab, name, selector string) {
	t.Helper()
	if *pictures == "" {
		return
	}
	png, err := on.Picture(selector)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}
