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
	styled := func(write func(io.Writer, report.Report, report.Style) error) func(io.Writer, judgement, report.Style) error {
		return func(w io.Writer, j judgement, style report.Style) error { return write(w, j.report, style) }
	}
	plain := func(write func(io.Writer, report.Report) error) func(io.Writer, judgement, report.Style) error {
		return func(w io.Writer, j judgement, _ report.Style) error { return write(w, j.report) }
	}
	return forms[judgement]{
		{"text", styled(report.WriteText)},
		{"json", plain(report.WriteJSON)},
		{"yaml", plain(report.WriteYAML)},
		{"wide", styled(report.WriteWide)},
		{"junit", plain(report.WriteJUnit)},
		{"markdown", plain(report.WriteMarkdown)},
		{"html", func(w io.Writer, j judgement, _ report.Style) error {
			return report.WriteHTML(w, report.NewPage(j.input, j.origin))
		}},
	}
}
