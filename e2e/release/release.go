package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/e2e/licenses"
)

// checksumsName is the file with the digests of all others, as sha256sum -c reads it.
const checksumsName = "checksums.txt"

// options say what is released.
type options struct {
	version   string
	platforms []string
	// base is the address below which the files of this release are published; krew's manifest names it.
	base string
	// out is the folder that is written, or replaced if it holds an earlier release.
	out      string
	progress io.Writer
}

// release writes the folder of a release, whole or not at all.
func release(ctx context.Context, repository string, o options) error {
	c, err := open(ctx, repository, o.version)
	if err != nil {
		return err
	}
	if err := expectReplaceable(o.out); err != nil {
		return err
	}
	files, err := contents(ctx, c, o)
	if err != nil {
		return err
	}
	files[checksumsName] = checksums(files)
	return replace(o.out, files)
}

// contents returns all files of a release but the checksums, by their paths in its folder.
func contents(ctx context.Context, c *checkout, o options) (map[string][]byte, error) {
	license, err := os.ReadFile(filepath.Join(c.folder, "LICENSE"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	var archives []published
	for _, platform := range o.platforms {
		fmt.Fprintf(o.progress, "building %s for %s\n", o.version, platform)
		program, modules, err := built(ctx, c, o.version, platform)
		if err != nil {
			return nil, fmt.Errorf("for %s: %w", platform, err)
		}
		packed, err := archive(programArchive(o.version, platform, program, license, modules), c.time)
		if err != nil {
			return nil, err
		}
		name := "upgrade-gate_" + o.version + "_" + strings.ReplaceAll(platform, "/", "_")
		files[name+".tar.gz"] = packed
		archives = append(archives, published{platform, name + ".tar.gz", packed})
		if files[name+".cdx.json"], err = billOfMaterials(c, o.version, platform, program, modules); err != nil {
			return nil, err
		}
	}
	if files["plugins/upgrade-gate.yaml"], err = krewManifest(o.version, o.base, archives); err != nil {
		return nil, err
	}
	for _, pack := range []func(context.Context, *checkout, string) (string, []byte, error){chartArchive, manifestArchive} {
		name, packed, err := pack(ctx, c, o.version)
		if err != nil {
			return nil, err
		}
		files[name] = packed
	}
	return files, nil
}

// built returns the program for a platform, and the modules that are linked into it.
func built(ctx context.Context, c *checkout, version, platform string) (program []byte, modules []licenses.Licensed, err error) {
	linked, err := licenses.Linked(ctx, c.folder, platform)
	if err != nil {
		return nil, nil, err
	}
	if modules, err = licenses.Classify(linked); err != nil {
		return nil, nil, err
	}
	folder, err := os.MkdirTemp("", "upgrade-gate-release-")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, programFile)
	if err := build(ctx, c.folder, version, platform, path); err != nil {
		return nil, nil, err
	}
	if err := expectModules(path, modules); err != nil {
		return nil, nil, err
	}
	program, err = os.ReadFile(path)
	return program, modules, err
}

func checksums(files map[string][]byte) []byte {
	var text bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	return text.Bytes()
}

// expectReplaceable refuses a folder that holds something else than a release.
func expectReplaceable(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("-o %s: %w", folder, err)
	}
	if _, err := os.Stat(filepath.Join(folder, checksumsName)); err != nil {
		return fmt.Errorf("-o %s: the folder holds other things than a release, it has no %s: name another folder", folder, checksumsName)
	}
	return nil
}

// replace writes files into a folder beside the one that is wanted, and then takes its name.
func replace(folder string, files map[string][]byte) (err error) {
	folder = filepath.Clean(folder)
	parent := filepath.Dir(folder)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	partial, err := os.MkdirTemp(parent, "."+filepath.Base(folder)+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(partial)) }()
	whole := filepath.Join(partial, "release")
	for name, content := range files {
		path := filepath.Join(whole, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	return os.Rename(whole, folder)
}
