package policy

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// configMap is a directory as the kubelet mounts one: the file is a link into ..data, which is a link that is swapped at once.
type configMap struct {
	t       *testing.T
	folder  string
	version int
}

func newConfigMap(t *testing.T, content string) *configMap {
	t.Helper()
	c := &configMap{t: t, folder: t.TempDir()}
	c.set(content)
	if err := os.Symlink(filepath.Join("..data", "policy.yaml"), c.path()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *configMap) path() string { return filepath.Join(c.folder, "policy.yaml") }

func (c *configMap) set(content string) {
	c.t.Helper()
	c.version++
	data := time.Unix(int64(c.version), 0).UTC().Format("..2006_01_02_15_04_05")
	for _, err := range []error{
		os.Mkdir(filepath.Join(c.folder, data), 0o755),
		os.WriteFile(filepath.Join(c.folder, data, "policy.yaml"), []byte(content), 0o600),
		os.Symlink(data, filepath.Join(c.folder, "..data_tmp")),
		os.Rename(filepath.Join(c.folder, "..data_tmp"), filepath.Join(c.folder, "..data")),
	} {
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

const (
	warnsOfPaused = head + "checks: {paused-vms: {enforcement: warn}}\n"
	pausedIsOff   = head + "checks: {paused-vms: {enforcement: off}}\n"
	bad           = head + "checks: {paused-vms: {enforcement: perhaps}}\n"
	alsoBad       = head + "cheks: {}\nthreshold: {}\n"
)

func TestAChangedFileIsReadAndABadOneKeepsTheOldPolicy(t *testing.T) {
	file := newConfigMap(t, warnsOfPaused)
	core, logs := observer.New(zapcore.InfoLevel)
	var told []string
	watch, err := NewWatch(WatchOptions{Path: file.path(), Log: zap.New(core), Loaded: func(problem error) {
		if problem == nil {
			told = append(told, "good")
		} else {
			told = append(told, "bad")
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		does, content string
		want          Enforcement
		problem       bool
	}{
		{"the same content is not read again", warnsOfPaused, Warn, false},
		{"a bad version keeps the old one", bad, Warn, true},
		{"and is told once", bad, Warn, true},
		{"another bad version is told", alsoBad, Warn, true},
		{"a good version comes into force", pausedIsOff, Off, false},
	} {
		file.set(step.content)
		watch.look()
		if got := watch.Current().Enforcement("paused-vms"); got != step.want {
			t.Errorf("%s: got %s, want %s", step.does, got, step.want)
		}
		if got := watch.Problem() != nil; got != step.problem {
			t.Errorf("%s: problem %v", step.does, watch.Problem())
		}
	}
	if err := os.RemoveAll(file.folder); err != nil {
		t.Fatal(err)
	}
	watch.look()
	watch.look()
	if watch.Problem() == nil || watch.Current().Enforcement("paused-vms") != Off {
		t.Errorf("a file that is gone: problem %v", watch.Problem())
	}
	if diff := cmp.Diff([]string{"good", "bad", "bad", "good", "bad"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got := logs.FilterMessage("policy not loaded, the one before stays in force").Len(); got != 3 {
		t.Errorf("got %d error lines, want 3", got)
	}
	problems := logs.FilterLevelExact(zapcore.ErrorLevel).All()[1].ContextMap()["problems"]
	if got := len(problems.([]any)); got != 2 {
		t.Errorf("got %d problems in the line, want 2: %v", got, problems)
	}
}

func TestAFileThatIsBadFromTheStartIsAnError(t *testing.T) {
	if watch, err := NewWatch(WatchOptions{Path: newConfigMap(t, bad).path()}); err == nil || watch != nil {
		t.Errorf("got watch %v, error %v", watch, err)
	}
}

func TestAnEmptyFileFromTheStartIsAnError(t *testing.T) {
	if watch, err := NewWatch(WatchOptions{Path: newConfigMap(t, "").path()}); err == nil || watch != nil {
		t.Errorf("got watch %v, error %v", watch, err)
	}
}

func TestStartLooksAtEveryTickUntilItIsStopped(t *testing.T) {
	file := newConfigMap(t, warnsOfPaused)
	ticks := make(chan time.Time)
	watch, err := NewWatch(WatchOptions{Path: file.path(), Ticks: ticks})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- watch.Start(ctx) }()
	file.set(pausedIsOff)
	ticks <- time.Time{}
	ticks <- time.Time{} // Taken only when the first look is over.
	if got := watch.Current().Enforcement("paused-vms"); got != Off {
		t.Errorf("got %s, want off", got)
	}
	stop()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
