package cluster

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
)

// readLimits bound what is read of files that somebody else has packed.
type readLimits struct {
	// file bounds one file, and total all that are read together, in bytes as they are read: unpacked.
	file, total int64
}

// bundleLimits are those of a support bundle: a list of 45,000 replicas with their managed fields is about 250 MiB of YAML.
func bundleLimits() readLimits { return readLimits{file: 512 << 20, total: 4 << 30} }

// boundedFiles is a file system of which no more is read than its limits allow, whatever the sizes are that it declares. Several
// goroutines may read from it.
type boundedFiles struct {
	files  fs.FS
	limits readLimits
	read   *atomic.Int64
}

func newBoundedFiles(files fs.FS, limits readLimits) boundedFiles {
	return boundedFiles{files: files, limits: limits, read: new(atomic.Int64)}
}

// Open implements fs.FS. It refuses what is neither a regular file nor a directory, and a file that declares more than the limit.
func (b boundedFiles) Open(name string) (fs.File, error) {
	file, err := b.files.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		err = bare(err)
	case info.IsDir():
		return file, nil
	case !info.Mode().IsRegular():
		err = errors.New("not a regular file")
	case info.Size() > b.limits.file:
		err = fmt.Errorf("%d MiB is more than the limit of %d MiB for one file", info.Size()>>20, b.limits.file>>20)
	default:
		return &boundedFile{File: file, of: b, left: b.limits.file}, nil
	}
	file.Close()
	return nil, err
}

// ReadDir implements fs.ReadDirFS.
func (b boundedFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(b.files, name)
	return entries, bare(err)
}

// bare returns what went wrong without the operation and the name of the file, which the caller puts in front.
func bare(err error) error {
	if of := (*fs.PathError)(nil); errors.As(err, &of) {
		return of.Err
	}
	return err
}

// boundedFile counts what is read of a file.
type boundedFile struct {
	fs.File
	of   boundedFiles
	left int64
}

func (f *boundedFile) Read(into []byte) (int, error) {
	n, err := f.File.Read(into)
	if f.left -= int64(n); f.left < 0 {
		return 0, fmt.Errorf("it unpacks to more than the limit of %d MiB for one file", f.of.limits.file>>20)
	}
	if f.of.read.Add(int64(n)) > f.of.limits.total {
		return 0, fmt.Errorf("with it, more than the limit of %d MiB is read in all", f.of.limits.total>>20)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = bare(err)
	}
	return n, err
}
