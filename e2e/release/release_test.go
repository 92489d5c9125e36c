package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

const (
	// testVersion is the version that the chart and the add-on have.
	testVersion = "v0.1.0"
	// coldVariable makes the second of two builds compile everything anew, which takes minutes. Without it, both use Go's build cache, whose keys are
	// what the compiler's output depends on; linking is never cached.
	coldVariable = "RELEASE_COLD"
)

// here is the platform that the tests run on: the only one whose program they can run.
func here() string { return runtime.GOOS + "/" + runtime.GOARCH }

// archiveName is that platform's archive.
func archiveName() string {
	return "upgrade-gate_" + testVersion + "_" + runtime.GOOS + "_" + runtime.GOARCH + ".tar.gz"
}

// copyOf returns a clean checkout of the files of this one, as they are now, in a folder of its own.
func copyOf(t *testing.T) string {
	t.Helper()
	repository, err := tools.Repository()
	if err != nil {
		t.Fatal(err)
	}
	names, err := git(t.Context(), repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "checkout")
	for _, name := range strings.Split(strings.TrimSuffix(names, "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(repository, name))
		if errors.Is(err, fs.ErrNotExist) { // removed, and not committed yet
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, name), string(content))
	}
	commit(t, folder)
	return folder
}

// commit commits everything in a folder as somebody at a time that is always the same.
func commit(t *testing.T, folder string) {
	t.Helper()
	for _, name := range []string{"GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"} {
		t.Setenv(name, "2026-11-20T09:12:00Z")
	}
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"add", "--all"},
		{"-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "commit", "--quiet", "--message=Test"},
	} {
		if _, err := git(t.Context(), folder, args...); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// made releases a checkout for this machine's platform alone, into a folder that it returns.
func made(t *testing.T, checkout string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "dist")
	err := release(t.Context(), checkout, options{
		version: testVersion, platforms: []string{here()}, base: "https://downloads.example.com/" + testVersion, out: out, progress: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// contentsOf returns the files below a folder by their paths.
func contentsOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, name))
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// headers returns the headers of an archive, and unpacks it into a folder.
func unpack(t *testing.T, packed, folder string) (headers []*tar.Header) {
	t.Helper()
	file, err := os.Open(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for reader := tar.NewReader(plain); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return headers
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, header.Name)
		write(t, path, string(content))
		if err := os.Chmod(path, header.FileInfo().Mode()); err != nil {
			t.Fatal(err)
		}
		headers = append(headers, header)
	}
}

// TestTwoBuildsInTwoFoldersGiveTheSameBytes releases twice, and builds once more as make build does, each from a checkout in another folder; then
// it looks at what there is.
func TestTwoBuildsInTwoFoldersGiveTheSameBytes(t *testing.T) {
	t.Setenv("GOFLAGS", "-buildvcs=true") // what a machine's settings say changes nothing
	first := copyOf(t)
	dist := made(t, first)
	second := filepath.Join(t.TempDir(), "elsewhere", "clone")
	if _, err := git(t.Context(), first, "clone", "--quiet", first, second); err != nil {
		t.Fatal(err)
	}
	if os.Getenv(coldVariable) != "" {
		t.Setenv("GOCACHE", t.TempDir())
	}
	again := made(t, second)
	if diff := cmp.Diff(digests(contentsOf(t, dist)), digests(contentsOf(t, again))); diff != "" {
		t.Fatalf("digests (-first +second):\n%s", diff)
	}
	unpacked := t.TempDir()
	headers := unpack(t, filepath.Join(dist, archiveName()), unpacked)

	t.Run("make build links the same program", func(t *testing.T) {
		t.Setenv("GOFLAGS", "")
		if _, err := tools.Output(t.Context(), second, nil, "make", "build", "VERSION="+testVersion); err != nil {
			t.Fatal(err)
		}
		got, want := contentsOf(t, filepath.Join(second, "bin"))[programFile], contentsOf(t, unpacked)[programFile]
		if got == "" || got != want {
			t.Errorf("make build has written %d bytes, the archive has %d others", len(got), len(want))
		}
	})
	t.Run("the archives show nobody and no other time", func(t *testing.T) { expectAnonymous(t, headers) })
	t.Run("the program is whole and runs", func(t *testing.T) { expectProgram(t, unpacked) })
	t.Run("the checksums are true", func(t *testing.T) { expectChecksums(t, dist) })
	t.Run("the bill of materials keeps to its schema", func(t *testing.T) { expectBill(t, dist, unpacked) })
	t.Run("krew installs the plugin", func(t *testing.T) { expectPlugin(t, dist) })
	t.Run("the chart renders what its folder renders", func(t *testing.T) { expectChart(t, dist, first) })
	t.Run("the overlays render what deploy renders", func(t *testing.T) { expectOverlays(t, dist, first) })
	t.Run("a second release replaces the first", func(t *testing.T) { expectReplaced(t, first, dist) })
}

func expectAnonymous(t *testing.T, headers []*tar.Header) {
	var names []string
	for _, h := range headers {
		names = append(names, h.Name)
		if h.Uid != 0 || h.Gid != 0 || h.Uname+h.Gname != "" || h.Typeflag != tar.TypeReg || h.ModTime.UTC().Format("2006-01-02T15:04:05") != "2026-11-20T09:12:00" {
			t.Errorf("%s shows who packed it, or when: %+v", h.Name, h)
		}
	}
	want := []string{"LICENSE", "README.txt", "THIRD-PARTY-LICENSES.txt", "kubectl_complete-upgrade_gate", "upgrade-gate"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// expectReplaced releases what is there already, once with and once without a mistake.
func expectReplaced(t *testing.T, checkout, dist string) {
	before := digests(contentsOf(t, dist))
	err := release(t.Context(), checkout, options{version: testVersion, platforms: []string{"linux/pdp11", here()}, out: dist, progress: t.Output()})
	if err == nil || !strings.Contains(err.Error(), "pdp11") {
		t.Errorf("a platform that is none is no clear error: %v", err)
	}
	if diff := cmp.Diff(before, digests(contentsOf(t, dist))); diff != "" {
		t.Errorf("a failed release has changed the one before:\n%s", diff)
	}
	write(t, filepath.Join(dist, "left-over.txt"), "of an earlier version")
	if err := replace(dist, map[string][]byte{checksumsName: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{checksumsName: "x"}, contentsOf(t, dist)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(dist), ".dist-*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left over, %v", left, err)
	}
}

func TestArchivesOfTheSameFilesInAnotherOrderAreTheSame(t *testing.T) {
	a, b := file{name: "a", content: []byte("1")}, file{name: "b/c", content: []byte("2"), executable: true}
	one, err := archive([]file{a, b}, testTime())
	if err != nil {
		t.Fatal(err)
	}
	other, err := archive([]file{b, a}, testTime())
	if err != nil || !bytes.Equal(one, other) {
		t.Errorf("%v, they differ", err)
	}
}
