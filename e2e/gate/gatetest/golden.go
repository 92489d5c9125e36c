package gatetest

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Golden compares text with testdata/NAME.golden of the package under test. With update the file is written instead.
func Golden(t testing.TB, update bool, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, []byte(text)) {
		t.Errorf("other than %s, which go test -update writes anew (-want +got):\n%s", path, cmp.Diff(string(want), text))
	}
}

// Timeless replaces times by TIME and ages by AGE.
func Timeless(text string) string {
	text = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(text, "TIME")
	return regexp.MustCompile(`(since|for|seen) ((\d+[dhms])+( ago)?|\d+ (second|minute|hour|day|month)s?( ago)?|just now)`).ReplaceAllString(text, "$1 AGE")
}
