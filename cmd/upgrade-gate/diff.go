package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/upgrade-gate/upgrade-gate/report"
)

// standardInput is the argument that stands for what is piped in.
const standardInput = "-"

// differenceForms are those that -o of diff knows.
func differenceForms() forms[report.Difference] {
	plain := func(write func(io.Writer, report.Difference) error) func(io.Writer, report.Difference, report.Style) error {
		return func(w io.Writer, d report.Difference, _ report.Style) error { return write(w, d) }
	}
	return forms[report.Difference]{
		{"text", report.WriteDifferenceText},
		{"json", plain(report.WriteDifferenceJSON)},
		{"yaml", plain(report.WriteDifferenceYAML)},
		{"markdown", plain(report.WriteDifferenceMarkdown)},
	}
}

func newDiffCommand() *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Tells what two reports of check find differently: what is new, what is fixed",
		Long: `Compares two reports that check -o json (or -o yaml) has printed: findings that are new, fixed, changed or unchanged, those that were not
looked at again, and checks that can no longer be judged, or can be again. - stands for standard input.

Exit codes: 0 nothing is new, 1 could not run, 2 a finding is new, or a check newly refuses because it cannot be judged.`,
		Example: `  # What has happened since Tuesday
  upgrade-gate check --version v1.4.2 -o json > tuesday.json
  upgrade-gate check --version v1.4.2 -o json | upgrade-gate diff tuesday.json -

  # For a ticket
  upgrade-gate diff tuesday.json saturday.json -o markdown`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("diff takes two reports, OLD and NEW, but got %d; see upgrade-gate diff --help", len(args))
			}
			if args[0] == standardInput && args[1] == standardInput {
				return errors.New("only one of the two reports can be standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return diff(cmd, args[0], args[1], output) },
	}
	command.Flags().StringVarP(&output, "output", "o", "text", "`FORM` of the comparison: "+differenceForms().names())
	complete(command, "output", differenceForms().each()...)
	return command
}

// diff prints what has changed. Its error is an exitCode where something is new.
func diff(cmd *cobra.Command, before, after, output string) error {
	form, known := differenceForms().find(output)
	if !known {
		return fmt.Errorf("--output %q is not known: it is %s", output, differenceForms().names())
	}
	old, errOld := readReport(cmd, before)
	latest, errNew := readReport(cmd, after)
	if err := errors.Join(errOld, errNew); err != nil {
		return err
	}
	difference := report.Compare(old, latest)
	if err := form.write(cmd.OutOrStdout(), difference, styleOf(cmd.OutOrStdout(), os.Getenv)); err != nil {
		return err
	}
	if difference.Worse {
		return exitCode(exitBlocked)
	}
	return nil
}

func readReport(cmd *cobra.Command, name string) (report.Report, error) {
	if name == standardInput {
		return report.Read("standard input", cmd.InOrStdin())
	}
	file, err := os.Open(name)
	if err != nil {
		return report.Report{}, fmt.Errorf("read the report: %w", err)
	}
	defer file.Close()
	return report.Read(name, file)
}
