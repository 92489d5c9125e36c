package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ClockVariable names the environment variable with the path of the file that holds, in seconds, how far the clock of
// a ClockProduct is off. It is read again and again; a file that is missing means that the clock is right.
const ClockVariable = "UPGRADE_GATE_CLOCK"

// ClockProduct is Product with a clock that a file sets, while the program runs. A Go program without cgo asks the
// kernel for the time by itself, so that no library can be put between, and the machine's own clock is everybody's. So
// the program is built with a time.Now that adds an offset: the installed package time, with two lines more. That compiles
// everything that the program consists of anew, which takes minutes the first time.
func ClockProduct(ctx context.Context, progress io.Writer, path string) error {
	folder, err := os.MkdirTemp("", "upgrade-gate-clock-")
	if err != nil {
		return fmt.Errorf("creating a folder for the clock: %w", err)
	}
	defer os.RemoveAll(folder)
	overlay, err := writeClock(ctx, folder)
	if err != nil {
		return fmt.Errorf("writing the clock: %w", err)
	}
	return buildProduct(ctx, progress, "upgrade-gate-clock", path, "-overlay", overlay)
}

// setter is the file that the program has in addition.
const setter = `package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

func init() {
	path := os.Getenv("` + ClockVariable + `")
	set := func() {
		text, _ := os.ReadFile(path)
		time.Offset, _ = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	}
	set()
	go func() {
		for range time.Tick(20 * time.Millisecond) {
			set()
		}
	}()
}
`

// writeClock writes the changed files, and the file that names them to go build.
func writeClock(ctx context.Context, folder string) (overlay string, err error) {
	repository, err := Repository()
	if err != nil {
		return "", err
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("asking for GOROOT: %w", err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	const read = "	sec, nsec, mono := runtimeNow()\n"
	changed := strings.Replace(string(text), "func Now() Time {\n"+read, "func Now() Time {\n"+read+"	sec += Offset\n", 1)
	if changed == string(text) {
		return "", errors.New("time.Now of this version of Go is written in another way")
	}
	changed += "\n// Offset is how many seconds Now is off.\nvar Offset int64\n"
	replace := map[string]string{
		original: filepath.Join(folder, "time.go"),
		filepath.Join(repository, "cmd", "upgrade-gate", "clock.go"): filepath.Join(folder, "clock.go"),
	}
	names, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(folder, "overlay.json")
	return overlay, errors.Join(
		os.WriteFile(filepath.Join(folder, "time.go"), []byte(changed), 0o600),
		os.WriteFile(filepath.Join(folder, "clock.go"), []byte(setter), 0o600),
		os.WriteFile(overlay, names, 0o600))
}
