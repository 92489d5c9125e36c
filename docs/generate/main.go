// Command generate writes docs/checks.md from the checks' own metadata. Run it from the root of the repository: go run ./docs/generate.
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/report"
)

func main() {
	if err := write("docs/checks.md"); err != nil {
		fmt.Fprintln(os.Stderr, "docs/generate:", err)
		os.Exit(1)
	}
}

// write writes the page of checks.
func write(file string) error {
	var page bytes.Buffer
	if err := report.WriteCheckPage(&page, checks.All()); err != nil {
		return err
	}
	if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the page of checks: %w", err)
	}
	return nil
}
