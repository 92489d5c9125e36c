package report

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

func TestEveryPage(t *testing.T) {
	rules := map[string]func(*testing.T, string){
		"loads nothing": loadsNothing, "allows its own style and script alone": allowsItsOwn, "has links that lead somewhere": leadsSomewhere,
		"has headings that skip no level": skipsNoLevel, "has a name for every picture and region": namesPictures,
	}
	for name, page := range map[string]string{
		"stuck": pageOf(t, stuckPage(t)), "ready": pageOf(t, readyPage(t)), "unread": pageOf(t, unreadPage(t)), "hostile": pageOf(t, hostilePage(t)),
		"stuck example": pageOf(t, examplePage(t, "stuck-pre-drained")), "healthy example": pageOf(t, examplePage(t, "healthy")),
		"storage example": pageOf(t, examplePage(t, "storage")),
	} {
		for rule, holds := range rules {
			t.Run(name+" "+rule, func(t *testing.T) { holds(t, page) })
		}
	}
}

// elements parses a page and returns its elements, in their order.
func elements(t *testing.T, page string) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var all []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
	}
	return text.String()
}

func loadsNothing(t *testing.T, page string) {
	issue := regexp.MustCompile(`^https://github\.com/[\w.-]+/[\w.-]+/issues/\d+$`)
	// What a page consists of. Anything else, as an image or a frame, is somebody else's doing.
	known := strings.Fields("html head meta title link style body a header div p h1 h2 h3 h4 span dl dt dd time ul ol li nav main section article details summary " +
		"bdi code pre table thead tbody tr th td footer script svg g rect path line text circle desc defs pattern")
	count := map[string]int{}
	for _, n := range elements(t, page) {
		count[n.Data]++
		if !slices.Contains(known, n.Data) {
			t.Errorf("there is an element %s", n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "srcset", a.Key == "action":
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			case a.Key == "href" && n.Data == "link":
				if a.Val != "data:," {
					t.Errorf("a link leads to %q", a.Val)
				}
			case a.Key == "href" && !strings.HasPrefix(a.Val, "#") && !issue.MatchString(a.Val):
				t.Errorf("%s leads to %q, which is neither in the page nor an issue", n.Data, a.Val)
			}
		}
	}
	if count["script"] != 1 || count["style"] != 1 || count["link"] != 1 || count["h1"] != 1 || count["main"] != 1 {
		t.Errorf("elements are %v", count)
	}
}

func allowsItsOwn(t *testing.T, page string) {
	var policy, style, script string
	for _, n := range elements(t, page) {
		switch {
		case attribute(n, "http-equiv") == "Content-Security-Policy":
			policy = attribute(n, "content")
		case n.Data == "style":
			style = textOf(n)
		case n.Data == "script":
			script = textOf(n)
		}
	}
	want := "default-src 'none'; style-src '" + hashOf(style) + "'; script-src '" + hashOf(script) + "'; img-src data:; base-uri 'none'; form-action 'none'"
	if policy != want {
		t.Errorf("got %s\nwant %s", policy, want)
	}
}

func leadsSomewhere(t *testing.T, page string) {
	ids := map[string]int{}
	all := elements(t, page)
	for _, n := range all {
		if id := attribute(n, "id"); id != "" {
			ids[id]++
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%d elements have the id %q", n, id)
		}
	}
	for _, n := range all {
		var to []string
		if target, ok := strings.CutPrefix(attribute(n, "href"), "#"); ok {
			target, err := url.PathUnescape(target)
			if err != nil {
				t.Error(err)
			}
			to = append(to, target)
		}
		to = append(to, strings.Fields(attribute(n, "aria-labelledby"))...)
		for _, id := range to {
			if ids[id] == 0 {
				t.Errorf("%s leads to %q, which does not exist", n.Data, id)
			}
		}
	}
	for _, match := range regexp.MustCompile(`url\(#([^)]+)\)`).FindAllStringSubmatch(page, -1) {
		if strings.Contains(body(page), `class="plan"`) && ids[match[1]] == 0 {
			t.Errorf("the style sheet fills with %q, which does not exist", match[1])
		}
	}
}

func skipsNoLevel(t *testing.T, page string) {
	level := 0
	for _, n := range elements(t, page) {
		if len(n.Data) != 2 || n.Data[0] != 'h' || n.Data[1] < '1' || n.Data[1] > '6' {
			continue
		}
		next := int(n.Data[1] - '0')
		if next > level+1 {
			t.Errorf("h%d %q follows h%d", next, textOf(n), level)
		}
		if strings.TrimSpace(textOf(n)) == "" {
			t.Errorf("a heading h%d is empty", next)
		}
		level = next
	}
}

func namesPictures(t *testing.T, page string) {
	for _, n := range elements(t, page) {
		switch {
		case n.Data == "svg" && attribute(n, "aria-hidden") == "" && (attribute(n, "role") != "img" || attribute(n, "aria-labelledby") == ""):
			t.Errorf("a picture has the role %q and the name of %q", attribute(n, "role"), attribute(n, "aria-labelledby"))
		case n.Data == "section" && attribute(n, "aria-labelledby") == "", attribute(n, "role") == "region" && attribute(n, "aria-label") == "":
			t.Errorf("a %s has no name", n.Data)
		}
	}
}

func TestNothingInvisibleFromTheClusterReachesAPage(t *testing.T) {
	page := pageOf(t, hostilePage(t))
	for i, r := range page {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("there is a %U at %d: %q", r, i, page[max(0, i-40):i])
		}
	}
	if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the page does not show the names that it was given")
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("the template took a value for unsafe")
	}
	for _, n := range elements(t, page) {
		if n.Data == "pre" && regexp.MustCompile(`rm -rf|curl|\$\(`).MatchString(textOf(n)) {
			t.Errorf("a command of the cluster is offered to be copied: %s", textOf(n))
		}
	}
}
