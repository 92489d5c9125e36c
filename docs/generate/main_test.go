package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestThePageOfChecksIsCurrent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "checks.md")
	if err := write(file); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../checks.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/checks.md is not current, run make generate (-want +got):\n%s", diff)
	}
}

func TestAPageThatCannotBeWrittenIsAnError(t *testing.T) {
	if err := write(filepath.Join(t.TempDir(), "none", "checks.md")); err == nil {
		t.Error("no error")
	}
}
