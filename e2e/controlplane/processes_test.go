package controlplane

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// The watchdog reads a pipe that closes when the test binary ends. Closing it by hand is, for the
// watchdog, the test binary's death.
func TestProcessesAreKilledWhenTheTestBinaryDies(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "work")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	watched, err := watchProcesses(folder, true)
	if err != nil {
		t.Fatal(err)
	}
	script, err := watched.wrapper("etcd", "/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	program := exec.Command(script, "1000")
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- program.Wait() }()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if id, err := watched.id("etcd"); err == nil && id == program.Process.Pid {
			break
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("the wrapper has not noted its process id after 10 s")
		}
	}
	if err := watched.lifeline.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Errorf("the program ended with %v, want killed", err)
		}
	case <-deadline.C:
		t.Error("the program is alive after 10 s")
		_ = program.Process.Kill()
	}
	if err := watched.watchdog.Wait(); err != nil {
		t.Errorf("the watchdog: %v", err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the work folder is still there: %v", err)
	}
}
