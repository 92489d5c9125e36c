package report

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// WriteCheckList writes one line for every check: name, severity and title.
func WriteCheckList(w io.Writer, list []checks.Check) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, check := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\n", check.Name, check.Severity, check.Title)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the list of checks: %w", err)
	}
	return nil
}

// WriteCheck writes everything about one check, for a terminal.
func WriteCheck(w io.Writer, check checks.Check) error {
	var out bytes.Buffer
	wrap(&out, Style{}, "", "  ", check.Name+": "+check.Title+".")
	for _, part := range []struct{ heading, text string }{
		{"Why it matters", check.Why},
		{"What it looks for", sentence(check.Finds)},
		{"What it cannot see", beyond(check)},
		{"What to do", sentence(check.Remedy)},
		{"Severity", severity(check)},
		{"Waivable", waivable(check)},
		{"Target versions", versions(check)},
	} {
		if part.text != "" {
			fmt.Fprintf(&out, "\n%s:\n", part.heading)
			wrap(&out, Style{}, "  ", "  ", part.text)
		}
	}
	fmt.Fprintf(&out, "\nEvidence:\n")
	for _, line := range evidence(check) {
		fmt.Fprintf(&out, "  %s\n", line)
	}
	fmt.Fprintf(&out, "\nSources:\n")
	for _, source := range check.Sources {
		fmt.Fprintf(&out, "  %s\n", link(source))
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the explanation: %w", err)
	}
	return nil
}

// WriteCheckPage writes the page of all checks for the documentation, as Markdown.
func WriteCheckPage(w io.Writer, list []checks.Check) error {
	var out bytes.Buffer
	out.WriteString("# Checks\n\n<!-- Generated from the checks' own metadata by go run ./docs/generate. Do not edit. -->\n\n")
	out.WriteString("A blocking check refuses the upgrade while it finds something, or while its evidence cannot be read.\n" +
		"[The policy](policy.md) can soften a check or switch it off; an annotation on the Upgrade can waive it where this page says so.\n" +
		"What Harvester's own checks detect of the same stands in [who detects what](coverage.md).\n\n")
	out.WriteString("| check | severity | waivable | what is wrong |\n|---|---|---|---|\n")
	for _, check := range list {
		fmt.Fprintf(&out, "| [%s](#%s) | %s | %s | %s |\n", check.Name, check.Name, check.Severity, yesNo(check.Waivable), markdown(check.Title))
	}
	for _, check := range list {
		writeCheckSection(&out, check)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the page of checks: %w", err)
	}
	return nil
}

func writeCheckSection(out *bytes.Buffer, check checks.Check) {
	fmt.Fprintf(out, "\n## %s\n\n**%s.** %s\n\n", check.Name, markdown(check.Title), markdown(check.Why))
	fmt.Fprintf(out, "What it looks for: %s\n\n", markdown(sentence(check.Finds)))
	if text := beyond(check); text != "" {
		fmt.Fprintf(out, "What it cannot see: %s\n\n", markdown(text))
	}
	fmt.Fprintf(out, "What to do: %s\n\n", markdown(sentence(check.Remedy)))
	fmt.Fprintf(out, "- %s\n- %s\n", severity(check), waivable(check))
	if text := versions(check); text != "" {
		fmt.Fprintf(out, "- %s\n", text)
	}
	var names []string
	for _, line := range evidence(check) {
		names = append(names, "`"+strings.Replace(line, " ", "` ", 1))
		if !strings.Contains(line, " ") {
			names[len(names)-1] += "`"
		}
	}
	fmt.Fprintf(out, "- Evidence: %s.\n", strings.Join(names, ", "))
	var links []string
	for _, source := range check.Sources {
		if url := link(source); url != source {
			links = append(links, fmt.Sprintf("[%s](%s)", source, url))
		} else {
			links = append(links, markdown(source))
		}
	}
	fmt.Fprintf(out, "- Sources: %s.\n", strings.Join(links, ", "))
}

// beyond says what the check cannot see; empty where there is nothing to say.
func beyond(check checks.Check) string {
	if check.Beyond == "" {
		return ""
	}
	return sentence(check.Beyond)
}

func severity(check checks.Check) string {
	if check.Severity == checks.Block {
		return "Block: it refuses the upgrade."
	}
	return "Warn: it admits the upgrade and says so."
}

func waivable(check checks.Check) string {
	if check.Waivable {
		return "Can be waived on the Upgrade."
	}
	return "Cannot be waived: to go on would lose data or could never succeed."
}

func versions(check checks.Check) string {
	if bounds := check.Bounds(); bounds != "" {
		return "A" + strings.TrimPrefix(bounds, "a") + "."
	}
	return ""
}

// evidence names the kinds that a check reads.
func evidence(check checks.Check) []string {
	var lines []string
	for _, kind := range check.Needs {
		lines = append(lines, evidenceLine(kind, ""))
	}
	for _, kind := range check.Uses {
		lines = append(lines, evidenceLine(kind, "(if installed)"))
	}
	return lines
}

// evidenceLine adds what of a kind is read where that is not all of it.
func evidenceLine(kind cluster.Kind, note string) string {
	text := string(kind)
	if resource, ok := cluster.Lookup(kind); ok {
		switch {
		case resource.Grant != nil:
			text += " (only with " + resource.Grant.Flag + ", see " + resource.Grant.Page + ")"
		case resource.Select.EventReason != "":
			text += " (only with reason " + resource.Select.EventReason + ")"
		case len(resource.Select.Labels) > 0:
			text += " (only with label " + resource.Select.Labels.String() + ")"
		}
	}
	return strings.TrimSpace(text + " " + note)
}

var issue = regexp.MustCompile(`^([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)#([0-9]+)$`)

// link returns the address of a source that is an issue, "harvester/harvester#7679"; any other source as it is.
func link(source string) string {
	if match := issue.FindStringSubmatch(source); match != nil {
		return "https://github.com/" + match[1] + "/issues/" + match[2]
	}
	return source
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// markdown keeps a text from being read as markup.
func markdown(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`, "_", `\_`).Replace(text)
}
