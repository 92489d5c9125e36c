package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// Repository returns the folder that the repository is checked out in: the nearest folder at or above
// the working directory that holds e2e/tools. Tests run in their package's folder and `make demo` in
// the top folder, so both find it.
func Repository() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the working directory: %w", err)
	}
	for folder := start; ; folder = filepath.Dir(folder) {
		_, err := os.Stat(filepath.Join(folder, "e2e", "tools", "kubernetes", "go.mod"))
		switch {
		case err == nil:
			return folder, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("looking for the repository: %w", err)
		case folder == filepath.Dir(folder):
			return "", fmt.Errorf("%s is not inside a checkout of upgrade-gate: no folder above it holds e2e/tools", start)
		}
	}
}

// ModuleFolder returns the path of the tool module of that name below e2e/tools.
func ModuleFolder(name string) (string, error) {
	repository, err := Repository()
	if err != nil {
		return "", err
	}
	return filepath.Join(repository, "e2e", "tools", name), nil
}

// RequiredVersion returns the version that the go.mod in folder requires of module.
func RequiredVersion(folder, module string) (string, error) {
	path := filepath.Join(folder, "go.mod")
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	file, err := modfile.ParseLax(path, text, nil)
	if err != nil {
		return "", err
	}
	for _, require := range file.Require {
		if require.Mod.Path == module {
			return require.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s requires no %s", path, module)
}

// ModuleSource returns the folder with the source of a module that the tool module of that name requires.
func ModuleSource(ctx context.Context, name, module string) (string, error) {
	folder, err := ModuleFolder(name)
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	command.Dir = folder
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	output, err := command.Output()
	var found struct{ Dir, Error string }
	if broken := json.Unmarshal(output, &found); broken != nil {
		return "", fmt.Errorf("finding the source of %s: %w", module, errors.Join(err, broken))
	}
	if found.Dir == "" {
		return "", fmt.Errorf("finding the source of %s: %s", module, found.Error)
	}
	return found.Dir, nil
}

// Go runs the go command inside the tool module of that name. The error carries what the command
// wrote.
func Go(ctx context.Context, module string, args ...string) error {
	return Run(ctx, module, "go", args...)
}

// Run runs a program inside the tool module of that name, outside any Go workspace and without cgo.
// The error carries what the program wrote.
func Run(ctx context.Context, module, program string, args ...string) error {
	folder, err := ModuleFolder(module)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, program, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s in e2e/tools/%s: %w\n%s", filepath.Base(program), args[0], module, err, bytes.TrimSpace(output))
	}
	return nil
}
