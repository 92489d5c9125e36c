package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Open reads a cluster from a file or folder, by what is there: a support bundle, or what a Collection has written, as a zip or as a folder, which
// may have it in its only directory; or else any folder or file of YAML, for which alone the options are. The error is one line that names the path, and where
// the content is at fault, the file in it.
func Open(name string, options FolderOptions) (Source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read the cluster: %w", err)
	}
	source, err := open(name, info, options)
	if err != nil && !strings.HasPrefix(err.Error(), "read ") {
		err = fmt.Errorf("read %s: %w", name, err)
	}
	if err != nil {
		return nil, err
	}
	return source, nil
}

func open(name string, info fs.FileInfo, options FolderOptions) (Source, error) {
	if !info.IsDir() {
		switch top := bundleAround(name); {
		case isZip(name):
			return openZip(name, options)
		case top != "":
			return nil, partOfBundle(top)
		}
		return ReadFolder(name, options)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, bare(err)
	}
	defer root.Close()
	if top, is := collectedIn(root.FS()); is {
		return openCollected(root.FS(), top, name, options)
	}
	top, err := unpackedBundle(root.FS())
	switch {
	case err != nil:
		return nil, err
	case top == "":
		return openFolder(root.FS(), name, options)
	case options.AssumeComplete:
		return nil, errBundleIsComplete
	}
	absolute, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	return readBundle(root.FS(), top, filepath.Base(absolute))
}

// errBundleIsComplete refuses a flag that would take what a bundle did not collect for empty.
var errBundleIsComplete = errors.New("--assume-complete is for folders of YAML: a support bundle tells itself what it holds, and what it did not collect is not empty")

// errCollectedIsComplete does so for what a Collection has written.
var errCollectedIsComplete = errors.New("--assume-complete is for folders of YAML: what collect has written tells itself what was read, and what was not is not empty")

func openCollected(files fs.FS, top, name string, options FolderOptions) (Source, error) {
	if options.AssumeComplete {
		return nil, errCollectedIsComplete
	}
	within, err := fs.Sub(files, top)
	if err != nil {
		return nil, err
	}
	return ReadCollected(within, name)
}

// openZip reads what is in a zip.
func openZip(name string, options FolderOptions) (Source, error) {
	files, err := openArchive(name, bundleLimits())
	if err != nil {
		return nil, err
	}
	defer files.Close()
	if top, is := collectedIn(files); is {
		return openCollected(files, top, name, options)
	}
	if options.AssumeComplete {
		return nil, errBundleIsComplete
	}
	return ReadSupportBundle(files, filepath.Base(name))
}

// isZip tells a zip by its name, or by how it begins.
func isZip(name string) bool {
	if strings.EqualFold(filepath.Ext(name), ".zip") {
		return true
	}
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	var start [4]byte
	n, _ := file.Read(start[:])
	return string(start[:n]) == "PK\x03\x04"
}

// openFolder reads a folder of YAML.
func openFolder(files fs.FS, name string, options FolderOptions) (Source, error) {
	if top := bundleAround(name); top != "" {
		return nil, partOfBundle(top)
	}
	folder, err := ReadFolder(name, options)
	if !errors.Is(err, errNoObjects) {
		return folder, err
	}
	return nil, insteadOfObjects(files, name)
}
