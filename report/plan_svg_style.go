package report

import "strings"

// The style sheet of a plan's picture, for light and dark screens. It has no variables, which not every renderer knows.
const (
	planLight = `text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Arial, sans-serif; font-size: 11px; fill: #3a3f47; }
.page { fill: #ffffff; } .odd { fill: #f4f6f8; }
.head { font-size: 17px; font-weight: 600; fill: #16191d; } .name { font-size: 13px; font-weight: 600; fill: #16191d; }
.sub { font-size: 12px; } .small { font-size: 10px; fill: #6a717c; } .end { text-anchor: end; } .mid { text-anchor: middle; }
.grid { stroke: #d5dae0; stroke-width: 1; } .low { fill: #2f6fb5; } .high { fill: url(#later); stroke: #2f6fb5; stroke-width: 1; }
.stripe { stroke: #2f6fb5; stroke-width: 2.5; } .redstripe { stroke: #c62828; stroke-width: 2.5; }
.stuck .low { fill: #c62828; } .stuck .high { fill: url(#laterstuck); stroke: #c62828; }
.move { stroke: #7a828d; stroke-width: 1.2; fill: none; } .tip { fill: #7a828d; } .down { fill: #9a6700; stroke: #ffffff; stroke-width: 1.5; paint-order: stroke; } .sign { fill: #c62828; } .bar { fill: #ffffff; }
.why { fill: #b3201f; font-weight: 600; } .warn { fill: #8a5a00; } .halo { paint-order: stroke; stroke: #ffffff; stroke-width: 4; stroke-linejoin: round; }
.odd-halo { paint-order: stroke; stroke: #f4f6f8; stroke-width: 4; stroke-linejoin: round; }
`
	planDark = `text { fill: #c6ccd4; } .page { fill: #14171b; } .odd { fill: #1c2126; } .head, .name { fill: #f0f3f6; } .small { fill: #949ca7; }
.grid { stroke: #343b44; } .low { fill: #6aa7e8; } .high { stroke: #6aa7e8; } .stripe { stroke: #6aa7e8; } .redstripe { stroke: #ff7b72; }
.stuck .low { fill: #ff7b72; } .stuck .high { stroke: #ff7b72; } .move { stroke: #939ba6; } .tip { fill: #939ba6; } .down { fill: #e3b341; stroke: #14171b; }
.sign { fill: #ff7b72; } .bar { fill: #14171b; } .why { fill: #ff8f87; } .warn { fill: #e3b341; } .halo { stroke: #14171b; } .odd-halo { stroke: #1c2126; }
`
)

// planPatterns fill the bars. They are named by id, so a page that holds a picture among others gives them a prefix.
const planPatterns = `<defs>
<pattern id="later" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="stripe" x1="0" y1="0" x2="0" y2="6"/></pattern>
<pattern id="laterstuck" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="redstripe" x1="0" y1="0" x2="0" y2="6"/></pattern>
</defs>`

// frame is what differs between a picture that is a file and one that is a part of a page.
type frame struct {
	// ids begins every id in the picture.
	ids string
	// attributes are those of the picture itself, beside the usual ones.
	attributes string
	// style is the picture's own style sheet; empty where the page has it.
	style string
	// part is true where the page says in words what the picture's own heading and notes do.
	part bool
}

func standalone() frame {
	return frame{
		attributes: `style="max-width: 100%; height: auto"`,
		style:      "<style>\n" + planLight + "@media (prefers-color-scheme: dark) {\n" + planDark + "}\n</style>\n",
	}
}

// inPage is the frame of the only plan in a page, whose style sheet holds planPageStyle.
func inPage() frame { return frame{ids: "plan-", attributes: `class="plan"`, part: true} }

// planPageStyle is the style sheet of a picture in a page: the same rules, for nothing but the picture. What is printed is light.
func planPageStyle() string {
	style := scoped(planLight, "svg.plan") + "@media screen and (prefers-color-scheme: dark) {\n" + scoped(planDark, "svg.plan") + "}\n"
	return strings.ReplaceAll(style, "url(#", "url(#"+inPage().ids)
}

// scoped puts a selector before every selector of a style sheet that has no at-rules.
func scoped(style, scope string) string {
	var out strings.Builder
	for rule := range strings.SplitAfterSeq(style, "}") {
		selectors, body, ok := strings.Cut(strings.TrimSpace(rule), "{")
		if !ok {
			continue
		}
		for i, selector := range strings.Split(selectors, ",") {
			if i > 0 {
				out.WriteString(", ")
			}
			out.WriteString(scope + " " + strings.TrimSpace(selector))
		}
		out.WriteString(" {" + body + "\n")
	}
	return out.String()
}

func (f frame) patterns() string { return strings.ReplaceAll(planPatterns, `id="`, `id="`+f.ids) }
