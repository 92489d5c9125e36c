package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// smallCheckout is a repository with no more than what a release looks at before it builds.
func smallCheckout(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, chartFolder, "Chart.yaml"), "version: 0.1.0\nappVersion: v0.1.0\n")
	write(t, filepath.Join(folder, "deploy", "addon", "upgrade-gate.yaml"), "kind: Namespace\n---\nspec:\n  version: 0.1.0\n")
	commit(t, folder)
	return folder
}

func TestAReleaseThatNobodyCouldBuildAgainIsOneClearErrorAndNothingIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		version string
		change  func(t *testing.T, folder string)
		want    string
	}{
		"no version":                   {"", nil, `"" is no version such as v0.1.0`},
		"what git describe says":       {"v0.1.0-3-g34d33a6-dirty+x", nil, "is no version such as v0.1.0"},
		"a version without its v":      {"0.1.0", nil, `"0.1.0" is no version`},
		"a short version":              {"v0.1", nil, `"v0.1" is no version`},
		"another version than written": {"v0.2.0", nil, `deploy/chart/upgrade-gate/Chart.yaml has version "0.1.0", and the release is v0.2.0: write 0.2.0 there`},
		"a file that was changed": {"v0.1.0", func(t *testing.T, folder string) {
			write(t, filepath.Join(folder, chartFolder, "Chart.yaml"), "version: 0.1.0\n")
		}, "the checkout has 1 changed files, the first is \"M deploy/chart/upgrade-gate/Chart.yaml\""},
		"a file that git does not know": {"v0.1.0", func(t *testing.T, folder string) {
			write(t, filepath.Join(folder, "new.go"), "package new")
		}, `"?? new.go": commit them`},
		"a tag at another commit": {"v0.1.0", func(t *testing.T, folder string) {
			if _, err := git(t.Context(), folder, "tag", "v0.1.0"); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(folder, "new.go"), "package new")
			commit(t, folder)
		}, "the tag v0.1.0 is at commit"},
		"a time that is none": {"v0.1.0", func(t *testing.T, _ string) {
			t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
		}, `SOURCE_DATE_EPOCH is "yesterday", and should be seconds since 1970`},
		"no repository": {"v0.1.0", func(t *testing.T, folder string) {
			if err := os.RemoveAll(filepath.Join(folder, ".git")); err != nil {
				t.Fatal(err)
			}
		}, "not a git repository"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := smallCheckout(t)
			if c.change != nil {
				c.change(t, folder)
			}
			out := filepath.Join(t.TempDir(), "dist")
			err := release(t.Context(), folder, options{version: c.version, out: out, progress: t.Output()})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something is written: %v", err)
			}
		})
	}
}

func TestAFolderThatHoldsOtherThingsIsNotReplaced(t *testing.T) {
	out := t.TempDir()
	write(t, filepath.Join(out, "thesis.tex"), "all my work")
	err := release(t.Context(), smallCheckout(t), options{version: testVersion, out: out, progress: t.Output()})
	if err == nil || !strings.Contains(err.Error(), "holds other things than a release") {
		t.Errorf("got %v", err)
	}
	if got := contentsOf(t, out)["thesis.tex"]; got != "all my work" {
		t.Errorf("thesis.tex holds %q", got)
	}
}
