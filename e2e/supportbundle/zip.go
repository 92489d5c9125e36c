package supportbundle

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// writeZip writes an archive as `zip -r` does: one folder at the top, an entry of its own for every folder, before what lies in it,
// sizes before the contents, Unix modes and times, and a file that does not get smaller stored as it is.
func writeZip(to io.Writer, top string, files map[string][]byte, modified time.Time) error {
	archive := zip.NewWriter(to)
	folders := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, folder := range parents(path.Join(top, name)) {
			if folders[folder] {
				continue
			}
			folders[folder] = true
			if err := addEntry(archive, folder+"/", fs.ModeDir|0o755, nil, modified); err != nil {
				return err
			}
		}
		if err := addEntry(archive, path.Join(top, name), 0o644, files[name], modified); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("ending the archive: %w", err)
	}
	return nil
}

// parents are the folders of a file, the outermost first.
func parents(name string) []string {
	var folders []string
	for i, r := range name {
		if r == '/' {
			folders = append(folders, name[:i])
		}
	}
	return folders
}

func addEntry(archive *zip.Writer, name string, mode fs.FileMode, content []byte, modified time.Time) error {
	method, stored := zip.Store, content
	if !strings.HasSuffix(name, "/") {
		packed, err := deflated(content)
		if err != nil {
			return fmt.Errorf("compressing %s: %w", name, err)
		}
		if len(packed) < len(content) {
			method, stored = zip.Deflate, packed
		}
	}
	header := &zip.FileHeader{
		Name: name, Method: method, Extra: unixTime(modified),
		CRC32: crc32.ChecksumIEEE(content), CompressedSize64: uint64(len(stored)), UncompressedSize64: uint64(len(content)),
	}
	//lint:ignore SA1019 CreateRaw writes these two as they are, and leaves out the field that took their place
	header.ModifiedDate, header.ModifiedTime = dosTime(modified)
	header.SetMode(mode)
	entry, err := archive.CreateRaw(header)
	if err != nil {
		return fmt.Errorf("adding %s: %w", name, err)
	}
	if _, err := entry.Write(stored); err != nil {
		return fmt.Errorf("adding %s: %w", name, err)
	}
	return nil
}

func deflated(content []byte) ([]byte, error) {
	var packed bytes.Buffer
	writer, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(content); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// unixTime is the extra field in which Info-ZIP keeps the time to the second.
func unixTime(t time.Time) []byte {
	field := []byte{'U', 'T', 5, 0, 1}
	return binary.LittleEndian.AppendUint32(field, uint32(t.Unix()))
}

// dosTime is the time as a FAT file system has it: local, to two seconds.
func dosTime(t time.Time) (date, clock uint16) {
	date = uint16(t.Day() + int(t.Month())<<5 + (t.Year()-1980)<<9)
	clock = uint16(t.Second()/2 + t.Minute()<<5 + t.Hour()<<11)
	return date, clock
}
