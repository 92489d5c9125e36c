package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// wholeFiles are files that are there all at once, or not at all: they are written under a name of their own, which is the right one
// only when everything is on the disk.
type wholeFiles struct {
	// path is where the files are in the end: a zip, or a folder.
	path string
	// partial is what they are called until then.
	partial string
	create  func(name string) (io.Writer, error)
	close   func() error
}

// newWholeZip begins a zip. at is the time of its entries.
func newWholeZip(path string, at time.Time) (*wholeFiles, error) {
	if err := mustNotExist(path); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.partial")
	if err != nil {
		return nil, err
	}
	archive := zip.NewWriter(file)
	return &wholeFiles{
		path: path, partial: file.Name(),
		create: func(name string) (io.Writer, error) {
			return archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at.UTC()})
		},
		close: func() error { return errors.Join(archive.Close(), file.Sync(), file.Close()) },
	}, nil
}

// newWholeFolder begins a folder, which only its owner may read.
func newWholeFolder(path string) (*wholeFiles, error) {
	path = filepath.Clean(path)
	if err := mustNotExist(path); err != nil {
		return nil, err
	}
	partial, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.partial")
	if err != nil {
		return nil, err
	}
	var open *os.File
	finish := func() error {
		if open == nil {
			return nil
		}
		err := errors.Join(open.Sync(), open.Close())
		open = nil
		return err
	}
	return &wholeFiles{
		path: path, partial: partial, close: finish,
		create: func(name string) (io.Writer, error) {
			if err := finish(); err != nil {
				return nil, err
			}
			name = filepath.Join(partial, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				return nil, err
			}
			var err error
			open, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			return open, err
		},
	}, nil
}

func mustNotExist(path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return fmt.Errorf("%s exists already; nothing was written", path)
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	return nil
}

// write writes the files and gives them their name. If that fails, or ctx ends before, nothing is left of them.
func (w *wholeFiles) write(ctx context.Context, content func(create func(name string) (io.Writer, error)) error) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(w.partial))
		}
	}()
	err = content(func(name string) (io.Writer, error) {
		if ctx.Err() != nil {
			return nil, errInterrupted
		}
		return w.create(name)
	})
	if err := errors.Join(err, w.close()); err != nil {
		return err
	}
	if err := mustNotExist(w.path); err != nil {
		return err
	}
	return os.Rename(w.partial, w.path)
}
