package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

const (
	// watchInterval is how often --watch looks at the watch cache, where changes arrive by themselves.
	watchInterval = 2 * time.Second
	// firstAnswers is how long --watch waits for what is polled before its first report; what is not there by then is unknown in it.
	firstAnswers = 10 * time.Second
)

// watching judges a cluster again and again.
type watching struct {
	judge func(context.Context) judgement
	out   io.Writer
	style report.Style
}

// run prints the first report whole and then whatever changes, each time that ticks says so, until ctx ends. It returns the last
// report.
func (w watching) run(ctx context.Context, ticks <-chan time.Time) (report.Report, error) {
	last := w.judge(ctx).report
	if err := report.WriteText(w.out, last, w.style); err != nil {
		return last, err
	}
	for {
		select {
		case <-ctx.Done():
			return last, nil
		case <-ticks:
		}
		now := w.judge(ctx).report
		if ctx.Err() != nil {
			return last, nil // What was being read then is not known.
		}
		change := report.Compare(last, now)
		if change.IsNothing() {
			continue
		}
		last = now
		if err := report.WriteChangeText(w.out, change, w.style); err != nil {
			return last, err
		}
	}
}

// watch is run for --watch: it ends with an interrupt, and its exit code is that of the last report.
func (o checkOptions) watch(ctx context.Context, request gate.Request, rules *policy.Policy, out, errOut io.Writer) error {
	// The libraries tell of every watch that breaks. The report says what that means.
	klog.SetLogger(logr.Discard())
	ctrl.SetLogger(logr.Discard())
	cached, stopped, err := o.startCache(ctx, errOut)
	if err != nil {
		return err
	}
	run, notRun := o.selection.checks()
	judge := gate.Gate{Checks: run, Memory: gate.NewMemory(), Now: time.Now}
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	last, err := watching{out: out, style: styleOf(out, os.Getenv), judge: func(ctx context.Context) judgement {
		input := judge.Examine(ctx, cached, request, rules)
		input.NotRun = notRun
		return judgement{report: report.New(input), input: input}
	}}.run(ctx, ticker.C)
	select {
	case broken := <-stopped:
		err = errors.Join(err, broken)
	default:
	}
	if err != nil {
		return err
	}
	return o.exit(last)
}

// startCache returns the watch cache once it is filled, and where its failure arrives. An API server that cannot be reached, or a cache
// that is not filled before the timeout, is an error.
func (o checkOptions) startCache(ctx context.Context, errOut io.Writer) (*cluster.Cached, <-chan error, error) {
	waiting, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	live, config, err := o.connection.live(waiting, time.Now)
	if err != nil {
		return nil, nil, err
	}
	cached, err := cluster.NewCached(cluster.CachedOptions{Config: config, Poller: cluster.NewPoller(live), Now: time.Now})
	if err != nil {
		return nil, nil, err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- cached.Start(ctx) }()
	if err := untilNil(waiting, cached.Synced); err != nil {
		return nil, nil, fmt.Errorf("fill the watch cache: %w", err)
	}
	polled, cancelPolled := context.WithTimeout(waiting, firstAnswers)
	defer cancelPolled()
	if err := untilNil(polled, cached.Polled); err != nil && ctx.Err() == nil {
		fmt.Fprintf(errOut, "Going on without %s.\n", err)
	}
	if ctx.Err() != nil {
		return nil, nil, errInterrupted
	}
	return cached, stopped, nil
}

// untilNil asks again and again until the answer is nil; its error is the last answer when ctx ends.
func untilNil(ctx context.Context, ask func() error) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}
