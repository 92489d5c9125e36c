package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asProgram makes the test's own binary the program.
const asProgram = "UPGRADE_GATE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program returns a process of the program.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], args...)
	command.Env = append(os.Environ(), asProgram+"=1")
	return command
}

// plainly fails where an error text is anything but one line at most.
func plainly(t *testing.T, stderr string) {
	t.Helper()
	if strings.Count(stderr, "\n") > 1 || strings.Contains(stderr, "goroutine") {
		t.Errorf("stderr is more than a line: %q", stderr)
	}
}

func TestAReaderThatLeavesEndsTheProgramQuietly(t *testing.T) {
	for _, form := range checkForms().each() {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		command := program(t, stuck("-o", form)...)
		var stderr bytes.Buffer
		command.Stdout, command.Stderr = writer, &stderr
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		writer.Close()
		reader.Close()
		err = command.Wait()
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGPIPE {
			t.Errorf("-o %s: got %v, want the end of every program whose reader has left", form, err)
		}
		plainly(t, stderr.String())
	}
}

func TestADiskThatIsFullIsAnErrorAndNotAVerdict(t *testing.T) {
	for _, args := range [][]string{stuck(), stuck("-o", "json"), {"rbac"}, {"explain"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip("this system has no /dev/full")
		}
		command := program(t, args...)
		var stderr bytes.Buffer
		command.Stdout, command.Stderr = full, &stderr
		err = command.Run()
		full.Close()
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) || exit.ExitCode() != exitFailure || !strings.HasSuffix(stderr.String(), "no space left on device\n") {
			t.Errorf("%v: got %v, stderr %q", args, err, stderr.String())
		}
		plainly(t, stderr.String())
	}
}

func TestAnInterruptEndsTheProgramWithExitCode1(t *testing.T) {
	listening := make(chan struct{}, 1)
	config := apiServer(t, hangs(listening, t.Context().Done()))
	for _, args := range [][]string{{"check"}, {"plan"}, {"collect", "-o", t.TempDir() + "/evidence.zip"}} {
		command := program(t, append(args, "--kubeconfig", config, "--timeout", "1h")...)
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-listening:
		case <-time.After(time.Minute):
			t.Fatal("the program did not ask the API server within a minute")
		}
		if err := command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		err := command.Wait()
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) || exit.ExitCode() != exitFailure || stdout.Len() > 0 || !strings.HasSuffix(stderr.String(), "upgrade-gate: interrupted\n") {
			t.Errorf("%v: got %v, stdout %q, stderr %q", args, err, stdout.String(), stderr.String())
		}
	}
}
