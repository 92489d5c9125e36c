package cluster

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

const (
	// maxEntries bounds the entries of an archive; a support bundle of 64 nodes has about 30,000.
	maxEntries = 200_000
	// maxDirectory bounds the bytes of an archive's directory, which is held in memory before its entries can be counted.
	maxDirectory = 32 << 20
	// zipEncrypted is the bit of an entry's flags that says that it needs a password.
	zipEncrypted = 0x1
)

// archive is a zip that has been looked through, as a file system. Nothing is ever unpacked to disk.
type archive struct {
	boundedFiles
	io.Closer
}

// openArchive opens a zip and refuses it whole where an entry's name or kind could mean another file to another program: no name
// leaves the archive or stands in it twice, and every entry is a file or a directory. Entries that nobody can read, such as encrypted
// ones, are refused when they are opened. The errors name the entry, and leave naming the archive to the caller.
func openArchive(name string, limits readLimits) (*archive, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	info, err := file.Stat()
	if err == nil {
		var checked boundedFiles
		if checked, err = readArchive(file, info.Size(), limits); err == nil {
			return &archive{checked, file}, nil
		}
	}
	file.Close()
	return nil, err
}

// readArchive is openArchive for a zip in memory.
func readArchive(content io.ReaderAt, size int64, limits readLimits) (boundedFiles, error) {
	directory := &boundedReaderAt{from: content}
	directory.left.Store(maxDirectory)
	reader, err := zip.NewReader(directory, size)
	switch {
	case errors.Is(err, errDirectoryTooLarge):
		return boundedFiles{}, err
	case errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return boundedFiles{}, errors.New("it is no zip archive, or not whole: its directory, which is at the end, is missing or damaged; copy it again")
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return boundedFiles{}, bare(err)
	}
	directory.opened.Store(true)
	if err := checkEntries(reader.File); err != nil {
		return boundedFiles{}, err
	}
	return newBoundedFiles(&zipFiles{reader, indexEntries(reader.File)}, limits), nil
}

var errDirectoryTooLarge = fmt.Errorf("its directory is larger than the limit of %d MiB", maxDirectory>>20)

// boundedReaderAt bounds what may be read until the directory has been.
type boundedReaderAt struct {
	from   io.ReaderAt
	left   atomic.Int64
	opened atomic.Bool
}

func (r *boundedReaderAt) ReadAt(into []byte, at int64) (int, error) {
	if !r.opened.Load() && r.left.Add(-int64(len(into))) < 0 {
		return 0, errDirectoryTooLarge
	}
	return r.from.ReadAt(into, at)
}

func checkEntries(entries []*zip.File) error {
	if len(entries) > maxEntries {
		return fmt.Errorf("%d entries are more than the limit of %d", len(entries), maxEntries)
	}
	isFile := make(map[string]bool, len(entries))
	for _, entry := range entries {
		if wrong := wrongName(entry.Name); wrong != "" {
			return fmt.Errorf("entry %q: %s", entry.Name, wrong)
		}
		name, isDirectory := strings.CutSuffix(entry.Name, "/")
		switch kind := entry.Mode().Type(); {
		case kind != 0 && kind != fs.ModeDir:
			return fmt.Errorf("entry %s: %s, and only files and directories are read", entry.Name, describeMode(kind))
		case (kind == fs.ModeDir) != isDirectory:
			return fmt.Errorf("entry %s: it is a directory by its name or by its mode, but not by both", entry.Name)
		}
		if _, twice := isFile[name]; twice {
			return fmt.Errorf("entry %s: the name stands in the archive twice", entry.Name)
		}
		isFile[name] = !isDirectory
	}
	for _, entry := range entries {
		for above := path.Dir(strings.TrimSuffix(entry.Name, "/")); above != "."; above = path.Dir(above) {
			if isFile[above] {
				return fmt.Errorf("entry %s: %s is a file and a directory", entry.Name, above)
			}
		}
	}
	return nil
}

// wrongName says why an entry's name is refused; empty for a good one.
func wrongName(name string) string {
	switch {
	case !utf8.ValidString(name):
		return "the name is not UTF-8"
	case strings.ContainsFunc(name, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }):
		return "the name holds a backslash, a NUL or another control character"
	case strings.HasPrefix(name, "/"), len(name) > 1 && name[1] == ':':
		return "the name is absolute"
	case !fs.ValidPath(strings.TrimSuffix(name, "/")) || name == "./":
		return "the name is no plain path below the archive: it is empty, or has an element that is empty, . or .."
	}
	return ""
}

func describeMode(kind fs.FileMode) string {
	if kind&fs.ModeSymlink != 0 {
		return "it is a symbolic link"
	}
	return "it is a device, a pipe or a socket"
}

// zipFiles is the file system of a zip.
type zipFiles struct {
	*zip.Reader
	entries map[string]*zip.File
}

func indexEntries(entries []*zip.File) map[string]*zip.File {
	byName := make(map[string]*zip.File, len(entries))
	for _, entry := range entries {
		byName[entry.Name] = entry
	}
	return byName
}

// Open implements fs.FS, and says of an entry that cannot be read why.
func (z *zipFiles) Open(name string) (fs.File, error) {
	if entry := z.entries[name]; entry != nil {
		switch {
		case entry.Flags&zipEncrypted != 0:
			return nil, errors.New("it is encrypted; unpack it with the password, and check the folder")
		case entry.Method != zip.Store && entry.Method != zip.Deflate:
			return nil, fmt.Errorf("it is compressed by method %d, and only methods 0 (stored) and 8 (deflated) are read; unpack it, and check the folder", entry.Method)
		}
	}
	file, err := z.Reader.Open(name)
	if err != nil {
		return nil, bare(damaged(err))
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return file, nil
	}
	return zipEntry{file}, nil
}

// zipEntry is a file in a zip.
type zipEntry struct{ fs.File }

func (e zipEntry) Read(into []byte) (int, error) {
	n, err := e.File.Read(into)
	return n, damaged(err)
}

// damaged puts the errors of a damaged archive into words; io.EOF and others stay what they are.
func damaged(err error) error {
	switch {
	case err == nil, err == io.EOF:
		return err
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, new(flate.CorruptInputError)):
		return fmt.Errorf("the archive is damaged here (%w); copy it again", err)
	}
	return err
}
