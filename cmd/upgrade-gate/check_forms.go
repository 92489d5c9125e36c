package main

import (
	"io"

	"github.com/upgrade-gate/upgrade-gate/report"
)

// judgement is what check prints: a report, and what it was made from, for the forms that show more of the cluster.
type judgement struct {
	report report.Report
	input  report.Input
	origin report.Origin
}

// checkForms are those that -o of check knows.
func checkForms() forms[judgement] {
	return forms[judgement]{
		{"text", func(w io.Writer, j judgement, style report.Style) error { return report.WriteText(w, j.report, style) }},
		{"json", func(w io.Writer, j judgement, _ report.Style) error { return report.WriteJSON(w, j.report) }},
		{"html", func(w io.Writer, j judgement, _ report.Style) error {
			return report.WriteHTML(w, report.NewPage(j.input, j.origin))
		}},
	}
}
