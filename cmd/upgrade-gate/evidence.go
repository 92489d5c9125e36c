package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// evidenceOptions are the flags that say where a cluster is read: live, or from files.
type evidenceOptions struct {
	from           string
	assumeComplete bool
	at             string
	timeout        time.Duration
	connection     connectionOptions
}

func (o *evidenceOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.from, "from", "", "folder or file of YAML, or a support bundle (zip or unpacked), to read instead of a cluster")
	flags.BoolVar(&o.assumeComplete, "assume-complete", false, "with --from: a kind of which there is no object is empty, not unread")
	flags.StringVar(&o.at, "at", "", "with --from: when the files were collected, as 2026-11-20T10:00:00Z; ages count from then (default: when they say they were, else now)")
	flags.DurationVar(&o.timeout, "timeout", time.Minute, "how long everything may take; what is not read by then is unknown")
	o.connection.addFlags(flags)
}

// complain tells what is wrong with the flags.
func (o *evidenceOptions) complain(to *complaints) {
	to.when(o.from == "" && o.assumeComplete, "--assume-complete needs --from")
	to.when(o.from == "" && o.at != "", "--at needs --from: a cluster is read as it is now")
	to.when(o.from != "" && o.connection.readSecrets, "--read-secrets is for a cluster: the Secrets that files hold are read anyway")
	if _, err := o.collectedAt(); err != nil {
		*to = append(*to, err)
	}
	to.when(o.timeout <= 0, "--timeout %s is too short", o.timeout)
}

// opened is a cluster that can be read, and the time that its ages count from.
type opened struct {
	source cluster.Source
	now    func() time.Time
}

// reading tells a person on errOut how far the reading of what was opened is, if it takes long, until stop is called.
func (o opened) reading(errOut io.Writer) (source cluster.Source, stop func()) {
	p, ticker := newProgress(o.source), time.NewTicker(progressEvery)
	stopTelling := p.tell(errOut, isTerminal(errOut), ticker.C)
	return p, func() {
		stopTelling()
		ticker.Stop()
	}
}

// open returns the cluster, and until when it may be read: files are opened whole, however long that takes; a cluster until the timeout.
// The cancel function is never nil.
func (o *evidenceOptions) open(ctx context.Context) (context.Context, context.CancelFunc, opened, error) {
	if o.from == "" {
		ctx, cancel := context.WithTimeout(ctx, o.timeout)
		source, err := o.connection.source(ctx, time.Now)
		return ctx, cancel, opened{source, time.Now}, err
	}
	source, err := cluster.Open(o.from, cluster.FolderOptions{AssumeComplete: o.assumeComplete})
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	return ctx, cancel, opened{source, o.clockOf(source)}, err
}

// clockOf returns the time of files: the one of --at, else when they were collected, else now.
func (o *evidenceOptions) clockOf(source cluster.Source) func() time.Time {
	at, _ := o.collectedAt()
	if dated, ok := source.(cluster.Dated); ok && at.IsZero() {
		at = dated.CollectedAt()
	}
	if at.IsZero() {
		return time.Now
	}
	return func() time.Time { return at }
}

// collectedAt is the time of --at; zero where it is not given.
func (o *evidenceOptions) collectedAt() (time.Time, error) {
	if o.at == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, o.at)
	if err != nil {
		return time.Time{}, fmt.Errorf("--at %q is not a time like 2026-11-20T10:00:00Z", o.at)
	}
	return at, nil
}

// interruptible works beside the caller, so that an interrupt is obeyed whatever is being read.
func interruptible[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type outcome struct {
		result T
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := work()
		done <- outcome{result, err}
	}()
	select {
	case came := <-done:
		if ctx.Err() == nil {
			return came.result, came.err
		}
	case <-ctx.Done():
	}
	var nothing T
	return nothing, errInterrupted
}
