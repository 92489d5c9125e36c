package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"slices"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/e2e/licenses"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// build compiles the program for a platform into the file at path, with the flags of the Makefile and of the Dockerfile. The bytes depend on the
// sources, the version and the Go toolchain: on no folder, no time and no setting of this machine.
func build(ctx context.Context, folder, version, platform, path string) error {
	system, architecture, _ := strings.Cut(platform, "/")
	environment := []string{
		"GOOS=" + system, "GOARCH=" + architecture, "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off",
	}
	_, err := tools.Output(ctx, folder, environment, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.version="+version, "-o", path, licenses.Program)
	return err
}

// expectModules compares what the linker wrote into a program with the modules that are listed for it.
func expectModules(path string, listed []licenses.Licensed) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading which modules are in the program: %w", err)
	}
	var linked, expected []string
	for _, module := range info.Deps {
		linked = append(linked, module.Path+" "+module.Version+" "+module.Sum)
	}
	for _, module := range listed {
		if module.Sum != "" {
			expected = append(expected, module.Path+" "+module.Version+" "+module.Sum)
		}
	}
	slices.Sort(linked)
	slices.Sort(expected)
	for _, module := range expected {
		if !slices.Contains(linked, module) {
			return fmt.Errorf("the program does not hold %s, which go list says that it does", module)
		}
	}
	if len(linked) != len(expected) {
		return fmt.Errorf("the program holds %d modules, and go list says %d: the list of its licences and parts would not be whole", len(linked), len(expected))
	}
	return nil
}
