package policy

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// watchInterval is how often the file is looked at; the kubelet itself takes about a minute to bring a changed ConfigMap.
const watchInterval = 5 * time.Second

// WatchOptions say which file is watched, and who is told.
type WatchOptions struct {
	// Path is the configuration file. A ConfigMap is mounted as a directory whose links are swapped at once, so the path is
	// opened anew at every look.
	Path string
	// Log gets one line for every content that was read, good or bad. Nil means no log.
	Log *zap.Logger
	// Loaded is told the outcome of every content that was read: nil for one that is now in force. Nil means nobody.
	Loaded func(problem error)
	// Ticks says when to look. Nil means every five seconds.
	Ticks <-chan time.Time
}

// Watch holds the last good content of a configuration file. It is safe for use by several goroutines.
type Watch struct {
	options WatchOptions
	current atomic.Pointer[Policy]
	problem atomic.Pointer[error]
	// seen identifies the content, or the error of reading it, that was judged last. Only the goroutine of Start uses it.
	seen [sha256.Size]byte
}

// NewWatch reads the file for the first time. A file that is bad from the start is an error: there is no older version to keep.
func NewWatch(options WatchOptions) (*Watch, error) {
	if options.Log == nil {
		options.Log = zap.NewNop()
	}
	if options.Loaded == nil {
		options.Loaded = func(error) {}
	}
	w := &Watch{options: options}
	w.look()
	if err := w.Problem(); err != nil {
		return nil, err
	}
	return w, nil
}

// Current returns the policy that is in force.
func (w *Watch) Current() *Policy { return w.current.Load() }

// Problem says why the file as it is now is not in force; nil where it is.
func (w *Watch) Problem() error {
	if problem := w.problem.Load(); problem != nil {
		return *problem
	}
	return nil
}

// Start looks at the file until ctx ends; it then returns nil.
func (w *Watch) Start(ctx context.Context) error {
	ticks := w.options.Ticks
	if ticks == nil {
		ticker := time.NewTicker(watchInterval)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks:
			w.look()
		}
	}
}

// NeedLeaderElection tells controller-runtime that every replica reads its own file.
func (w *Watch) NeedLeaderElection() bool { return false }

// look reads the file and, if it is not what was seen last, judges it.
func (w *Watch) look() {
	content, err := readFile(w.options.Path)
	seen := sha256.Sum256(content)
	if err != nil {
		seen = sha256.Sum256([]byte("unread: " + err.Error()))
	}
	if seen == w.seen {
		return
	}
	w.seen = seen
	if err != nil {
		w.refuse(err)
		return
	}
	policy, err := Parse(w.options.Path, content)
	if err != nil {
		w.refuse(err)
		return
	}
	w.current.Store(policy)
	w.problem.Store(nil)
	w.options.Log.Info("policy loaded", zap.String("file", w.options.Path),
		zap.Any("enforcement", policy.enforcement), zap.Strings("excludedNamespaces", policy.ExcludedNamespaces()))
	w.options.Loaded(nil)
}

// refuse keeps the policy that is in force.
func (w *Watch) refuse(problem error) {
	w.problem.Store(&problem)
	if w.Current() != nil {
		w.options.Log.Error("policy not loaded, the one before stays in force",
			zap.String("file", w.options.Path), zap.Strings("problems", lines(problem)))
	}
	w.options.Loaded(problem)
}

// lines splits the error of Parse into its single problems.
func lines(problem error) []string {
	var all interface{ Unwrap() []error }
	if !errors.As(problem, &all) {
		return []string{problem.Error()}
	}
	var texts []string
	for _, one := range all.Unwrap() {
		texts = append(texts, one.Error())
	}
	return texts
}
