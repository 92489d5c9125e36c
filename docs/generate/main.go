// Command generate writes docs/checks.md and docs/coverage.md from the checks' own metadata. Run it from the root of the
// repository: go run ./docs/generate.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// page is one generated file.
type page struct {
	name  string
	write func(io.Writer, []checks.Check) error
}

// pages lists what is generated.
func pages() []page {
	return []page{
		{"checks.md", report.WriteCheckPage},
		{"coverage.md", report.WriteCoveragePage},
	}
}

func main() {
	if err := writeAll("docs"); err != nil {
		fmt.Fprintln(os.Stderr, "docs/generate:", err)
		os.Exit(1)
	}
}

// writeAll writes every page into a folder.
func writeAll(folder string) error {
	for _, p := range pages() {
		var text bytes.Buffer
		if err := p.write(&text, checks.All()); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, p.name), text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", p.name, err)
		}
	}
	return nil
}
