// Command generate writes docs/licenses.md.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/upgrade-gate/upgrade-gate/e2e/licenses"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

func main() {
	if err := write(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "licenses/generate:", err)
		os.Exit(1)
	}
}

func write(ctx context.Context) error {
	repository, err := tools.Repository()
	if err != nil {
		return err
	}
	modules, err := licenses.Linked(ctx, repository, licenses.Platforms()...)
	if err != nil {
		return err
	}
	licensed, err := licenses.Classify(modules)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(repository, "docs", "licenses.md"), licenses.Page(licensed), 0o644)
}
