package supportbundle_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/e2e/supportbundle"
)

func write(t *testing.T, options supportbundle.Options) (bundle *supportbundle.Bundle, file string) {
	t.Helper()
	bundle = collect(t, options)
	file = filepath.Join(t.TempDir(), bundle.Name+".zip")
	if err := bundle.WriteZip(file); err != nil {
		t.Fatal(err)
	}
	return bundle, file
}

func TestTheArchiveIsMadeAsInfoZIPMakesIt(t *testing.T) {
	bundle, file := write(t, supportbundle.Options{})
	archive, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if first := archive.File[0].Name; first != bundle.Name+"/" {
		t.Errorf("the first entry is %s, want the folder %s/", first, bundle.Name)
	}
	seen := map[string]bool{}
	files := 0
	for _, entry := range archive.File {
		folder, isFolder := strings.CutSuffix(entry.Name, "/")
		if parent := filepath.Dir(folder); parent != "." && !seen[parent] {
			t.Errorf("%s comes before the entry of its folder", entry.Name)
		}
		seen[folder] = isFolder
		if entry.Flags&8 != 0 {
			t.Errorf("%s has its sizes behind its content", entry.Name)
		}
		if !entry.Modified.Equal(created()) {
			t.Errorf("%s is of %s, want %s", entry.Name, entry.Modified, created())
		}
		if isFolder != entry.Mode().IsDir() || isFolder && entry.Method != zip.Store {
			t.Errorf("%s has mode %s and method %d", entry.Name, entry.Mode(), entry.Method)
		}
		if isFolder {
			continue
		}
		files++
		want := bundle.Files()[strings.TrimPrefix(entry.Name, bundle.Name+"/")]
		if got := content(t, entry); !bytes.Equal(want, got) {
			t.Errorf("%s unpacks to\n%s\nwant\n%s", entry.Name, got, want)
		}
	}
	if files != len(bundle.Files()) {
		t.Errorf("%d files, want %d", files, len(bundle.Files()))
	}
	lists := bundle.Name + "/yamls/cluster/v1/nodes.yaml"
	if i := slices.IndexFunc(archive.File, func(f *zip.File) bool { return f.Name == lists }); archive.File[i].Method != zip.Deflate {
		t.Errorf("%s is not deflated", lists)
	}
}

func content(t *testing.T, entry *zip.File) []byte {
	t.Helper()
	reader, err := entry.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestANodesZipHoldsItsFiles(t *testing.T) {
	bundle := collect(t, supportbundle.Options{NodeSize: 5000})
	text := bundle.Files()["nodes/node-1.zip"]
	archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(archive, "node-1/configs/etc/harvester-release.yaml", "node-1/logs/kubelet.log"); err != nil {
		t.Error(err)
	}
	if len(text) < 5000 {
		t.Errorf("%d bytes, want 5000 that do not compress", len(text))
	}
}

func TestTheSameClusterGivesTheSameBytes(t *testing.T) {
	_, one := write(t, supportbundle.Options{})
	_, other := write(t, supportbundle.Options{})
	if !bytes.Equal(read(t, one), read(t, other)) {
		t.Error("two bundles of one cluster differ")
	}
}

func TestAnArchiveThatBrokeOffCannotBeOpened(t *testing.T) {
	_, whole := write(t, supportbundle.Options{})
	_, half := write(t, supportbundle.Options{Faults: supportbundle.Faults{Truncated: true}})
	if !bytes.HasPrefix(read(t, whole), read(t, half)) || len(read(t, half)) == 0 {
		t.Error("the archive that broke off is not the beginning of the whole one")
	}
	if _, err := zip.OpenReader(half); err == nil {
		t.Error("the archive that broke off opens")
	}
}

func TestAnUnpackedBundleHoldsTheSameFiles(t *testing.T) {
	bundle := collect(t, supportbundle.Options{})
	into := t.TempDir()
	top, err := bundle.Unpack(into)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(into, bundle.Name); top != want {
		t.Errorf("unpacked to %s, want %s", top, want)
	}
	unpacked := map[string][]byte{}
	for name := range bundle.Files() {
		unpacked[name] = read(t, filepath.Join(top, filepath.FromSlash(name)))
	}
	if diff := cmp.Diff(bundle.Files(), unpacked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := bundle.Unpack(into); err == nil {
		t.Error("unpacked again over what was there")
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
