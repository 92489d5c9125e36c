package tools_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// checkout makes a folder that looks like a checkout of the repository and works inside it.
func checkout(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	module := filepath.Join(root, "e2e", "tools", "kubernetes")
	if err := os.MkdirAll(module, 0o755); err != nil {
		t.Fatal(err)
	}
	goMod := "module example.org/tools\n\nrequire k8s.io/kubernetes v1.2.3\n"
	if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte(goMod), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(module)
	return root
}

func TestVersionIsReadFromTheToolModule(t *testing.T) {
	checkout(t)
	if got, err := tools.Kubectl().Version(); err != nil || got != "v1.2.3" {
		t.Errorf("Version() = %q, %v; want v1.2.3", got, err)
	}
	if _, err := tools.Etcd().Version(); err == nil {
		t.Error("a module that go.mod does not require has no version")
	}
}

func TestStampNamesEveryPartOfTheVersion(t *testing.T) {
	got := strings.Join(tools.KubeAPIServer().Stamp("v1.34.4"), " ")
	for _, want := range []string{"gitVersion=v1.34.4", "gitMajor=1", "gitMinor=34", "gitTreeState=clean"} {
		if !strings.Contains(got, "k8s.io/component-base/version."+want) {
			t.Errorf("stamp %q lacks %s", got, want)
		}
	}
}

func TestAProgramOfOursIsBuiltAnewWhenItsSourceChanges(t *testing.T) {
	root := checkout(t)
	folder := filepath.Join(root, "e2e", "tools", "ours")
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module github.com/upgrade-gate/upgrade-gate/e2e/tools/ours\n\ngo 1.26.0\n\nrequire example.org/theirs v1.2.3\n\nreplace example.org/theirs => ./theirs\n")
	write("theirs/go.mod", "module example.org/theirs\n\ngo 1.26.0\n")
	program := tools.Program{Name: "ours", Folder: "ours", Package: "github.com/upgrade-gate/upgrade-gate/e2e/tools/ours", Module: "example.org/theirs", Ours: true}
	var built []string
	for _, source := range []string{"package main\n\nfunc main() {}\n", "package main\n\nfunc main() { println(1) }\n", "package main\n\nfunc main() {}\n"} {
		write("main.go", source)
		path, err := program.Ensure(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		built = append(built, path)
	}
	if built[0] == built[1] || built[0] != built[2] {
		t.Errorf("built %v, want the second to differ and the third to be the first", built)
	}
}

func TestManyWhoAskAtOnceMakeOnce(t *testing.T) {
	root := checkout(t)
	var made atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			folder, err := tools.Cached(t.Context(), "thing-v1", nil, func(_ context.Context, folder string) error {
				made.Add(1)
				return os.WriteFile(filepath.Join(folder, "thing"), []byte("x"), 0o644)
			})
			if err != nil {
				t.Error(err)
				return
			}
			if want := filepath.Join(root, ".cache", "thing-v1"); folder != want {
				t.Errorf("folder = %s, want %s", folder, want)
			}
			if _, err := os.Stat(filepath.Join(folder, "thing")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times, want once", made.Load())
	}
}

func TestAFailedBuildLeavesNothingAndIsTriedAgain(t *testing.T) {
	root := checkout(t)
	var progress bytes.Buffer
	broken := errors.New("compiler on fire")
	_, err := tools.Cached(t.Context(), "thing-v1", &progress, func(_ context.Context, folder string) error {
		return errors.Join(os.WriteFile(filepath.Join(folder, "half"), nil, 0o644), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("err = %v, want %v", err, broken)
	}
	if _, err := os.Stat(filepath.Join(root, ".cache", "thing-v1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a failed build left its folder: %v", err)
	}
	folder, err := tools.Cached(t.Context(), "thing-v1", &progress, func(context.Context, string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("the second build sees the first one's files: %v, %v", entries, err)
	}
	for _, want := range []string{"making thing-v1", "making thing-v1 failed after", "made thing-v1 in"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("progress lacks %q:\n%s", want, progress.String())
		}
	}
}

func TestWaitingForAnotherBuildEndsWithTheContext(t *testing.T) {
	checkout(t)
	started, finish := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		_, err := tools.Cached(context.Background(), "thing-v1", nil, func(context.Context, string) error {
			close(started)
			<-finish
			return nil
		})
		first <- err
	}()
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := tools.Cached(ctx, "thing-v1", nil, func(context.Context, string) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want the context's", err)
	}
	close(finish)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
