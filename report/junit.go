package report

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// suiteName is what CI shows as the name of all tests.
const suiteName = "upgrade-gate"

// WriteJUnit writes a Report as JUnit XML, for CI: one suite, of which every check is a test. A check with findings that refuse the upgrade
// has failed; one that refuses it because it could not be judged is an error; one that was skipped, or could not be judged and does not
// refuse, is skipped; any other has passed, with its warnings as output. The text is the findings' facts and remedies. A check takes no
// time, so that the same report is the same bytes.
func WriteJUnit(w io.Writer, r Report) error {
	suite := junitSuite{
		Name: strings.TrimSpace(suiteName + " check " + r.target()), Timestamp: r.ReadAt.UTC().Format(time.RFC3339),
		Properties: r.junitProperties(),
	}
	for _, c := range r.Checks {
		suite.add(r.junitCase(c))
	}
	document := junitDocument{Name: suiteName, junitCounts: suite.junitCounts, Suites: []junitSuite{suite}}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	encoder := xml.NewEncoder(&out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	out.WriteByte('\n')
	return writeOut(w, "the report", out.Bytes())
}

type junitDocument struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	junitCounts
	Suites []junitSuite `xml:"testsuite"`
}

type junitCounts struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
	// Seconds is always 0; some readers demand it.
	Seconds int `xml:"time,attr"`
}

type junitSuite struct {
	Name string `xml:"name,attr"`
	junitCounts
	Timestamp  string          `xml:"timestamp,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Seconds int          `xml:"time,attr"`
	Failure *junitResult `xml:"failure"`
	Error   *junitResult `xml:"error"`
	Skipped *junitResult `xml:"skipped"`
	Output  *junitText   `xml:"system-out"`
}

type junitResult struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	junitText
}

// junitText is made of printable lines only: XML has no way to hold most control characters.
type junitText struct {
	Text string `xml:",cdata"`
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

// junitProperties says of the report what is not about one check.
func (r Report) junitProperties() []junitProperty {
	var all []junitProperty
	for _, p := range []junitProperty{
		{"verdict", string(r.Verdict)}, {"target", r.Target}, {"image", r.Image}, {"running", r.Running}, {"source", r.Source},
		{"waivers", r.waivers()}, {"policy", r.policy()}, {"notRun", r.notRun()},
	} {
		if p.Value = printable(p.Value); p.Value != "" {
			all = append(all, p)
		}
	}
	return all
}

func (r Report) junitCase(c Check) junitCase {
	test := junitCase{Class: suiteName, Name: c.Name}
	blocking, warnings := r.junitFindings(c, true), r.junitFindings(c, false)
	unknown := c.junitUnknown()
	because := printable(c.Because)
	switch {
	case len(blocking) > 0:
		message := fmt.Sprintf("%s: %s", printable(c.Title), verb(len(blocking), "problem refuses", "problems refuse")+" the upgrade")
		test.Failure = &junitResult{message, string(c.Severity), junitText{strings.Join(append(blocking, unknown...), "\n\n")}}
	case c.Undecided:
		test.Error = &junitResult{c.notJudged(), string(checks.Unknown), junitText{strings.Join(unknown, "\n")}}
	case c.Outcome == checks.Unknown:
		test.Skipped = &junitResult{Message: "could not be judged, and does not refuse the upgrade: " + because}
	case c.Outcome == checks.Skipped:
		test.Skipped = &junitResult{Message: because}
	}
	output := warnings
	if len(blocking) == 0 && !c.Undecided {
		output = append(output, unknown...)
	}
	if strings.HasPrefix(because, notLookedAt) {
		output = append(output, sentence(because))
	}
	if len(output) > 0 {
		test.Output = &junitText{strings.Join(output, "\n\n")}
	}
	return test
}

// junitFindings are the findings of a check that refuse the upgrade, or those that do not: object, fact and remedy on a line each.
func (r Report) junitFindings(c Check, blocking bool) []string {
	var texts []string
	for _, f := range c.Findings {
		if f.Blocks != blocking {
			continue
		}
		head := printable(f.Object.String())
		if !blocking {
			head = "Warning: " + head
		}
		lines := []string{head, r.fact(f)}
		if f.WaivedBy != "" {
			lines = append(lines, "Waived by "+printable(f.WaivedBy)+".")
		}
		if remedy := f.remedy(); remedy != "" {
			lines = append(lines, "To fix: "+sentence(printable(remedy)))
		}
		texts = append(texts, strings.Join(lines, "\n"))
	}
	return texts
}

// notJudged says in a line why a check could not be judged.
func (c Check) notJudged() string {
	switch because := printable(c.Because); {
	case len(c.Unknown) > 1:
		return fmt.Sprintf("could not be judged: %d objects", len(c.Unknown))
	case len(c.Unknown) == 1:
		return "could not be judged: " + printable(c.Unknown[0].String())
	default:
		return "could not be judged: " + because
	}
}

// junitUnknown are the objects that a check could not judge, a line each.
func (c Check) junitUnknown() []string {
	var lines []string
	for _, u := range c.Unknown {
		lines = append(lines, "Could not be judged: "+sentence(printable(u.String())))
	}
	if len(lines) == 0 && c.Undecided {
		lines = append(lines, "Could not be judged: "+sentence(cmp.Or(printable(c.Because), "no reason is known")))
	}
	return lines
}
