// Package network gives a test binary a network of its own, in which the pods of a cluster have addresses, and the
// Services of the cluster work as they do in one. Nothing of it is seen from outside, and all of it is gone when the
// test binary has ended. It needs Linux and root.
package network

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/upgrade-gate/upgrade-gate/e2e/leftout"
)

// insideVariable is set in the process that runs in a network of its own.
const insideVariable = "UPGRADE_GATE_E2E_NETWORK"

// Main runs the tests in a network of their own: it runs this binary once more, in new namespaces for network and
// mounts. It does not return. Of somebody who is not root the tests are left out, as leftout.Binary does.
func Main(m *testing.M) {
	if os.Getenv(insideVariable) != "" {
		if err := prepare(); err != nil {
			fmt.Fprintln(os.Stderr, "network:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	if os.Getuid() != 0 {
		os.Exit(leftout.Binary(os.Stderr, errors.New("a network of one's own needs root (sudo make e2e)")))
	}
	code, err := again()
	if err != nil {
		fmt.Fprintln(os.Stderr, "network:", err)
	}
	os.Exit(code)
}

// again runs this binary in new namespaces, and returns its exit code.
func again() (int, error) {
	// The kernel kills the new process when the thread that has started it ends.
	runtime.LockOSThread()
	command := exec.Command("/proc/self/exe", os.Args[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = append(os.Environ(), insideVariable+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	err := command.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 1, fmt.Errorf("running the tests in a network of their own: %w", err)
	}
	return 0, nil
}

// prepare brings up the loopback device of the new network, and keeps mounts to this process.
func prepare() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts to this process: %w", err)
	}
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("finding the loopback device: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("bringing up the loopback device: %w", err)
	}
	return nil
}
