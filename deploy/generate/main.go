// Command generate writes the manifests that package deploy/manifests builds. Run
// it from the repository's root: go run ./deploy/generate.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
)

func main() {
	folder := flag.String("dir", "deploy", "the deploy folder to write to")
	flag.Parse()
	if err := write(*folder); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	files, err := manifests.Files(cluster.PolicyRules())
	if err != nil {
		return err
	}
	for path, content := range files {
		if err := os.WriteFile(filepath.Join(folder, path), content, 0o644); err != nil {
			return fmt.Errorf("writing a manifest: %w", err)
		}
	}
	return nil
}
