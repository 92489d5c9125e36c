package tools

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// ProductVariable names the environment variable with the path of an upgrade-gate binary to test, instead
// of one built from this checkout.
const ProductVariable = "UPGRADE_GATE_BINARY"

// Product builds upgrade-gate from this checkout, as it is now, and puts the binary at path. A line of
// progress goes to progress, which may be nil. Processes that ask at the same time wait for each other;
// a build after which nothing has changed costs a second.
func Product(ctx context.Context, progress io.Writer, path string) error {
	if given := os.Getenv(ProductVariable); given != "" {
		if err := place(given, path); err != nil {
			return fmt.Errorf("using the binary that %s names: %w", ProductVariable, err)
		}
		return nil
	}
	return buildProduct(ctx, progress, "upgrade-gate", path)
}

// buildProduct builds upgrade-gate in a folder of that name in the cache, with further flags of go build, and copies it
// to path.
func buildProduct(ctx context.Context, progress io.Writer, name, path string, flags ...string) error {
	repository, err := Repository()
	if err != nil {
		return err
	}
	folder := filepath.Join(repository, ".cache", name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("creating the cache folder: %w", err)
	}
	unlock, err := lock(ctx, folder+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if progress != nil {
		fmt.Fprintln(progress, "building "+name)
	}
	built := filepath.Join(folder, "upgrade-gate")
	command := exec.CommandContext(ctx, "go", append(append([]string{"build", "-trimpath"}, flags...), "-o", built, "./cmd/upgrade-gate")...)
	command.Dir = repository
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", name, err, bytes.TrimSpace(output))
	}
	return place(built, path)
}

// place copies an executable: the next build replaces the one in the cache while this one still runs.
func place(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
