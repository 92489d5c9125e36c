package report

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// colours are the variables of a page's style sheet, light and dark.
func colours(t *testing.T) map[string]map[string]string {
	t.Helper()
	style, _, err := pageAssets()
	if err != nil {
		t.Fatal(err)
	}
	light, rest, _ := strings.Cut(style, "@media screen and (prefers-color-scheme: dark)")
	dark, _, _ := strings.Cut(rest, "\n}\n")
	all := map[string]map[string]string{"light": {}, "dark": {}}
	for scheme, text := range map[string]string{"light": light, "dark": dark} {
		for _, match := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(text, -1) {
			all[scheme][match[1]] = match[2]
		}
	}
	return all
}

func TestColoursOfAPageHaveContrast(t *testing.T) {
	// Text needs 4.5, what is only a shape or the edge of one 3 (WCAG 2.2, 1.4.3 and 1.4.11).
	pairs := map[string][]string{
		"page":    {"text", "soft", "link", "red", "amber", "violet", "green"},
		"surface": {"text", "soft"}, "red-ground": {"red", "text", "soft"}, "amber-ground": {"amber", "text"}, "violet-ground": {"violet", "text", "soft"},
		"green-ground": {"green", "text", "soft"}, "red-solid": {"on-red"}, "shape-ground": {"text"},
	}
	shapes := map[string][]string{"page": {"shape", "focus", "red", "amber", "violet"}, "shape-ground": {"shape"}, "red-ground": {"focus"}}
	for scheme, of := range colours(t) {
		t.Run(scheme, func(t *testing.T) {
			used := map[string]bool{"line": true}
			for least, list := range map[float64]map[string][]string{4.5: pairs, 3: shapes} {
				for ground, inks := range list {
					used[ground] = true
					for _, ink := range inks {
						used[ink] = true
						if got := contrast(t, of[ink], of[ground]); got < least {
							t.Errorf("%s on %s has a contrast of %.2f, less than %.1f", ink, ground, got, least)
						}
					}
				}
			}
			for name := range of {
				if !used[name] {
					t.Errorf("nobody has looked at the colour %s", name)
				}
			}
		})
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is that of WCAG for a colour "#rrggbb".
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	if len(colour) != len("#rrggbb") {
		t.Fatalf("%q is no colour", colour)
	}
	total := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		value, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(value) / 255
		if c <= 0.03928 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		total += weight * c
	}
	return total
}
