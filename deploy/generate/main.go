// Command generate writes the manifests that package deploy/manifests builds. Run
// it from the repository's root: go run ./deploy/generate.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/controller-runtime/pkg/client"

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

func generated() (map[string][]byte, error) {
	var roles []client.Object
	for _, role := range cluster.GrantedRoles() {
		roles = append(roles, manifests.SecretRole(role.Name, role.Namespace, role.Rules)...)
	}
	files, err := manifests.Files(cluster.PolicyRules(), roles)
	if err != nil {
		return nil, err
	}
	templates, err := manifests.ChartFiles(cluster.PolicyRules(), roles)
	if err != nil {
		return nil, err
	}
	for path, content := range templates {
		files[filepath.Join("chart", manifests.Name, "templates", path)] = content
	}
	return files, nil
}

func write(folder string) error {
	files, err := generated()
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
