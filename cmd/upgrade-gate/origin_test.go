package main

import (
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPageSaysHowToMakeItAgain(t *testing.T) {
	odd := filepath.Join(t.TempDir(), "it's a bundle")
	if err := os.CopyFS(odd, os.DirFS(filepath.Join("testdata", "paused"))); err != nil {
		t.Fatal(err)
	}
	policy := only(t, "paused-vms", "block")
	for name, c := range map[string]struct {
		args, want []string
	}{
		"files are read again as of the same time": {
			[]string{"--from", filepath.Join("testdata", "paused"), "--assume-complete", "--version", "v1.4.2", "--at", at},
			[]string{
				"upgrade-gate check --from=testdata/paused --assume-complete --version=v1.4.2 --at=" + at,
				"upgrade-gate plan --from=testdata/paused --assume-complete --version=v1.4.2 --at=" + at,
				"upgrade-gate explain paused-vms",
			}},
		"a path is one word for a shell": {
			[]string{"--from", odd, "--assume-complete", "--at", at},
			[]string{"upgrade-gate check --from='" + strings.ReplaceAll(odd, "'", `'\''`) + "' --assume-complete --at=" + at}},
		"a policy is of check alone": {
			[]string{"--from", filepath.Join("testdata", "paused"), "--assume-complete", "--at", at, "--policy", policy},
			[]string{
				"upgrade-gate check --from=testdata/paused --assume-complete --policy=" + policy + " --at=" + at,
				"upgrade-gate plan --from=testdata/paused --assume-complete --at=" + at,
			}},
		"checks that were chosen are chosen again": {
			[]string{"--from", filepath.Join("testdata", "paused"), "--assume-complete", "--at", at, "--only", "paused-vms,disk-space"},
			[]string{"upgrade-gate check --from=testdata/paused --assume-complete --only=paused-vms --only=disk-space --at=" + at}},
		"a token is nobody's business": {
			[]string{"--from", filepath.Join("testdata", "paused"), "--assume-complete", "--at", at, "--token", "s3cret", "--context", "lab"},
			[]string{"upgrade-gate check --from=testdata/paused --assume-complete --context=lab --at=" + at}},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, append([]string{"check", "-o", "html"}, c.args...)...)
			if got.code != 2 || got.stderr != "" {
				t.Fatalf("got exit code %d, want 2; stderr %q", got.code, got.stderr)
			}
			if !strings.HasPrefix(got.stdout, "<!DOCTYPE html>") {
				t.Errorf("the page begins with %.40q", got.stdout)
			}
			if strings.Contains(got.stdout, "s3cret") {
				t.Error("the page holds the token")
			}
			page := html.UnescapeString(got.stdout)
			for _, want := range c.want {
				if !strings.Contains(page, "<code>"+want+"</code>") {
					t.Errorf("the page does not say %q:\n%s", want, page[strings.Index(page, `<dl class="commands">`):])
				}
			}
		})
	}
}
