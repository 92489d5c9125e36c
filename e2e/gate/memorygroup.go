package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// MemoryGroup is a control group whose processes together may not take more memory than its limit: the kernel kills them when they do, as
// it does the containers of a pod.
type MemoryGroup struct {
	folder string
	// current and events are the files with what is taken now, and with how many processes were killed.
	current, events string
}

// NewMemoryGroup makes a group with a limit in bytes, and no swap. It needs the rights of root; the error says what could not be written.
func NewMemoryGroup(limit int64) (*MemoryGroup, error) {
	const root = "/sys/fs/cgroup"
	name := fmt.Sprintf("upgrade-gate-%d-%d", os.Getpid(), limit)
	group := &MemoryGroup{folder: filepath.Join(root, name), current: "memory.current", events: "memory.events"}
	settings := map[string]string{"memory.max": strconv.FormatInt(limit, 10), "memory.swap.max": "0"}
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); errors.Is(err, fs.ErrNotExist) { // the first version
		group = &MemoryGroup{folder: filepath.Join(root, "memory", name), current: "memory.usage_in_bytes", events: "memory.oom_control"}
		settings = map[string]string{"memory.limit_in_bytes": strconv.FormatInt(limit, 10), "memory.swappiness": "0"}
	}
	if err := os.Mkdir(group.folder, 0o755); err != nil {
		return nil, fmt.Errorf("making a memory cgroup: %w", err)
	}
	for file, value := range settings {
		if err := os.WriteFile(filepath.Join(group.folder, file), []byte(value), 0o644); err != nil {
			return nil, errors.Join(fmt.Errorf("limiting a memory cgroup: %w", err), group.Remove())
		}
	}
	return group, nil
}

// members is the file that a process writes its id to in order to join.
func (g *MemoryGroup) members() string { return filepath.Join(g.folder, "cgroup.procs") }

// Taken returns how many bytes the group takes now, pages of files that can be dropped included.
func (g *MemoryGroup) Taken() (int64, error) {
	text, err := os.ReadFile(filepath.Join(g.folder, g.current))
	if err != nil {
		return 0, fmt.Errorf("reading a memory cgroup: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// Killed returns how many processes of the group were killed because it had reached its limit.
func (g *MemoryGroup) Killed() (int, error) {
	text, err := os.ReadFile(filepath.Join(g.folder, g.events))
	if err != nil {
		return 0, fmt.Errorf("reading a memory cgroup: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if count, found := strings.CutPrefix(line, "oom_kill "); found {
			return strconv.Atoi(strings.TrimSpace(count))
		}
	}
	return 0, fmt.Errorf("%s does not say how many processes were killed", filepath.Join(g.folder, g.events))
}

// Remove removes the group, whose processes must have ended.
func (g *MemoryGroup) Remove() error {
	if err := os.Remove(g.folder); err != nil {
		return fmt.Errorf("removing a memory cgroup: %w", err)
	}
	return nil
}
