package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// checkOptions are the flags of upgrade-gate check.
type checkOptions struct {
	from           string
	assumeComplete bool
	at             string
	version        string
	image          string
	policy         string
	timeout        time.Duration
	output         string
	connection     connectionOptions
}

func newCheckCommand() *cobra.Command {
	var options checkOptions
	command := &cobra.Command{
		Use:   "check",
		Short: "Runs every check and tells whether an upgrade may begin",
		Long: "Runs every check against the cluster of the current kubeconfig, or against a cluster in files.\n\n" +
			"Exit codes: 0 ready, 1 could not run, 2 blocked, 3 incomplete (nothing blocks, but not everything could be read).",
		Example: "  upgrade-gate check --version v1.4.2\n" +
			"  upgrade-gate check --from examples/clusters/healthy --version v1.4.2 -o json",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return options.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := command.Flags()
	flags.StringVar(&options.from, "from", "", "folder or file of YAML to read instead of a cluster")
	flags.BoolVar(&options.assumeComplete, "assume-complete", false, "with --from: a kind of which there is no object is empty, not unread")
	flags.StringVar(&options.at, "at", "", "with --from: when the files were collected, as 2026-11-20T10:00:00Z; ages count from then (default: now)")
	flags.StringVar(&options.version, "version", "", "name of the version to upgrade to: v1.4.2")
	flags.StringVar(&options.image, "image", "", "NAMESPACE/NAME of the image to upgrade from")
	flags.StringVar(&options.policy, "policy", "", "policy file (default: every check blocks)")
	flags.DurationVar(&options.timeout, "timeout", time.Minute, "how long everything may take; what is not read by then is unknown")
	flags.StringVarP(&options.output, "output", "o", "text", "text or json")
	options.connection.addFlags(flags)
	return command
}

// run prints the report. Its error is an exitCode where the report says no.
func (o checkOptions) run(ctx context.Context, out io.Writer) error {
	request, err := o.request()
	if err != nil {
		return err
	}
	now, err := o.clock()
	if err != nil {
		return err
	}
	rules := policy.Default()
	if o.policy != "" {
		if rules, err = policy.Load(o.policy); err != nil {
			return err
		}
	}
	r, err := o.interruptible(ctx, request, now, rules)
	if err != nil {
		return err
	}
	if o.output == "json" {
		err = report.WriteJSON(out, r)
	} else {
		err = report.WriteText(out, r)
	}
	if err != nil {
		return err
	}
	switch r.Verdict {
	case policy.Ready:
		return nil
	case policy.Blocked:
		return exitCode(exitBlocked)
	}
	return exitCode(exitIncomplete)
}

// interruptible judges beside the caller, so that an interrupt is obeyed whatever is being read.
func (o checkOptions) interruptible(ctx context.Context, request gate.Request, now func() time.Time, rules *policy.Policy) (report.Report, error) {
	type outcome struct {
		report report.Report
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		r, err := o.judge(ctx, request, now, rules)
		done <- outcome{r, err}
	}()
	select {
	case result := <-done:
		if ctx.Err() == nil {
			return result.report, result.err
		}
	case <-ctx.Done():
	}
	return report.Report{}, errors.New("interrupted")
}

// judge reads the cluster and judges it. Files are read whole, however long that takes; a cluster until the timeout.
func (o checkOptions) judge(ctx context.Context, request gate.Request, now func() time.Time, rules *policy.Policy) (report.Report, error) {
	var source cluster.Source
	var err error
	if o.from != "" {
		source, err = cluster.ReadFolder(o.from, cluster.FolderOptions{AssumeComplete: o.assumeComplete})
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if o.from == "" {
		source, err = o.connection.source(ctx, now)
	}
	if err != nil {
		return report.Report{}, err
	}
	judge := gate.Gate{Checks: checks.All(), Now: now}
	return judge.Judge(ctx, source, request, rules), nil
}

func (o checkOptions) clock() (func() time.Time, error) {
	if o.at == "" {
		return time.Now, nil
	}
	at, err := time.Parse(time.RFC3339, o.at)
	if err != nil {
		return nil, fmt.Errorf("--at %q is not a time like 2026-11-20T10:00:00Z", o.at)
	}
	return func() time.Time { return at }, nil
}
