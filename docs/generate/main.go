// Command generate writes docs/checks.md and docs/coverage.md from the checks' own metadata, and docs/schema from the Go types of what is
// printed as JSON. Run it from the root of the repository: go run ./docs/generate.
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
	write func(io.Writer) error
}

// pages lists what is generated.
func pages() []page {
	all := []page{
		{"checks.md", func(w io.Writer) error { return report.WriteCheckPage(w, checks.All()) }},
		{"coverage.md", func(w io.Writer) error { return report.WriteCoveragePage(w, checks.All()) }},
	}
	for _, d := range documents() {
		all = append(all, page{d.file, d.write})
	}
	return all
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
		if err := p.write(&text); err != nil {
			return err
		}
		file := filepath.Join(folder, p.name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("write %s: %w", p.name, err)
		}
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", p.name, err)
		}
	}
	return nil
}
