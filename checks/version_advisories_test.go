package checks

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/version"
)

func TestEveryAdvisoryIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range advisories() {
		t.Run(a.name, func(t *testing.T) {
			if !checkName.MatchString(a.name) || seen[a.name] {
				t.Errorf("the name is not kebab-case or not its own")
			}
			seen[a.name] = true
			if a.title == "" || a.message == "" || len(a.issues) == 0 || !strings.HasPrefix(a.link, "https://") {
				t.Errorf("title, message, issues or link is missing")
			}
			if strings.HasSuffix(a.message, ".") || !strings.HasSuffix(a.remedy, ".") {
				t.Errorf("a message has no full stop, and a remedy has one")
			}
			if !a.source.bounded() && !a.target.bounded() {
				t.Errorf("no version bounds it")
			}
			for _, bound := range []string{a.source.from, a.source.until, a.target.from, a.target.until} {
				if bound != "" && semantic(bound) == nil {
					t.Errorf("%q is not a version", bound)
				}
			}
		})
	}
}

func TestReleasesCoverTheirFirstButNotTheirLast(t *testing.T) {
	for name, c := range map[string]struct {
		releases releases
		version  string
		want     bool
	}{
		"the first":                      {releases{"v1.7.0", "v1.7.2"}, "v1.7.0", true},
		"one between":                    {releases{"v1.7.0", "v1.7.2"}, "v1.7.1", true},
		"the last":                       {releases{"v1.7.0", "v1.7.2"}, "v1.7.2", false},
		"a candidate of the first":       {releases{"v1.7.0", "v1.7.2"}, "v1.7.0-rc1", true},
		"a candidate of the last":        {releases{"v1.7.0", "v1.7.2"}, "v1.7.2-rc1", false},
		"an earlier one":                 {releases{from: "v1.7.0"}, "v1.6.9", false},
		"any without an end":             {releases{from: "v1.7.0"}, "v1.10.0", true},
		"any without a beginning":        {releases{until: "v1.7.0"}, "v1.0.3", true},
		"everything without either":      {releases{}, "v1.0.3", true},
		"the end without a beginning":    {releases{until: "v1.7.0"}, "v1.7.0", false},
		"a later one in a closed range":  {releases{"v1.7.0", "v1.7.2"}, "v1.8.0", false},
		"an earlier one in the same way": {releases{"v1.7.0", "v1.7.2"}, "v1.6.9", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.releases.cover(version.MustParseSemantic(c.version)); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}
