package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// What is near a support bundle and is none: a part of one, several, or another archive. Its lists are in the encoding of the kit, and what is not
// among them is not empty, so that they must not pass for a folder of YAML.

// unpackedBundle returns the directory of a folder that is an unpacked bundle, "." for the folder itself, empty where there is none.
// It errs where there are several, or one among other directories.
func unpackedBundle(files fs.FS) (string, error) {
	if isUnpackedBundle(files, ".") {
		return ".", nil
	}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return "", nil // Who reads the folder as one of YAML says why that fails.
	}
	directories := 0
	var bundles []string
	for _, entry := range entries {
		if entry.IsDir() {
			directories++
			if isUnpackedBundle(files, entry.Name()) {
				bundles = append(bundles, entry.Name())
			}
		}
	}
	switch {
	case len(bundles) == 0:
		return "", nil
	case len(bundles) > 1:
		return "", severalBundles(bundles)
	case directories > 1:
		return "", fmt.Errorf("it holds the support bundle %s beside other directories; name the bundle itself", bundles[0])
	}
	return bundles[0], nil
}

// isUnpackedBundle tells whether a directory is a bundle. It counts as one only with two things that belong together: a folder of YAML
// may hold a file or a directory of any one name.
func isUnpackedBundle(files fs.FS, directory string) bool {
	if !isThere(files, directory, yamlsDirectory, true) {
		return isThere(files, directory, metadataFile, false) && isThere(files, directory, errorLogFile, false)
	}
	yamls := path.Join(directory, yamlsDirectory)
	return isThere(files, directory, metadataFile, false) || isThere(files, yamls, "cluster", true) || isThere(files, yamls, "namespaced", true)
}

func severalBundles(names []string) error {
	return fmt.Errorf("it holds more than one support bundle: %s and %s; name one of them", names[0], names[1])
}

// areBundleLists tells whether a directory is that of a bundle's lists, whatever it is called now.
func areBundleLists(files fs.FS, directory string) bool {
	if isThere(files, path.Join(directory, "cluster"), "v1", true) {
		return true
	}
	within := path.Join(directory, "namespaced")
	entries, _ := fs.ReadDir(files, within)
	for _, entry := range entries {
		if isThere(files, path.Join(within, entry.Name()), "v1", true) {
			return true
		}
	}
	return false
}

var errListsAlone = errors.New("these are the lists of a support bundle, without what tells what is missing from it: name the whole bundle, which holds them as " + yamlsDirectory + "/")

// bundleAround returns the directory of the unpacked bundle that a path is, or is among, the lists of; empty for any other.
func bundleAround(name string) string {
	at, err := filepath.Abs(name)
	for above := filepath.Dir(at); err == nil && above != at; at, above = above, filepath.Dir(above) {
		if filepath.Base(at) == yamlsDirectory && areBundleLists(os.DirFS(at), ".") {
			return above
		}
	}
	return ""
}

func partOfBundle(top string) error {
	return fmt.Errorf("it is a part of a support bundle, without what tells what is missing from it: name the whole bundle, %s", top)
}

// insteadOfObjects says what a folder without an object holds.
func insteadOfObjects(files fs.FS, name string) error {
	entries, _ := fs.ReadDir(files, ".")
	for _, entry := range entries {
		if !entry.IsDir() && strings.EqualFold(path.Ext(entry.Name()), ".zip") {
			return fmt.Errorf("%w, but an archive: name that, %s", errNoObjects, filepath.Join(name, entry.Name()))
		}
	}
	if holdsOnlyLogs(files) {
		return errOnlyLogs
	}
	return errNoObjects
}

// errOnlyLogs tells what Harvester packs for who downloads the log of an upgrade (harvester/harvester, pkg/api/upgradelog).
var errOnlyLogs = errors.New("it holds nothing but logs, as the archive of an upgrade's log does, and no object of a cluster: name a support bundle, or what upgrade-gate collect has written")

// holdsOnlyLogs tells whether files are those of an upgrade's log: the directory logs/ alone, or in the only directory.
func holdsOnlyLogs(files fs.FS) bool {
	for _, directory := range []string{".", onlyDirectory(files, ".")} {
		if directory != "" && onlyDirectory(files, directory) == "logs" {
			return true
		}
	}
	return false
}

// onlyDirectory names the directory that is all that another one holds; empty where there is anything else.
func onlyDirectory(files fs.FS, directory string) string {
	entries, err := fs.ReadDir(files, directory)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		return ""
	}
	return entries[0].Name()
}
