package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Open reads a cluster from a path, by what is there: a support bundle as a zip, a folder that is an unpacked one or whose only
// directory is, or else any folder or file of YAML, for which alone the options are. The error is one line that names the path, and where
// the content is at fault, the file in it.
func Open(path string, options FolderOptions) (Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the cluster: %w", err)
	}
	source, err := open(path, info, options)
	if err != nil && !strings.HasPrefix(err.Error(), "read ") {
		err = fmt.Errorf("read %s: %w", path, err)
	}
	if err != nil {
		return nil, err
	}
	return source, nil
}

func open(path string, info fs.FileInfo, options FolderOptions) (Source, error) {
	if !info.IsDir() {
		if isZip(path) {
			return openZip(path, options)
		}
		return ReadFolder(path, options)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, bare(err)
	}
	defer root.Close()
	top, is := unpackedBundle(root.FS())
	if !is {
		return ReadFolder(path, options)
	}
	if options.AssumeComplete {
		return nil, errBundleIsComplete
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return readBundle(root.FS(), top, filepath.Base(absolute))
}

// errBundleIsComplete refuses a flag that would take what a bundle did not collect for empty.
var errBundleIsComplete = errors.New("--assume-complete is for folders of YAML: a support bundle tells itself what it holds, and what it did not collect is not empty")

// openZip reads the support bundle in a zip.
func openZip(path string, options FolderOptions) (Source, error) {
	files, err := openArchive(path, bundleLimits())
	if err != nil {
		return nil, err
	}
	defer files.Close()
	if options.AssumeComplete {
		return nil, errBundleIsComplete
	}
	return ReadSupportBundle(files, filepath.Base(path))
}

// isZip tells a zip by its name, or by how it begins.
func isZip(path string) bool {
	if strings.EqualFold(filepath.Ext(path), ".zip") {
		return true
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	var start [4]byte
	n, _ := file.Read(start[:])
	return string(start[:n]) == "PK\x03\x04"
}

// unpackedBundle returns the directory of a folder that is an unpacked bundle, "." for the folder itself. A folder counts as
// one only with both metadata.yaml and yamls/: one of YAML may hold a file or a directory of either name.
func unpackedBundle(files fs.FS) (string, bool) {
	isBundle := func(directory string) bool {
		return isThere(files, directory, metadataFile, false) && isThere(files, directory, yamlsDirectory, true)
	}
	if isBundle(".") {
		return ".", true
	}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return "", false
	}
	var directories []string
	for _, entry := range entries {
		if entry.IsDir() {
			directories = append(directories, entry.Name())
		}
	}
	if len(directories) != 1 || !isBundle(directories[0]) {
		return "", false
	}
	return directories[0], true
}
