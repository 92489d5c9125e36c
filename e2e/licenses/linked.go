// Package licenses finds the modules that are linked into upgrade-gate, and the licences that they are under.
package licenses

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// Program is the package that is released.
const Program = "./cmd/upgrade-gate"

// Module is a module of which at least one package is linked into the program.
type Module struct {
	Path string
	// Version is empty for the main module.
	Version string
	// Sum is the module's line in go.sum, such as "h1:…". Empty for the main module and for the standard library.
	Sum string
	// Folder holds the module's files.
	Folder string
	// Packages are the folders of the packages that are linked, sorted.
	Packages []string
	// Requires are the paths of the other modules whose packages this one's linked packages import, sorted.
	Requires []string
}

// StandardLibrary is the path under which Linked lists Go's own packages. Its version is the toolchain's, such as "go1.26.0".
const StandardLibrary = "std"

// listed is what go list says of one package.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	Imports         []string
	ImportMap       map[string]string
	Module          *struct {
		Path, Version, Sum, Dir string
		Main                    bool
		Replace                 *struct{ Path string }
	}
}

// Linked returns the modules that are linked into the program on any of the platforms, such as "linux/amd64", sorted by
// path. The main module and the standard library are among them. repository is the folder of the main module.
func Linked(ctx context.Context, repository string, platforms ...string) ([]Module, error) {
	found := map[string]*Module{}
	for _, platform := range platforms {
		packages, err := list(ctx, repository, platform)
		if err != nil {
			return nil, err
		}
		if err := merge(found, packages); err != nil {
			return nil, err
		}
	}
	if std := found[StandardLibrary]; std != nil {
		output, err := tools.Output(ctx, repository, nil, "go", "env", "GOVERSION", "GOROOT")
		if err != nil {
			return nil, err
		}
		std.Version, std.Folder, _ = strings.Cut(strings.TrimSpace(string(output)), "\n")
	}
	var modules []Module
	for _, path := range slices.Sorted(maps.Keys(found)) {
		module := found[path]
		slices.Sort(module.Packages)
		module.Packages = slices.Compact(module.Packages)
		slices.Sort(module.Requires)
		module.Requires = slices.Compact(module.Requires)
		modules = append(modules, *module)
	}
	return modules, nil
}

func list(ctx context.Context, repository, platform string) ([]listed, error) {
	system, architecture, found := strings.Cut(platform, "/")
	if !found {
		return nil, fmt.Errorf("%q is no platform such as linux/amd64", platform)
	}
	output, err := tools.Output(ctx, repository, []string{"GOOS=" + system, "GOARCH=" + architecture},
		"go", "list", "-deps", "-json=ImportPath,Dir,Standard,Imports,ImportMap,Module", Program)
	if err != nil {
		return nil, err
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var next listed
		err := decoder.Decode(&next)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading what go list says: %w", err)
		}
		packages = append(packages, next)
	}
}

// merge adds the packages of one platform.
func merge(found map[string]*Module, packages []listed) error {
	owner := map[string]string{}
	for _, p := range packages {
		module := &Module{Path: StandardLibrary}
		if !p.Standard {
			if p.Module == nil || p.Module.Replace != nil {
				return fmt.Errorf("package %s is of no module, or of a replaced one: its licence cannot be told", p.ImportPath)
			}
			module = &Module{Path: p.Module.Path, Version: p.Module.Version, Sum: p.Module.Sum, Folder: p.Module.Dir}
		}
		if found[module.Path] == nil {
			found[module.Path] = module
		}
		owner[p.ImportPath] = module.Path
		found[module.Path].Packages = append(found[module.Path].Packages, p.Dir)
	}
	for _, p := range packages {
		from := owner[p.ImportPath]
		for _, imported := range p.Imports {
			if mapped, ok := p.ImportMap[imported]; ok {
				imported = mapped
			}
			if to, ok := owner[imported]; ok && to != from {
				found[from].Requires = append(found[from].Requires, to)
			}
		}
	}
	return nil
}
