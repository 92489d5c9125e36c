package cluster

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entry is one of an archive.
type entry struct {
	header  zip.FileHeader
	content string
	// raw says that the content is what stands in the archive, and the header what is said of it.
	raw bool
}

func plainEntry(name, content string) entry {
	return entry{header: zip.FileHeader{Name: name, Method: zip.Deflate}, content: content}
}

func modeEntry(name string, mode fs.FileMode) entry {
	e := plainEntry(name, "target")
	e.header.SetMode(mode)
	return e
}

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer := zip.NewWriter(&packed)
	for _, e := range entries {
		create := writer.CreateHeader
		if e.raw {
			create = writer.CreateRaw
		}
		into, err := create(&e.header)
		if err == nil && !strings.HasSuffix(e.header.Name, "/") {
			_, err = io.WriteString(into, e.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func rawEntry(name string, change func(*zip.FileHeader)) entry {
	e := entry{header: zip.FileHeader{Name: name, Method: zip.Store, CompressedSize64: 4, UncompressedSize64: 4}, content: "text", raw: true}
	change(&e.header)
	return e
}

const aNodeList = "apiVersion: v1\nitems:\n- metadata:\n    name: node-1\nkind: List\n"

func TestAnArchiveThatIsNotToBeTrustedIsOneErrorNamingTheEntry(t *testing.T) {
	nodes := plainEntry("top/yamls/cluster/v1/nodes.yaml", aNodeList)
	const below, at = "yamls/cluster/v1/nodes.yaml", "top/yamls/cluster/v1/nodes.yaml"
	whole := zipOf(t, plainEntry("top/metadata.yaml", ""), nodes)
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"a name that leaves the archive": {zipOf(t, nodes, plainEntry("top/../../etc/passwd", "")), `entry "top/../../etc/passwd": the name is no plain path below the archive`},
		"a name with an empty element":   {zipOf(t, nodes, plainEntry("top//a", "")), `entry "top//a": the name is no plain path`},
		"an absolute name":               {zipOf(t, nodes, plainEntry("/etc/passwd", "")), `entry "/etc/passwd": the name is absolute`},
		"a drive":                        {zipOf(t, nodes, plainEntry("C:/a", "")), `entry "C:/a": the name is absolute`},
		"a backslash":                    {zipOf(t, nodes, plainEntry(`top\yamls`, "")), `entry "top\\yamls": the name holds a backslash, a NUL or another control character`},
		"a NUL":                          {zipOf(t, nodes, plainEntry("top/a\x00b", "")), `entry "top/a\x00b": the name holds a backslash, a NUL or another control character`},
		"a line feed":                    {zipOf(t, nodes, plainEntry("top/a\nb", "")), `entry "top/a\nb": the name holds a backslash, a NUL or another control character`},
		"no UTF-8":                       {zipOf(t, nodes, plainEntry("top/\xff", "")), `entry "top/\xff": the name is not UTF-8`},
		"a symbolic link":                {zipOf(t, nodes, modeEntry("top/link", fs.ModeSymlink|0o777)), `entry top/link: it is a symbolic link, and only files and directories are read`},
		"a device":                       {zipOf(t, nodes, modeEntry("top/null", fs.ModeDevice|0o666)), `entry top/null: it is a device, a pipe or a socket`},
		"a pipe":                         {zipOf(t, nodes, modeEntry("top/pipe", fs.ModeNamedPipe|0o666)), `entry top/pipe: it is a device, a pipe or a socket`},
		"a directory without a slash":    {zipOf(t, nodes, modeEntry("top/logs", fs.ModeDir|0o755)), `entry top/logs: it is a directory by its name or by its mode, but not by both`},
		"a name twice":                   {zipOf(t, nodes, nodes), `entry ` + at + `: the name stands in the archive twice`},
		"a file and a directory":         {zipOf(t, nodes, plainEntry("top/yamls", ""), plainEntry("top/yamls/", "")), `entry top/yamls/: the name stands in the archive twice`},
		"a file with files below it":     {zipOf(t, plainEntry("top/yamls", ""), nodes), `entry ` + at + `: top/yamls is a file and a directory`},
		"an encrypted entry":             {zipOf(t, plainEntry("top/metadata.yaml", ""), rawEntry(at, func(h *zip.FileHeader) { h.Flags |= zipEncrypted })), below + `: it is encrypted; unpack it with the password`},
		"a compression of its own":       {zipOf(t, plainEntry("top/metadata.yaml", ""), rawEntry(at, func(h *zip.FileHeader) { h.Method = 9 })), below + `: it is compressed by method 9, and only methods 0 (stored) and 8 (deflated) are read`},
		"a checksum that does not match": {zipOf(t, plainEntry("top/metadata.yaml", ""), rawEntry(at, func(h *zip.FileHeader) { h.CRC32 = 1 })), below + `: the archive is damaged here (zip: checksum error); copy it again`},
		"a declared size beyond limits":  {zipOf(t, plainEntry("top/metadata.yaml", ""), rawEntry(at, func(h *zip.FileHeader) { h.UncompressedSize64 = 1 << 40 })), below + `: 1048576 MiB is more than the limit of 512 MiB for one file`},
		"an archive cut in the middle":   {whole[:len(whole)/2], `it is no zip archive, or not whole`},
		"an archive without its last":    {whole[:len(whole)-1], `it is no zip archive, or not whole`},
		"no archive at all":              {[]byte("text"), `it is no zip archive, or not whole`},
		"an empty file":                  {nil, `it is no zip archive, or not whole`},
		"damaged in the middle":          {damage(whole), below + `: the archive is damaged here (flate`},
		"two bundles":                    {zipOf(t, nodes, plainEntry("other/yamls/a", "")), `it holds more than one support bundle: other and top`},
		"a bundle deeper in":             {zipOf(t, plainEntry("a/b/yamls/cluster/v1/nodes.yaml", aNodeList)), `it is no support bundle: neither it nor a directory at its top holds metadata.yaml or yamls/`},
		"no objects":                     {zipOf(t, plainEntry("top/metadata.yaml", "")), `it holds no lists below yamls/, so it is no whole support bundle`},
		"no objects for which the log has a cause": {zipOf(t, plainEntry("top/metadata.yaml", ""), plainEntry("top/bundleGenerationError.log",
			"Unable to fetch namespaced resources: refused\nUnable to fetch cluster resources: no route to \x1b[31mhost\n")),
			`it holds no lists, for discovery failed: no route to ?[31mhost; collect it again`},
		"an empty directory of lists": {zipOf(t, plainEntry("top/yamls/", ""), plainEntry("top/bundleGenerationError.log", "Unable to fetch namespaced resources: refused\n")),
			`it holds no lists, for discovery failed: refused; collect it again`},
		"an empty archive":          {zipOf(t), `it is no support bundle`},
		"more entries than it says": {sayEntries(whole, 1), `it is no zip archive, or not whole`},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "bundle.zip")
			if err := os.WriteFile(file, test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(file, FolderOptions{})
			if err == nil || !strings.HasPrefix(err.Error(), "read "+file+": "+test.want) {
				t.Errorf("got error\n%v\nwant\nread %s: %s", err, file, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is more than one line: %q", err)
			}
		})
	}
}

// damage overwrites a byte of the compressed text of the last entry.
func damage(archive []byte) []byte {
	archive = bytes.Clone(archive)
	at := bytes.LastIndex(archive[:bytes.Index(archive, []byte("PK\x01\x02"))], []byte("nodes.yaml")) + len("nodes.yaml")
	for i := range 8 {
		archive[at+i] = 0xff
	}
	return archive
}

// sayEntries changes how many entries the end of an archive says that there are.
func sayEntries(archive []byte, count uint16) []byte {
	archive = bytes.Clone(archive)
	end := bytes.LastIndex(archive, []byte("PK\x05\x06"))
	binary.LittleEndian.PutUint16(archive[end+8:], count)
	binary.LittleEndian.PutUint16(archive[end+10:], count)
	return archive
}

func TestMoreThanTheLimitsIsNotRead(t *testing.T) {
	bomb := zipOf(t, plainEntry("a", strings.Repeat("0", 1<<20)), plainEntry("b", strings.Repeat("0", 600<<10)))
	for name, test := range map[string]struct {
		limits readLimits
		want   string
	}{
		"of one file": {readLimits{file: 1 << 19, total: 1 << 30}, "a: 1 MiB is more than the limit of 0 MiB for one file"},
		"of all":      {readLimits{file: 1 << 20, total: 1 << 20}, "b: with it, more than the limit of 1 MiB is read in all"},
		"within them": {readLimits{file: 1 << 20, total: 2 << 20}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := readArchive(bytes.NewReader(bomb), int64(len(bomb)), test.limits)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, file := range []string{"a", "b"} {
				if err := readAll(files, file); err != nil {
					got = file + ": " + err.Error()
					break
				}
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func readAll(files fs.FS, name string) error {
	file, err := files.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(io.Discard, file)
	return err
}

// liar is a file that declares no size.
type liar struct{ fs.File }

func (l liar) Stat() (fs.FileInfo, error) { return sizeless{}, nil }

type sizeless struct{ fs.FileInfo }

func (sizeless) IsDir() bool       { return false }
func (sizeless) Mode() fs.FileMode { return 0 }
func (sizeless) Size() int64       { return 0 }

type lying struct{ fs.FS }

func (l lying) Open(name string) (fs.File, error) {
	file, err := l.FS.Open(name)
	return liar{file}, err
}

func TestADeclaredSizeIsNotBelieved(t *testing.T) {
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "a"), make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	files := newBoundedFiles(lying{os.DirFS(directory)}, readLimits{file: 2 << 20, total: 1 << 30})
	if err := readAll(files, "a"); err == nil || err.Error() != "it unpacks to more than the limit of 2 MiB for one file" {
		t.Errorf("got %v", err)
	}
}

func TestTooManyEntriesAreRefused(t *testing.T) {
	entries := make([]*zip.File, maxEntries+1)
	if err := checkEntries(entries); err == nil || err.Error() != fmt.Sprintf("%d entries are more than the limit of %d", maxEntries+1, maxEntries) {
		t.Errorf("got %v", err)
	}
	var packed bytes.Buffer
	writer := zip.NewWriter(&packed)
	for i := range 600 { // Each with 60 KB of a name: more than the limit for a directory.
		if _, err := writer.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("%060000d", i), Method: zip.Store}); err != nil {
			t.Fatal(err)
		}
	}
	writer.Close()
	if _, err := readArchive(bytes.NewReader(packed.Bytes()), int64(packed.Len()), bundleLimits()); err == nil || err.Error() != "its directory is larger than the limit of 32 MiB" {
		t.Errorf("got %v", err)
	}
}

func TestAnUnpackedBundleHoldsNoLinks(t *testing.T) {
	for name, test := range map[string]struct {
		link, to, want string
	}{
		"a list":            {"yamls/cluster/v1/nodes.yaml", "/etc/hosts", "yamls/cluster/v1/nodes.yaml: not a regular file"},
		"a directory":       {"yamls/namespaced", "..", "yamls/namespaced: not a regular file"},
		"the log of errors": {"bundleGenerationError.log", "/etc/hosts", "bundleGenerationError.log: path escapes from parent"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for _, file := range []string{"metadata.yaml", "yamls/cluster/v1/other.yaml"} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, file)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, file), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(test.to, filepath.Join(folder, test.link)); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(folder, FolderOptions{}); err == nil || err.Error() != "read "+folder+": "+test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
