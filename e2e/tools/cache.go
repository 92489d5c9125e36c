package tools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// lockPoll is how often a process that waits for another one's build looks again.
	lockPoll = 200 * time.Millisecond
	// heartbeat is how often a running build says that it is still running.
	heartbeat = 15 * time.Second
)

// Cached returns the folder <repository>/.cache/<key>, and has make fill it when it does not exist
// yet. make gets a temporary folder, which is renamed when make succeeds: the folder exists complete
// or not at all, also when the process is killed half way. A file lock keeps two processes from
// making the same key at once. progress may be nil.
func Cached(ctx context.Context, key string, progress io.Writer, make func(ctx context.Context, folder string) error) (string, error) {
	repository, err := Repository()
	if err != nil {
		return "", err
	}
	cache := filepath.Join(repository, ".cache")
	folder := filepath.Join(cache, key)
	if isFolder(folder) {
		return folder, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("creating the cache folder: %w", err)
	}
	unlock, err := lock(ctx, folder+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if isFolder(folder) { // made by the process that held the lock before us
		return folder, nil
	}
	return folder, fill(ctx, key, folder, progress, make)
}

// fill makes the folder under a temporary name and renames it.
func fill(ctx context.Context, key, folder string, progress io.Writer, make func(context.Context, string) error) error {
	temporary := folder + ".partial"
	// What a killed process left behind. Nobody else is at work on it: we hold the lock.
	if err := os.RemoveAll(temporary); err != nil {
		return fmt.Errorf("clearing an interrupted build: %w", err)
	}
	if err := os.Mkdir(temporary, 0o755); err != nil {
		return fmt.Errorf("creating the build folder: %w", err)
	}
	done := report(progress, key)
	err := make(ctx, temporary)
	done(err)
	if err != nil {
		return errors.Join(err, os.RemoveAll(temporary))
	}
	if err := os.Rename(temporary, folder); err != nil {
		return fmt.Errorf("putting the build in place: %w", err)
	}
	return nil
}

// report writes that key is being made, again every 15 seconds, and how it ended when the returned
// function is called.
func report(progress io.Writer, key string) func(error) {
	if progress == nil {
		return func(error) {}
	}
	start := time.Now()
	elapsed := func() time.Duration { return time.Since(start).Round(time.Second / 10) }
	fmt.Fprintf(progress, "making %s (once per version, kept in .cache)\n", key)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				fmt.Fprintf(progress, "still making %s, %s so far\n", key, elapsed())
			case <-stop:
				return
			}
		}
	}()
	return func(err error) {
		close(stop)
		<-stopped
		if err != nil {
			fmt.Fprintf(progress, "making %s failed after %s\n", key, elapsed())
			return
		}
		fmt.Fprintf(progress, "made %s in %s\n", key, elapsed())
	}
}

// lock takes an exclusive lock on the file at path, waiting until ctx ends, and returns the function
// that gives it back. The kernel gives it back for a process that dies.
func lock(ctx context.Context, path string) (func(), error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the lock file: %w", err)
	}
	ticker := time.NewTicker(lockPoll)
	defer ticker.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("waiting for another process's build, %s: %w", path, ctx.Err()), file.Close())
		case <-ticker.C:
		}
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
