package controlplane

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// processes knows the process ids of etcd, the API server and the components beside them, and kills them
// when the test binary ends without stopping them: a test that panics or runs into its timeout, a demo
// that is killed. envtest starts them in process groups of their own and offers no such end.
type processes struct {
	folder   string
	watchdog *exec.Cmd
	lifeline io.WriteCloser

	mu    sync.Mutex
	names []string // that a wrapper was written for
}

// The watchdog reads from a pipe whose other end only this process holds. The pipe closes when this
// process ends, however it ends.
const watchdogScript = `cat >/dev/null
for file in "$1"/*.pid; do
	[ -e "$file" ] && kill -9 "$(cat "$file")" 2>/dev/null
done
if [ -n "$2" ]; then
	# A process that is still dying may write one more file.
	rm -rf "$2" 2>/dev/null || { sleep 1; rm -rf "$2"; }
fi
exit 0
`

// watchProcesses starts the watchdog. The processes' ids are kept in files below folder, which the
// watchdog removes at the end if temporary says so.
func watchProcesses(folder string, temporary bool) (*processes, error) {
	remove := ""
	if temporary {
		remove = folder
	}
	watchdog := exec.Command("/bin/sh", "-c", watchdogScript, "watchdog", folder, remove)
	// A group of its own, so that the Ctrl-C that ends us does not end it first.
	watchdog.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	lifeline, err := watchdog.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("making the watchdog's pipe: %w", err)
	}
	if err := watchdog.Start(); err != nil {
		return nil, fmt.Errorf("starting the watchdog: %w", err)
	}
	return &processes{folder: folder, watchdog: watchdog, lifeline: lifeline}, nil
}

// wrapper writes a script that notes its process id and its arguments, and becomes the program.
func (p *processes) wrapper(name, program string) (string, error) {
	path := filepath.Join(p.folder, "run-"+name)
	script := fmt.Sprintf(`#!/bin/sh
[ "$1" = --help ] || { echo $$ >'%s'; printf '%%s\n' "$@" >'%s'; }
exec '%s' "$@"
`, p.file(name), p.argumentsFile(name), program)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		return "", fmt.Errorf("writing the wrapper of %s: %w", name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names = append(p.names, name)
	return path, nil
}

func (p *processes) file(name string) string { return filepath.Join(p.folder, name+".pid") }

func (p *processes) argumentsFile(name string) string {
	return filepath.Join(p.folder, name+".arguments")
}

// arguments returns the arguments that the named program was last started with.
func (p *processes) arguments(name string) ([]string, error) {
	text, err := os.ReadFile(p.argumentsFile(name))
	if err != nil {
		return nil, fmt.Errorf("reading the arguments of %s: %w", name, err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}

// id returns the process id that the named program was last started with.
func (p *processes) id(name string) (int, error) {
	text, err := os.ReadFile(p.file(name))
	if err != nil {
		return 0, fmt.Errorf("reading the process id of %s: %w", name, err)
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// kill ends the programs by force.
func (p *processes) kill() {
	for _, name := range p.wrapped() {
		if id, err := p.id(name); err == nil {
			_ = syscall.Kill(id, syscall.SIGKILL)
		}
	}
}

// forget removes the notes of process ids that are no longer ours, before somebody else gets them.
func (p *processes) forget() {
	for _, name := range p.wrapped() {
		_ = os.Remove(p.file(name))
	}
}

// forgetOne is forget for one program that has ended.
func (p *processes) forgetOne(name string) { _ = os.Remove(p.file(name)) }

func (p *processes) wrapped() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.names)
}

// close ends the watchdog, after killing the programs unless they have ended in good order.
func (p *processes) close(ended bool) error {
	if !ended {
		p.kill()
	}
	p.forget()
	return errors.Join(p.lifeline.Close(), p.watchdog.Wait())
}

// ProcessID returns the process id of "kube-apiserver", "etcd" or a component, for a test that measures or kills it.
func (p *ControlPlane) ProcessID(name string) (int, error) { return p.processes.id(name) }
