package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestThePagesAreCurrent(t *testing.T) {
	folder := t.TempDir()
	if err := writeAll(folder); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages() {
		t.Run(p.name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join(folder, p.name))
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join("..", p.name))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("docs/%s is not current, run make generate (-want +got):\n%s", p.name, diff)
			}
		})
	}
}

func TestAPageThatCannotBeWrittenIsAnError(t *testing.T) {
	if err := writeAll(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error")
	}
}
